"""Who may do what with keys (design: key service, sections 3, 4 and 6)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from conftest import BINARY, Installation, Server, World, environment


@pytest.fixture
def carol(world: World):
    """Requests as Carol by a token, which acts in Acme and Initech."""
    with world.server.client(world.carol_token) as client:
        yield client


def create(client: httpx.Client, name: str, headers: dict | None = None, **members: object) -> dict:
    answer = client.post("/v1/api_key", json={"name": name, **members}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [key["id"] for key in answer.json()["objects"]]


def is_dead(server: Server, key: str) -> bool:
    """Every way in is closed."""
    with server.client(key) as client:
        answers = [
            client.get("/v1/api_key"),
            client.post("/v1/api_key", json={"name": "a"}),
            client.get("/ping"),
            client.post("/api/apikey/login"),
            client.post("/api/self/me"),
        ]
    return {answer.status_code for answer in answers} == {401}


# The end of a key


def test_deleted_key_is_refused_at_once(world: World, ada: httpx.Client, name: str):
    """Also a key that was just used and whose check is kept in memory."""
    for _ in range(20):
        key = create(ada, name)
        with world.server.client(key["key"]) as client:
            assert client.get("/v1/api_key").status_code == 200
            assert ada.delete(f"/v1/api_key/{key['id']}").status_code == 200
            assert client.get("/v1/api_key").status_code == 401
        assert is_dead(world.server, key["key"])


def test_key_can_delete_itself(world: World, ada: httpx.Client, name: str):
    key = create(ada, name)
    with world.server.client(key["key"]) as client:
        assert client.delete(f"/v1/api_key/{key['id']}").json()["id"] == key["id"]
    assert is_dead(world.server, key["key"])


def test_key_is_deleted_once(ada: httpx.Client, name: str):
    key = create(ada, name)
    assert ada.delete(f"/v1/api_key/{key['id']}").status_code == 200
    assert ada.delete(f"/v1/api_key/{key['id']}").status_code == 403


def test_deleted_key_stays_dead_after_a_restart(installation: Installation, serve):
    server = serve(installation.data)
    with server.client(installation.ada.key) as client:
        kept, deleted = create(client, "kept"), create(client, "deleted")
        client.delete(f"/v1/api_key/{deleted['id']}")
    server.stop()
    again = serve(installation.data)
    assert is_dead(again, deleted["key"])
    with again.client(kept["key"]) as client:
        assert client.get("/v1/api_key").status_code == 200


# Members and owners


def test_own_list_is_the_callers_alone(world: World, ada: httpx.Client, bob: httpx.Client, name: str):
    """For an owner too."""
    of_ada, of_bob = create(ada, name)["id"], create(bob, name)["id"]
    assert ids(ada.get("/v1/api_key", params={"api_key_name": name})) == [of_ada]
    assert ids(bob.get("/v1/api_key", params={"api_key_name": name})) == [of_bob]
    assert ids(bob.get("/v1/api_key", params={"ids": of_ada})) == []
    assert {key["user_id"] for key in ada.get("/v1/api_key").json()["objects"]} == {world.ada.id}


def test_owner_reads_and_deletes_a_members_key(world: World, ada: httpx.Client, bob: httpx.Client, name: str):
    key = create(bob, name)
    assert ada.get(f"/v1/api_key/{key['id']}").json()["user_email"] == "bob@example.com"
    assert ada.delete(f"/v1/api_key/{key['id']}").json()["id"] == key["id"]
    assert is_dead(world.server, key["key"])


def test_member_cannot_reach_an_owners_key(ada: httpx.Client, bob: httpx.Client, name: str):
    key = create(ada, name)["id"]
    for method in ("GET", "DELETE"):
        assert bob.request(method, f"/v1/api_key/{key}").status_code == 403
    assert ada.get(f"/v1/api_key/{key}").status_code == 200


def test_owner_of_another_organization_cannot_reach_a_key(ada: httpx.Client, eve: httpx.Client, name: str):
    key = create(ada, name)["id"]
    for method in ("GET", "DELETE"):
        assert eve.request(method, f"/v1/api_key/{key}").status_code == 403
    assert ada.get(f"/v1/api_key/{key}").status_code == 200


def test_owner_lists_every_key_of_the_organization(
    world: World, ada: httpx.Client, bob: httpx.Client, carol: httpx.Client, name: str
):
    """Newest first and in pages, with whose each key is; Carol's keys of her own organization are not among them."""
    keys = [create(ada, name), create(bob, name), create(carol, name, org_name="Acme")][::-1]
    create(carol, name, org_name="Initech")
    expected = [key["id"] for key in keys]
    query = {"api_key_name": name}
    path = "/v1/organization/api_keys"
    answer = ada.get(path, params=query)
    assert ids(answer) == expected
    assert [key["user_email"] for key in answer.json()["objects"]] == [
        "carol@example.com",
        "bob@example.com",
        "ada@example.com",
    ]
    assert ids(ada.get(path, params=query | {"limit": 2})) == expected[:2]
    assert ids(ada.get(path, params=query | {"starting_after": expected[0]})) == expected[1:]
    assert ids(ada.get(path, params=query | {"ending_before": expected[2]})) == expected[:2]
    assert ids(ada.get(path, params=query | {"ids": expected[1:]})) == expected[1:]
    assert ids(ada.get(path, params=query | {"org_id": world.organization["id"]})) == expected
    assert ids(ada.get(path, params=query | {"org_name": "Acme"})) == expected


