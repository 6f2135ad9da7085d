"""API keys on the wire: what is made, what is refused, and how lists page (design: key service, sections 1 to 3)."""

from __future__ import annotations

import json
import re
import uuid
import zlib

import httpx
import pytest

from conftest import Installation, World

MEMBERS = [
    "id",
    "created",
    "name",
    "preview_name",
    "user_id",
    "user_email",
    "user_given_name",
    "user_family_name",
    "org_id",
]
UNKNOWN = "01890000-0000-7000-8000-000000000000"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def create(client: httpx.Client, name: str, **members: object) -> dict:
    answer = client.post("/v1/api_key", json={"name": name, **members})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(answer: httpx.Response) -> set[str]:
    """The members that an error is about."""
    return {issue["path"][0] for issue in answer.json().get("Issues", [])}


# Creation


@pytest.mark.parametrize("person", ["ada", "bob"])
def test_created_key_is_byte_for_byte_the_published_shape(world: World, request, name: str, person: str):
    """Ten members in the published order without a space; Bob has no names, and his nulls are written out."""
    answer = request.getfixturevalue(person).post("/v1/api_key", json={"name": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    key = answer.json()
    given, family = ('"Ada"', '"Lovelace"') if person == "ada" else ("null", "null")
    expected = (
        f'{{"id":"{key["id"]}","created":"{key["created"]}","name":"{name}","preview_name":"sk-****{key["key"][-4:]}",'
        f'"user_id":"{getattr(world, person).id}","user_email":"{person}@example.com","user_given_name":{given},'
        f'"user_family_name":{family},"org_id":"{world.organization["id"]}","key":"{key["key"]}"}}'
    )
    assert answer.content == expected.encode()
    assert str(uuid.UUID(key["id"])) == key["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", key["created"])


def test_key_has_the_documented_form(ada: httpx.Client, name: str):
    """`sk-`, 36 random letters and digits, the marker, and six digits of the checksum of what stands before."""
    for _ in range(20):
        key = create(ada, name)["key"]
        assert re.fullmatch(r"sk-[0-9A-Za-z]{36}WiTaN1[0-9A-Za-z]{6}", key)
        checksum = 0
        for digit in key[-6:]:
            checksum = checksum * 62 + BASE62.index(digit)
        assert checksum == zlib.crc32(key[:-6].encode())


def test_two_keys_of_one_name_are_two_keys(ada: httpx.Client, name: str):
    first, second = ada.post("/v1/api_key", json={"name": name}), ada.post("/v1/api_key", json={"name": name})
    assert first.json()["id"] != second.json()["id"] and first.json()["key"] != second.json()["key"]
    assert "x-bt-found-existing" not in second.headers
    assert [key["id"] for key in ada.get("/v1/api_key", params={"api_key_name": name}).json()["objects"]] == [
        second.json()["id"],
        first.json()["id"],
    ]


def test_secret_is_shown_once(ada: httpx.Client, name: str):
    key = create(ada, name)
    for answer in (
        ada.get("/v1/api_key", params={"api_key_name": name}),
        ada.get(f"/v1/api_key/{key['id']}"),
        ada.get("/v1/organization/api_keys", params={"api_key_name": name}),
        ada.delete(f"/v1/api_key/{key['id']}"),
    ):
        assert answer.status_code == 200 and key["id"] in answer.text
        assert key["key"] not in answer.text and '"key"' not in answer.text


@pytest.mark.parametrize(
    "name",
    [
        "a",
        " ",
        "  both ends  ",
        "\n\t",
        '"\\/',
        "ключ 🗝 鍵",
        "e\u0301",
        "\u202eright to left",
        "\x7f",
        "\U0010ffff",
        "a" * 1_024,
        "🗝" * 600,
        "</script>",
    ],
    ids=lambda name: ascii(name[:16]),
)
def test_name_is_kept_as_sent(ada: httpx.Client, name: str):
    key = create(ada, name)
    assert key["name"] == name
    assert ada.get(f"/v1/api_key/{key['id']}").json()["name"] == name
    assert key["id"] in [
        found["id"] for found in ada.get("/v1/api_key", params={"api_key_name": name}).json()["objects"]
    ]
    assert ada.delete(f"/v1/api_key/{key['id']}").json()["name"] == name


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": ""}],
    ids=["none", "text", "form", "empty"],
)
def test_media_type_is_not_looked_at(ada: httpx.Client, name: str, headers: dict):
    answer = ada.post("/v1/api_key", content=json.dumps({"name": name}).encode(), headers=headers)
    assert answer.status_code == 200 and answer.json()["name"] == name


@pytest.mark.parametrize(
    "members",
    [
        {"org_name": None},
        {"org_id": None},
        {"org_name": "Acme"},
        {"org_name": None, "org_id": None},
        {"org_id": "own"},
        {"org_id": "OWN"},
        {"org_id": "own", "org_name": "Acme"},
    ],
    ids=str,
)
def test_organization_can_be_named_or_left_out(world: World, ada: httpx.Client, name: str, members: dict):
    id = world.organization["id"]
    values = {member: {"own": id, "OWN": id.upper()}.get(value, value) for member, value in members.items()}
    assert create(ada, name, **values)["org_id"] == id


def test_spaces_around_the_body_are_nothing(ada: httpx.Client, name: str):
    body = f' \r\n\t{{ "name" : "{name}" }}\n '
    assert ada.post("/v1/api_key", content=body.encode()).json()["name"] == name


NO_OBJECT = {
    "nothing": b"",
    "a space": b" ",
    "null": b"null",
    "an array": b'[{"name":"a"}]',
    "a text": b'"name"',
    "a number": b"1",
    "true": b"true",
    "half an object": b'{"name":"a"',
    "half a text": b'{"name":"a',
    "a comma at the end": b'{"name":"a",}',
    "something after it": b'{"name":"a"}x',
    "another object after it": b'{"name":"a"}{"name":"a"}',
    "a comment": b'{"name":"a"/* */}',
    "single quotes": b"{'name':'a'}",
    "a bare name": b'{name:"a"}',
    "a line break in a text": b'{"name":"a\nb"}',
    "an unknown escape": b'{"name":"\\x61"}',
    "NaN": b'{"name":NaN}',
    "a number with a leading zero": b'{"name":01}',
    "not UTF-8": b'{"name":"\xff"}',
    "overlong UTF-8": b'{"name":"\xc1\x81"}',
    "a surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "a lone high surrogate": b'{"name":"\\ud800"}',
    "a lone low surrogate": b'{"name":"\\udc00"}',
    "surrogates the wrong way round": b'{"name":"\\udc00\\ud800"}',
    "UTF-16": '{"name":"a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name":"a"}',
    "NUL": b"\x00",
    "too deep": b'{"name":' + b"[" * 100 + b"]" * 100 + b"}",
    "far too deep": b"[" * 500_000,
    "a form": b"name=a",
    "XML": b"<name>a</name>",
}


@pytest.mark.parametrize("body", NO_OBJECT.values(), ids=NO_OBJECT.keys())
def test_body_that_is_not_one_json_object_is_refused(ada: httpx.Client, body: bytes):
    answer = ada.post("/v1/api_key", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["Code"] == "BadRequestError"


WRONG_MEMBERS = {
    "no name": ("{}", {"name"}),
    "null": ('{"name":null}', {"name"}),
    "empty": ('{"name":""}', {"name"}),
    "a number": ('{"name":1}', {"name"}),
    "true": ('{"name":true}', {"name"}),
    "an array": ('{"name":["a"]}', {"name"}),
    "an object": ('{"name":{}}', {"name"}),
    "too long": (json.dumps({"name": "a" * 1_025}), {"name"}),
    "far too long": (json.dumps({"name": "🗝" * 1_025}), {"name"}),
    "of too many bytes": (json.dumps({"name": "🗝" * 601}), {"name"}),
    "NUL": ('{"name":"a\\u0000b"}', {"name"}),
    "NUL alone": ('{"name":"\\u0000"}', {"name"}),
    "other case": ('{"Name":"a"}', {"name", "Name"}),
    "unknown": ('{"name":"a","nope":1}', {"nope"}),
    "two unknown": ('{"name":"a","x":1,"y":null}', {"x", "y"}),
    "read-only": (json.dumps({"name": "a", "id": UNKNOWN}), {"id"}),
    "secret": ('{"name":"a","key":"sk-a"}', {"key"}),
    "given twice": ('{"name":"a","name":"a"}', {"name"}),
    "given twice, escaped": ('{"name":"a","n\\u0061me":"b"}', {"name"}),
    "unknown given twice": ('{"name":"a","x":1,"x":2}', {"x"}),
    "org_name a number": ('{"name":"a","org_name":1}', {"org_name"}),
    "org_name an array": ('{"name":"a","org_name":["Acme"]}', {"org_name"}),
    "org_id no UUID": ('{"name":"a","org_id":"Acme"}', {"org_id"}),
    "org_id a number": ('{"name":"a","org_id":1}', {"org_id"}),
    "several faults": ('{"name":"","org_name":1,"nope":1}', {"name", "org_name", "nope"}),
}


@pytest.mark.parametrize("body, at_fault", WRONG_MEMBERS.values(), ids=WRONG_MEMBERS.keys())
def test_wrong_member_is_named(ada: httpx.Client, body: str, at_fault: set[str]):
    answer = ada.post("/v1/api_key", content=body.encode())
    assert answer.status_code == 400, answer.text
    assert names(answer) == at_fault
    assert all(name in answer.json()["Message"] for name in at_fault)


def test_refused_creation_makes_nothing(ada: httpx.Client, name: str):
    for members in ({"nope": 1}, {"org_name": 1}, {"org_name": "Globex"}):
        assert ada.post("/v1/api_key", json={"name": name, **members}).status_code in (400, 403)
    assert ada.get("/v1/api_key", params={"api_key_name": name}).json() == {"objects": []}


@pytest.mark.parametrize(
    "members", [{"org_name": "Globex"}, {"org_name": "nowhere"}, {"org_name": ""}, {"org_id": UNKNOWN}]
)
def test_other_organization_is_as_if_it_were_not_there(ada: httpx.Client, name: str, members: dict):
    assert ada.post("/v1/api_key", json={"name": name, **members}).status_code == 403


# Reading


def test_list_is_byte_for_byte_the_published_shape(ada: httpx.Client, name: str):
    key = create(ada, name)
    del key["key"]
    answer = ada.get("/v1/api_key", params={"api_key_name": name})
    compact = json.dumps(key, separators=(",", ":"))
    assert answer.text == f'{{"objects":[{compact}]}}'
    assert list(answer.json()["objects"][0]) == MEMBERS
    assert ada.get(f"/v1/api_key/{key['id']}").text == compact
    assert ada.delete(f"/v1/api_key/{key['id']}").text == compact
    assert ada.get("/v1/api_key", params={"api_key_name": name}).text == '{"objects":[]}'


@pytest.mark.parametrize(
    "id", ["nope", "1", "01890000-0000-7000-8000-00000000000", f"{UNKNOWN}0", "%E0%A4%A", "a%2Fb", "%00"]
)
def test_id_that_is_no_uuid(ada: httpx.Client, id: str):
    for method in ("GET", "DELETE"):
        answer = ada.request(method, f"/v1/api_key/{id}")
        assert answer.status_code == 400, answer.text
        assert names(answer) == {"api_key_id"}


# Lists


@pytest.fixture(scope="module")
def five(world: World) -> tuple[str, list[str]]:
    """A name and the ids of five keys of it, newest first."""
    name = f"five {uuid.uuid4()}"
    with world.server.client(world.ada.key) as client:
        return name, [create(client, name)["id"] for _ in range(5)][::-1]


def page(client: httpx.Client, name: str, **query: object) -> list[str]:
    answer = client.get("/v1/api_key", params={"api_key_name": name, **query})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["objects"]
    return [key["id"] for key in answer.json()["objects"]]


def test_pages_after_a_cursor(ada: httpx.Client, five):
    name, ids = five
    assert page(ada, name) == ids
    assert page(ada, name, limit=2) == ids[:2]
    for at in range(5):
        assert page(ada, name, starting_after=ids[at]) == ids[at + 1 :]
        assert page(ada, name, starting_after=ids[at], limit=2) == ids[at + 1 : at + 3]


def test_pages_before_a_cursor_are_adjacent_to_it(ada: httpx.Client, five):
    name, ids = five
    for at in range(5):
        assert page(ada, name, ending_before=ids[at]) == ids[:at]
        assert page(ada, name, ending_before=ids[at], limit=2) == ids[max(0, at - 2) : at]


def test_limit(ada: httpx.Client, five):
    name, ids = five
    assert page(ada, name, limit=0) == []
    assert page(ada, name, limit=0, starting_after=ids[0]) == []
    for limit in ("5", "6", "0005", "9223372036854775807", "99999999999999999999999"):
        assert page(ada, name, limit=limit) == ids


def test_cursor_that_names_nothing_visible_gives_an_empty_page(world: World, ada: httpx.Client, five):
    name, _ = five
    deleted = create(ada, name)["id"]
    ada.delete(f"/v1/api_key/{deleted}")
    for cursor in (UNKNOWN, world.eve.key_id, deleted):
        for parameter in ("starting_after", "ending_before"):
            assert page(ada, name, **{parameter: cursor}) == []


def test_cursor_need_not_match_the_filter(ada: httpx.Client, five):
    name, ids = five
    newer = create(ada, f"{name}, another")["id"]
    assert page(ada, name, starting_after=newer) == ids
    assert page(ada, name, ending_before=newer) == []


def test_ids(world: World, ada: httpx.Client, five):
    """Repeated, as the document says, or separated by commas, as the official REST client of 2024 sends them."""
    name, ids = five
    assert page(ada, name, ids=[ids[4], ids[0], ids[4]]) == [ids[0], ids[4]]
    assert page(ada, name, ids=f"{ids[4]},{ids[0]}") == [ids[0], ids[4]]
    assert page(ada, name, ids=[ids[1], world.eve.key_id, UNKNOWN]) == [ids[1]]
    assert page(ada, name, ids=ids[1].upper()) == [ids[1]]
    assert page(ada, name, ids=ids, limit=2, starting_after=ids[1]) == ids[2:4]


def test_unknown_parameter_is_ignored(ada: httpx.Client, five):
    name, ids = five
    assert page(ada, name, nope="1", project_name="x") == ids


@pytest.mark.parametrize(
    "query, at_fault",
    [
        (f"starting_after={UNKNOWN}&ending_before={UNKNOWN}", {"ending_before"}),
        ("starting_after=nope", {"starting_after"}),
        ("starting_after=", {"starting_after"}),
        ("ending_before=1", {"ending_before"}),
        ("ids=nope", {"ids"}),
        ("ids=", {"ids"}),
        (f"ids={UNKNOWN}&ids=nope", {"ids"}),
        (f"ids={UNKNOWN},nope", {"ids"}),
        ("limit=-1", {"limit"}),
        ("limit=1.5", {"limit"}),
        ("limit=ten", {"limit"}),
        ("limit=", {"limit"}),
        ("limit=1e3", {"limit"}),
        ("limit=%2B1", {"limit"}),
        ("limit=+1", {"limit"}),
        ("limit=%D9%A1", {"limit"}),
        ("limit=1&limit=2", {"limit"}),
        ("api_key_name=a&api_key_name=b", {"api_key_name"}),
        ("limit=x&starting_after=y", {"limit", "starting_after"}),
        ("api_key_name=%", set()),
        ("api_key_name=%zz", set()),
        ("api_key_name=%ff", set()),
    ],
)
def test_malformed_query_is_refused(ada: httpx.Client, query: str, at_fault: set[str]):
    answer = ada.get(f"/v1/api_key?{query}")
    assert answer.status_code == 400, answer.text
    assert names(answer) == at_fault


@pytest.mark.parametrize("name", ["a+b", "a b", "50% & more = ?/#", "ü,🗝", "'; DROP TABLE api_keys; --", "%", "_"])
def test_name_filter_is_exact(ada: httpx.Client, name: str):
    name = f"{name} {uuid.uuid4()}"
    id = create(ada, name)["id"]
    assert page(ada, name) == [id]
    for other in (name[:-1], name.upper(), f"{name} ", name[1:]):
        assert page(ada, other) == []


def test_long_list_is_whole(installation: Installation, serve):
    """More keys than the server reads at a time arrive once each, newest first, with and without pages."""
    server = serve(installation.data, "--rate-limit", "off")
    with server.client(installation.ada.key) as client:
        ids = [create(client, "one of many")["id"] for _ in range(1_100)][::-1]
        assert page(client, "one of many") == ids
        paged: list[str] = []
        while found := page(client, "one of many", limit=499, **({"starting_after": paged[-1]} if paged else {})):
            paged += found
        assert paged == ids
        backwards: list[str] = []
        while found := page(client, "one of many", limit=499, ending_before=(backwards or ids[-1:])[0]):
            backwards = found + backwards
        assert backwards == ids[:-1]