def test_time_bounds_of_the_organizations_list(ada: httpx.Client, name: str):
    key = create(ada, name)
    path = "/v1/organization/api_keys"

    def found(**bounds: str) -> list[str]:
        return ids(ada.get(path, params={"api_key_name": name, **bounds}))

    assert found(created_after="2026-01-01T00:00:00Z", created_before="2999-01-01T00:00:00+01:00") == [key["id"]]
    assert found(created_after=key["created"]) == found(created_before=key["created"]) == []
    assert found(created_after="2999-01-01T00:00:00Z") == []
    for bound in ("created_after", "created_before"):
        answer = ada.get(path, params={bound: "yesterday"})
        assert answer.status_code == 400 and answer.json()["Issues"][0]["path"] == [bound]


def test_member_cannot_list_the_organizations_keys(bob: httpx.Client, carol: httpx.Client):
    assert bob.get("/v1/organization/api_keys").status_code == 403
    assert bob.get("/v1/organization/api_keys", params={"org_name": "Acme"}).status_code == 403
    assert carol.get("/v1/organization/api_keys", params={"org_name": "Acme"}).status_code == 403


def test_list_of_an_organization_that_the_caller_is_not_in_is_empty(world: World, ada: httpx.Client):
    """As of one that is not there."""
    for query in ({"org_name": "Globex"}, {"org_name": "nowhere"}, {"org_id": world.eve.organization_id}):
        assert ids(ada.get("/v1/organization/api_keys", params=query)) == []
        assert ids(ada.get("/v1/api_key", params={"org_name": "Globex"})) == []


# Which organization


def test_key_acts_in_its_organization_alone(world: World, carol: httpx.Client, name: str):
    here, there = create(carol, name, org_name="Acme"), create(carol, name, org_name="Initech")
    query = {"api_key_name": name}
    assert ids(carol.get("/v1/api_key", params=query)) == [there["id"], here["id"]]
    assert ids(carol.get("/v1/api_key", params=query | {"org_name": "Acme"})) == [here["id"]]
    with world.server.client(here["key"]) as client:
        assert ids(client.get("/v1/api_key", params=query)) == [here["id"]]
        assert client.get(f"/v1/api_key/{there['id']}").status_code == 403
        assert client.delete(f"/v1/api_key/{there['id']}").status_code == 403
        assert client.post("/v1/api_key", json={"name": name, "org_name": "Initech"}).status_code == 403
        assert [found["name"] for found in client.post("/api/apikey/login").json()["org_info"]] == ["Acme"]
        assert [found["name"] for found in client.get("/v1/organization").json()["objects"]] == ["Acme"]
    with world.server.client(there["key"]) as client:
        assert ids(client.get("/v1/organization/api_keys", params=query)) == [there["id"]]


def test_caller_in_several_organizations_must_name_one(carol: httpx.Client, name: str):
    for answer in (carol.post("/v1/api_key", json={"name": name}), carol.get("/v1/organization/api_keys")):
        assert answer.status_code == 400
        assert "Acme" in answer.json()["Message"] and "Initech" in answer.json()["Message"]
        assert "Globex" not in answer.text


def test_organization_is_taken_from_id_then_name_then_header(world: World, carol: httpx.Client, name: str):
    acme = world.organization["id"]
    initech = create(carol, name, org_name="Initech")["org_id"]
    in_acme, in_initech = {"x-bt-org-name": "Acme"}, {"x-bt-org-name": "Initech"}
    assert create(carol, name, in_initech)["org_id"] == initech
    assert create(carol, name, in_initech, org_name=None)["org_id"] == initech
    assert create(carol, name, in_initech, org_name="Acme")["org_id"] == acme
    assert create(carol, name, in_acme, org_name="Acme", org_id=initech)["org_id"] == initech
    assert carol.post("/v1/api_key", json={"name": name}, headers={"x-bt-org-name": "Globex"}).status_code == 403


# Minting


def test_under_the_policy_people_a_key_makes_no_keys(installation: Installation, serve):
    token = installation.token("ada@example.com")
    server = serve(installation.data, "--key-minting", "people")
    with server.client(installation.ada.key) as by_key, server.client(token) as by_token:
        answer = by_key.post("/v1/api_key", json={"name": "a"})
        assert answer.status_code == 403
        assert answer.json()["Message"] == "API keys cannot create API keys"
        made = create(by_token, "a")
        assert made["user_email"] == "ada@example.com"
        # Else the key does what keys do.
        assert made["id"] in ids(by_key.get("/v1/api_key"))
        assert by_key.delete(f"/v1/api_key/{made['id']}").status_code == 200


def test_commands_work_on_a_running_server(installation: Installation, serve):
    """`witan keys` over the API: what it makes works, and what it revokes is dead."""
    server = serve(installation.data)

    def keys(*arguments: str) -> str:
        result = subprocess.run(
            [BINARY, "keys", *arguments, "--url", server.url],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment() | {"WITAN_API_KEY": installation.ada.key},
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    made = json.loads(keys("create", "--name", "by command", "--json"))
    with server.client(made["key"]) as client:
        assert client.get("/v1/api_key").status_code == 200
    assert made["id"] in keys("list") and made["key"] not in keys("list")
    keys("revoke", made["id"])
    assert is_dead(server, made["key"])


# The first start


def test_first_start_prints_a_key_and_no_later_one_does(serve, tmp_path: Path):
    """The log has it at no time, as with every server that these tests stop."""
    server = serve(tmp_path / "data")
    key = next(word for word in server.output.split() if word.startswith("sk-"))
    with server.client(key) as client:
        assert len(client.get("/v1/api_key").json()["objects"]) == 1
    server.stop()
    again = serve(tmp_path / "data")
    assert "sk-" not in again.output
