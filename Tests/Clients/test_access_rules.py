"""What no client reaches of access control: PATCH and PUT on the wire, acting as another, audit trails, preflights.

The rules are those of the design page on access control.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import braintrust
import httpx
import pytest

from conftest import Installation, Team, environment

UNKNOWN = "01890000-0000-7000-8000-000000000000"
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def ada(team: Team) -> Iterator[httpx.Client]:
    """Requests as the owner."""
    with team.server.client(team.ada.key) as client:
        yield client


@pytest.fixture
def ed(team: Team) -> Iterator[httpx.Client]:
    """Requests as the engineer."""
    with team.server.client(team.ed.key) as client:
        yield client


@pytest.fixture
def vi(team: Team) -> Iterator[httpx.Client]:
    """Requests as the viewer."""
    with team.server.client(team.vi.key) as client:
        yield client


@pytest.fixture
def eve(team: Team) -> Iterator[httpx.Client]:
    """Requests as the owner of the other organization."""
    with team.server.client(team.eve.key) as client:
        yield client


def ok(answer: httpx.Response) -> dict:
    assert answer.status_code == 200, answer.text
    return answer.json()


def message(answer: httpx.Response, status: int = 403) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["Message"]


def named(answer: httpx.Response) -> set[str]:
    """The members that a 400 is about."""
    assert answer.status_code == 400, answer.text
    return {".".join(issue["path"]) for issue in answer.json().get("Issues", [])}


def make(client: httpx.Client, kind: str, name: str, **members: object) -> dict:
    return ok(client.post(f"/v1/{kind}", json={"name": name, **members}))


# The published shapes


SHAPES = {
    "group": "id org_id user_id created name description deleted_at member_users member_groups",
    "role": "id org_id user_id created name description deleted_at member_permissions member_roles",
    "project": "id org_id name description created deleted_at user_id settings",
}


@pytest.mark.parametrize("kind", SHAPES)
def test_objects_have_the_members_of_the_document_in_its_order(ada: httpx.Client, name: str, kind: str):
    """With nulls written out, and the same by every way to them."""
    made = make(ada, kind, name)
    assert list(made) == SHAPES[kind].split()
    assert made["description"] is None and made["deleted_at"] is None
    assert ok(ada.get(f"/v1/{kind}/{made['id']}")) == made
    assert ok(ada.get(f"/v1/{kind}", params={f"{kind}_name": name})) == {"objects": [made]}
    assert ok(ada.patch(f"/v1/{kind}/{made['id']}")) == made
    deleted = ok(ada.delete(f"/v1/{kind}/{made['id']}"))
    assert deleted | {"deleted_at": None} == made and deleted["deleted_at"] is not None


def test_grant_has_the_members_of_the_document_in_its_order(team: Team, ada: httpx.Client, name: str):
    project = make(ada, "project", name)["id"]
    content = {"object_type": "project", "object_id": project, "user_id": team.vi.id, "permission": "read"}
    grant = ok(ada.post("/v1/acl", json=content))
    assert (
        list(grant)
        == (
            "id object_type object_id user_id group_id permission restrict_object_type role_id _object_org_id created"
        ).split()
    )
    assert [grant[member] for member in ("group_id", "restrict_object_type", "role_id")] == [None] * 3
    assert ok(ada.get(f"/v1/acl/{grant['id']}")) == grant


def test_answer_about_members_has_the_members_of_the_document(team: Team, ada: httpx.Client):
    for body in ({}, {"invite_users": None, "remove_users": {"ids": []}}):
        answer = ada.patch("/v1/organization/members", json=body)
        assert answer.text == (
            f'{{"status":"success","org_id":"{team.organization["id"]}","send_email_error":null,"added_users":null}}'
        )


@pytest.mark.parametrize(
    "body, at_fault",
    [
        ({"invite_user": {}}, "invite_user"),
        ({"invite_users": []}, "invite_users"),
        ({"invite_users": {"emails": "a@example.com"}}, "invite_users.emails"),
        ({"invite_users": {"emails": ["a@example.com", "b"]}}, "invite_users.emails.1"),
        ({"invite_users": {"emails": ["a@service-accounts.invalid"]}}, "invite_users.emails.0"),
        ({"invite_users": {"ids": ["a"]}}, "invite_users.ids.0"),
        ({"invite_users": {"service_accounts": [{}]}}, "invite_users.service_accounts.0.name"),
        ({"invite_users": {"service_accounts": [{"name": ""}]}}, "invite_users.service_accounts.0.name"),
        (
            {"invite_users": {"service_accounts": [{"name": "a", "token_name": ""}]}},
            "invite_users.service_accounts.0.token_name",
        ),
        ({"invite_users": {"ids": [UNKNOWN] * 1_001}}, "invite_users.ids"),
        ({"remove_users": {"emails": [None]}}, "remove_users.emails.0"),
        ({"remove_users": {"emails": ["a@example.com"] * 1_001}}, "remove_users.emails"),
        ({"org_id": "Acme"}, "org_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_member_of_a_change_of_members_is_named(ada: httpx.Client, body: dict, at_fault: str):
    assert named(ada.patch("/v1/organization/members", json=body)) == {at_fault}


# PATCH and PUT


SETTINGS = {"comparison_key": "a", "disable_realtime_queries": True, "remote_eval_sources": [{"url": "https://a"}]}


@pytest.fixture
def project(ada: httpx.Client, name: str) -> dict:
    """A project with a description and settings."""
    made = make(ada, "project", name, description="first")
    return ok(ada.patch(f"/v1/project/{made['id']}", json={"settings": SETTINGS}))


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}, {"Content-Type": "merge-patch+json"}],
    ids=str,
)
def test_patch_keeps_what_is_null_or_absent(ada: httpx.Client, project: dict, headers: dict):
    """Clients of the hosted service send null for what they leave alone."""
    path = f"/v1/project/{project['id']}"
    nothing = {"name": None, "description": None, "settings": {"comparison_key": None}}
    for body in ({}, nothing, {"settings": None}, {"settings": {}}):
        answer = ada.patch(path, content=json.dumps(body).encode(), headers=headers)
        assert ok(answer)["settings"] == project["settings"] and answer.json() == project


def test_patch_merges_objects_and_replaces_all_else(ada: httpx.Client, project: dict):
    changed = ok(
        ada.patch(
            f"/v1/project/{project['id']}",
            json={"settings": {"comparison_key": "b", "remote_eval_sources": [{"url": "https://b", "name": "b"}]}},
        )
    )
    assert changed["settings"]["comparison_key"] == "b" and changed["settings"]["disable_realtime_queries"] is True
    assert [source["url"] for source in changed["settings"]["remote_eval_sources"]] == ["https://b"]
    assert changed | {"settings": None} == project | {"settings": None}


@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", " ;v=1"])
def test_merge_patch_clears_by_null(ada: httpx.Client, project: dict, parameters: str):
    """RFC 7396: null takes a member away, in objects too, and absent keeps."""
    headers = {"Content-Type": f"Application/Merge-Patch+JSON{parameters}"}

    def patch(body: dict) -> httpx.Response:
        return ada.patch(f"/v1/project/{project['id']}", content=json.dumps(body).encode(), headers=headers)

    changed = ok(patch({"description": None, "settings": {"comparison_key": None}}))
    assert changed["description"] is None and changed["name"] == project["name"]
    assert "comparison_key" not in changed["settings"] and changed["settings"]["disable_realtime_queries"] is True
    assert ok(patch({"settings": None}))["settings"] is None
    assert named(patch({"name": None})) == {"name"}
    assert ok(ada.get(f"/v1/project/{project['id']}"))["name"] == project["name"]


def test_merge_patch_clears_members_of_an_organization(team: Team, ada: httpx.Client):
    path = f"/v1/organization/{team.organization['id']}"
    assert ok(ada.patch(path, json={"proxy_url": "https://a.example"}))["proxy_url"] == "https://a.example"
    assert ok(ada.patch(path, json={"proxy_url": None}))["proxy_url"] == "https://a.example"
    assert ok(ada.patch(path, content=b'{"proxy_url":null}', headers=MERGE_PATCH))["proxy_url"] is None


def test_list_of_members_is_changed_item_by_item(team: Team, ada: httpx.Client, name: str):
    """It is no member of a PATCH, as on the hosted service; and what is added and removed at once is there."""
    group = make(ada, "group", name, member_users=[team.ed.id])
    path = f"/v1/group/{group['id']}"
    assert named(ada.patch(path, json={"member_users": []})) == {"member_users"}
    assert named(ada.patch(path, json={"member_ids": [team.vi.id]})) == {"member_ids"}
    assert ok(ada.patch(path, json={"remove_member_users": [team.vi.id]}))["member_users"] == [team.ed.id]
    assert ok(ada.patch(path, json={"add_member_users": None}))["member_users"] == [team.ed.id]
    both = {"add_member_users": [team.ed.id, team.vi.id, team.vi.id], "remove_member_users": [team.ed.id]}
    assert sorted(ok(ada.patch(path, json=both))["member_users"]) == sorted([team.ed.id, team.vi.id])


def test_put_replaces_by_name_and_makes_what_is_not_there(team: Team, ada: httpx.Client, name: str):
    answer = ada.put("/v1/group", json={"name": name, "description": "first", "member_users": [team.ed.id]})
    made = ok(answer)
    assert "x-bt-found-existing" not in answer.headers
    answer = ada.put("/v1/group", json={"name": name})
    assert answer.headers["x-bt-found-existing"] == "true"
    assert ok(answer) == made | {"description": None, "member_users": []}
    assert named(ada.put("/v1/group", json={"description": "nobody"})) == {"name"}


def test_name_that_is_taken_stays_its_owners(ada: httpx.Client, name: str):
    for kind in ("group", "role", "project"):
        first, second = make(ada, kind, f"{name} 1"), make(ada, kind, f"{name} 2")
        assert message(ada.patch(f"/v1/{kind}/{second['id']}", json={"name": f"{name} 1"}), 409)
        assert ok(ada.get(f"/v1/{kind}/{second['id']}")) == second
        ok(ada.delete(f"/v1/{kind}/{first['id']}"))
        assert ok(ada.patch(f"/v1/{kind}/{second['id']}", json={"name": f"{name} 1"}))["name"] == f"{name} 1"


# Grants on the wire


def test_list_of_grants_needs_an_object(ada: httpx.Client):
    assert named(ada.get("/v1/acl")) == {"object_type", "object_id"}
    assert named(ada.get("/v1/acl", params={"object_type": "project"})) == {"object_id"}
    assert named(ada.get("/v1/acl", params={"object_type": "thing", "object_id": "x"})) == {"object_type", "object_id"}


def test_grants_of_the_organization_page_and_filter_without_an_envelope(team: Team, ada: httpx.Client, name: str):
    project = make(ada, "project", name)["id"]
    content = {"object_type": "project", "object_id": project, "user_id": team.vi.id}
    given = [ok(ada.post("/v1/acl", json=content | {"permission": permission})) for permission in ("read", "update")]

    def grants(**query: object) -> list:
        return ok(ada.get("/v1/acl/list_org", params=query))

    assert grants(limit=2) == given[::-1]
    assert grants(limit=1, starting_after=given[1]["id"]) == given[:1]
    assert grants(user_id=team.vi.id, object_id=project, permission="read") == given[:1]
    assert grants(ids=[given[0]["id"], given[1]["id"]]) == given[::-1]
    assert grants(org_name="Globex") == [] and grants(org_name="Acme", limit=1) == given[1:]
    assert named(ada.get("/v1/acl/list_org", params={"permission": "look"})) == {"permission"}
    assert [grant["permission"] for grant in ok(ada.get("/v1/acl", params={**content, "limit": 5}))["objects"]] == [
        "update",
        "read",
    ]


def test_grant_is_deleted_by_its_content_in_the_body(team: Team, ada: httpx.Client, name: str):
    project = make(ada, "project", name)["id"]
    content = {"object_type": "project", "object_id": project, "user_id": team.vi.id, "permission": "read"}
    grant = ok(ada.post("/v1/acl", json=content))
    for other in ({"permission": "update"}, {"restrict_object_type": "dataset"}, {"user_id": team.ed.id}):
        assert message(ada.request("DELETE", "/v1/acl", json=content | other))
    assert ok(ada.request("DELETE", "/v1/acl", json=content | {"group_id": None})) == grant
    assert message(ada.request("DELETE", "/v1/acl", json=content))
    assert named(ada.request("DELETE", "/v1/acl", json={"permission": "read"})) == {"object_type", "object_id"}
    assert message(ada.delete("/v1/acl"), 400)


@pytest.mark.parametrize("path", ["/v1/acl/batch_update", "/v1/acl/batch-update"])
def test_batch_of_grants(team: Team, ada: httpx.Client, vi: httpx.Client, name: str, path: str):
    """The document's path, and the one that the official clients call."""
    project = make(ada, "project", name)["id"]
    content = {"object_type": "project", "object_id": project, "user_id": team.vi.id, "permission": "delete"}
    for nothing in (b"", b"{}", b'{"add_acls":null}'):
        assert ada.post(path, content=nothing).text == '{"added_acls":[],"removed_acls":[]}'
    [added] = ok(ada.post(path, json={"add_acls": [content, content]}))["added_acls"]
    assert ok(ada.post(path, json={"remove_acls": [content]})) == {"added_acls": [], "removed_acls": [added]}
    assert message(vi.post(path, json={"add_acls": [content]}))
    assert named(ada.post(path, json={"add_acls": [content, {"object_type": "project"}]})) == {"add_acls.1.object_id"}
    assert named(ada.post(path, json={"remove_acls": [content] * 1_001})) == {"remove_acls"}
    assert named(ada.post(path, json={"acls": []})) == {"acls"}


def test_grants_go_with_what_they_are_on_or_for(team: Team, ada: httpx.Client, name: str):
    project, group, role = (make(ada, kind, name) for kind in ("project", "group", "role"))
    by_group = ok(
        ada.post(
            "/v1/acl",
            json={
                "object_type": "project",
                "object_id": project["id"],
                "group_id": group["id"],
                "permission": "read",
            },
        )
    )
    by_role = ok(
        ada.post(
            "/v1/acl",
            json={
                "object_type": "project",
                "object_id": project["id"],
                "user_id": team.vi.id,
                "role_id": role["id"],
            },
        )
    )

    def on_project() -> set[str]:
        return {grant["id"] for grant in ok(ada.get("/v1/acl/list_org", params={"object_id": project["id"]}))}

    assert on_project() >= {by_group["id"], by_role["id"]}
    ok(ada.delete(f"/v1/group/{group['id']}"))
    assert by_group["id"] not in on_project()
    ok(ada.delete(f"/v1/role/{role['id']}"))
    assert by_role["id"] not in on_project()
    ok(ada.delete(f"/v1/project/{project['id']}"))
    assert on_project() == set()


def test_other_organization_is_as_if_it_were_not_there(team: Team, ada: httpx.Client, eve: httpx.Client, name: str):
    """By every id of it, in the same words."""
    ids = {kind: make(ada, kind, name)["id"] for kind in ("group", "role", "project")}
    ids["acl"] = ok(ada.get("/v1/acl/list_org", params={"limit": 1}))[0]["id"]
    ids["service_token"] = ok(ada.get("/v1/service_token"))["objects"][0]["id"]
    ids["user"], ids["organization"] = team.vi.id, team.organization["id"]
    for kind, id in ids.items():
        for method in ("GET", "PATCH", "DELETE"):
            there, nowhere = eve.request(method, f"/v1/{kind}/{id}"), eve.request(method, f"/v1/{kind}/{UNKNOWN}")
            assert there.status_code == nowhere.status_code and there.status_code in (403, 405)
            if there.status_code == 403:
                assert there.json()["Message"].replace(id, UNKNOWN) == nowhere.json()["Message"]
    for kind in ("group", "role", "project", "user", "service_token"):
        assert not {found["id"] for found in ok(eve.get(f"/v1/{kind}"))["objects"]} & set(ids.values())
        assert ok(eve.get(f"/v1/{kind}", params={"ids": ids[kind]})) == {"objects": []}
        assert ok(eve.get(f"/v1/{kind}", params={"org_name": "Acme"})) == {"objects": []}
    assert ok(eve.get("/v1/acl/list_org", params={"org_name": "Acme"})) == []
    assert ok(eve.get("/v1/organization/audit_logs", params={"org_name": "Acme"})) == {"objects": []}


# Service tokens


@pytest.fixture
def account(ada: httpx.Client, name: str) -> dict:
    """A service account among the engineers, with its first token."""
    invited = {"service_accounts": [{"name": name, "token_name": "first"}], "group_names": ["Engineers"]}
    [added] = ok(ada.patch("/v1/organization/members", json={"invite_users": invited}))["added_users"]
    return added


def test_service_token_lives_through_all_calls(team: Team, ada: httpx.Client, account: dict, name: str):
    body = {"name": name, "service_account_id": account["id"]}
    first, second = ok(ada.post("/v1/service_token", json=body)), ok(ada.post("/v1/service_token", json=body))
    assert (
        list(first)
        == (
            "id created name preview_name service_account_id service_account_email service_account_name org_id key"
        ).split()
    )
    assert first["id"] != second["id"] and first["key"] != second["key"]
    assert first["preview_name"] == f"bt-st-****{first['key'][-4:]}"
    assert (first["service_account_name"], first["service_account_email"]) == (name, account["email"])
    shown = {member: value for member, value in first.items() if member != "key"}
    assert ok(ada.get(f"/v1/service_token/{first['id']}")) == shown
    listed = ok(ada.get("/v1/service_token", params={"service_token_name": name}))["objects"]
    assert [token["id"] for token in listed] == [second["id"], first["id"]] and listed[1] == shown

    # PUT finds the newest of the name: it keeps its id, and its old secret is refused from then on.
    with team.server.client(second["key"]) as robot:
        assert ok(robot.get("/v1/project")) is not None
        replaced = ok(ada.put("/v1/service_token", json=body))
        assert replaced["id"] == second["id"] and replaced["key"] not in (first["key"], second["key"])
        assert robot.get("/v1/project").status_code == 401
    with team.server.client(replaced["key"]) as robot:
        assert ok(robot.get("/v1/project")) is not None

    assert ok(ada.request("DELETE", "/v1/service_token", json={"id": first["id"]})) == shown
    assert ok(ada.delete(f"/v1/service_token/{second['id']}"))["id"] == second["id"]
    for key in (first["key"], replaced["key"]):
        with team.server.client(key) as robot:
            assert robot.get("/v1/project").status_code == 401
    assert named(ada.request("DELETE", "/v1/service_token", json={})) == {"id"}
    assert message(ada.request("DELETE", "/v1/service_token", json={"id": UNKNOWN}))


def test_tokens_are_made_by_owners_for_service_accounts(
    team: Team, ada: httpx.Client, ed: httpx.Client, vi: httpx.Client, account: dict, name: str
):
    body = {"name": name, "service_account_id": account["id"]}
    with team.server.client(account["api_key"]) as robot:
        for client in (ed, vi, robot):
            assert message(client.post("/v1/service_token", json=body))
            assert message(client.put("/v1/service_token", json=body))
        # It sees its own, and those alone.
        assert {token["service_account_id"] for token in ok(robot.get("/v1/service_token"))["objects"]} == {
            account["id"]
        }
    assert ok(vi.get("/v1/service_token")) == {"objects": []}
    for person in (team.ada.id, team.eve.id, UNKNOWN):
        assert ada.post("/v1/service_token", json=body | {"service_account_id": person}).status_code in (400, 403)
    assert ok(ada.get("/v1/service_token", params={"service_token_name": name})) == {"objects": []}


def test_policy_by_which_service_tokens_alone_make_tokens(installation: Installation, serve):
    """The hosted service's rule: an owner's key is not enough, a token of a service account that owns is."""
    account = json.loads(
        installation.run("service-accounts", "create", "root", "--group", "Owners", "--token", "first", "--json")
    )
    server = serve(installation.data, "--token-minting", "service-tokens")
    with server.client(installation.ada.key) as ada, server.client(account["api_key"]) as root:
        body = {"name": "second", "service_account_id": account["id"]}
        assert "service token" in message(ada.post("/v1/service_token", json=body))
        with server.client(ok(root.post("/v1/service_token", json=body))["key"]) as second:
            assert ok(second.post("/api/self/me"))["id"] == account["id"]


def test_sdk_logs_in_with_a_service_token(team: Team, tmp_path: Path):
    """A program that was written for a key runs with a token by its environment alone."""
    program = """
import braintrust, json
braintrust.login()
print(json.dumps([braintrust.org_id(), braintrust.user_info()["id"], braintrust.user_info()["email"]]))
"""
    settings = {"BRAINTRUST_API_URL": team.url, "BRAINTRUST_APP_URL": team.url, "BRAINTRUST_API_KEY": team.robot}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment() | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    organization, id, email = json.loads(result.stdout)
    assert (organization, id) == (team.organization["id"], team.robot_id)
    assert email.endswith("@service-accounts.invalid")


def test_nobody_signs_in_as_a_service_account(installation: Installation):
    """Only its own tokens speak for it: no command makes one for its address."""
    account = json.loads(installation.run("service-accounts", "create", "ci", "--group", "Owners", "--json"))
    with pytest.raises(AssertionError, match="is a service account"):
        installation.token(account["email"])


# Acting as another


@pytest.mark.parametrize("spelling", ["id", "email", "EMAIL"])
def test_owner_acts_as_a_member(team: Team, ada: httpx.Client, vi: httpx.Client, name: str, spelling: str):
    """With that member's rights, and those alone."""
    target = {"id": team.vi.id, "email": team.vi.email, "EMAIL": team.vi.email.upper()}[spelling]
    headers = {"x-bt-impersonate-user": target}
    assert ok(ada.post("/api/self/me", headers=headers))["email"] == "vi@example.com"
    own = ok(vi.get("/v1/api_key"))
    assert ok(ada.get("/v1/api_key", headers=headers)) == own
    assert {key["user_id"] for key in own["objects"]} == {team.vi.id}
    assert message(ada.post("/v1/project", json={"name": name}, headers=headers)) == message(
        vi.post("/v1/project", json={"name": name})
    )
    assert message(ada.get("/v1/organization/api_keys", headers=headers))
    assert ok(ada.get("/v1/project")) == ok(ada.get("/v1/project", headers=headers))


def test_who_may_not_act_as_another_is_told_one_thing(
    team: Team, ada: httpx.Client, ed: httpx.Client, vi: httpx.Client, installation: Installation, serve
):
    """Whether the other is there, is not in the caller's organization, or is the caller themselves."""
    texts = set()
    for client, targets in [
        (ada, [team.eve.id, team.eve.email, UNKNOWN, "nobody@example.com", "", "Ada", "*"]),
        (ed, [team.ada.id, team.ada.email, team.vi.id, team.eve.id, UNKNOWN]),
        (vi, [team.ada.email, team.ed.email]),
    ]:
        for target in targets:
            answer = client.get("/v1/project", headers={"x-bt-impersonate-user": target})
            texts.add(message(answer))
    with team.server.client(team.robot) as robot:
        texts.add(message(robot.get("/v1/project", headers={"x-bt-impersonate-user": team.vi.id})))
    assert len(texts) == 1

    # Somebody who is also in an organization that the caller does not own.
    installation.add_person("carol@example.com")
    installation.add_organization("Initech", "carol@example.com")
    server = serve(installation.data)
    with server.client(installation.ada.key) as client:
        answer = client.get("/v1/project", headers={"x-bt-impersonate-user": "carol@example.com"})
        assert message(answer) in texts


def test_nobody_makes_keys_or_tokens_as_another(team: Team, ada: httpx.Client, account: dict, name: str):
    for target in (team.ed.id, team.ada.id):
        headers = {"x-bt-impersonate-user": target}
        answer = ada.post("/v1/api_key", json={"name": name}, headers=headers)
        assert message(answer) == "API keys cannot create API keys"
        body = {"name": name, "service_account_id": account["id"]}
        assert message(ada.post("/v1/service_token", json=body, headers=headers))
        assert message(ada.put("/v1/service_token", json=body, headers=headers))
    assert ok(ada.get("/v1/organization/api_keys", params={"api_key_name": name})) == {"objects": []}


def test_audit_log_names_who_acted_and_as_whom(team: Team, ada: httpx.Client, name: str):
    made = ok(ada.post("/v1/project", json={"name": name}, headers={"x-bt-impersonate-user": team.ed.id}))
    assert made["user_id"] == team.ed.id
    query = {"object_id": made["id"], "event_type": "project.created"}
    [row] = ok(ada.get("/v1/organization/audit_logs", params=query))["objects"]
    assert (row["actor_id"], row["actor_email"]) == (team.ada.id, "ada@example.com")
    assert (row["impersonated_id"], row["impersonated_email"]) == (team.ed.id, "ed@example.com")
    assert (row["outcome"], row["object_name"], row["authentication"]) == ("success", name, "api_key")


# The trail in an answer's headers


TRAIL = {"x-bt-enable-audit": "true"}


def trail(answer: httpx.Response) -> tuple[str, str, str, list]:
    """What an answer says was done, as the SDK reads it."""
    ok(answer)
    return (
        answer.headers["x-bt-audit-user-id"],
        answer.headers["x-bt-audit-user-email"],
        answer.headers["x-bt-audit-normalized-url"],
        braintrust.parse_audit_resources(answer.headers["x-bt-audit-resources"]),
    )


def test_trail_tells_of_the_objects_of_an_answer(team: Team, ed: httpx.Client, ada: httpx.Client, name: str):
    who = (team.ed.id, "ed@example.com")
    made = ed.post("/v1/project", json={"name": name}, headers=TRAIL)
    project = {"type": "project", "id": made.json()["id"], "name": name}
    assert trail(made) == (*who, "/v1/project", [project])
    path = f"/v1/project/{project['id']}"
    assert trail(ed.get(path, headers=TRAIL)) == (*who, "/v1/project/[id]", [project])
    assert trail(ed.get("/v1/project", params={"project_name": name}, headers=TRAIL)) == (
        *who,
        "/v1/project",
        [project],
    )
    assert trail(ed.patch(path, json={"description": "a"}, headers=TRAIL)) == (*who, "/v1/project/[id]", [project])
    assert trail(ed.delete(path, headers=TRAIL)) == (*who, "/v1/project/[id]", [project])
    assert trail(ed.get("/v1/project", params={"project_name": name}, headers=TRAIL)) == (*who, "/v1/project", [])
    as_vi = TRAIL | {"x-bt-impersonate-user": team.vi.id}
    assert trail(ada.get("/v1/organization", headers=as_vi)) == (
        team.vi.id,
        "vi@example.com",
        "/v1/organization",
        [{"type": "organization", "id": team.organization["id"], "name": "Acme"}],
    )


def test_trail_tells_of_what_has_no_name_and_of_no_secret(team: Team, ada: httpx.Client, name: str):
    key = ada.post("/v1/api_key", json={"name": name}, headers=TRAIL)
    assert trail(key)[3] == [{"type": "api_key", "id": key.json()["id"], "name": name}]
    assert not any(key.json()["key"] in value for value in key.headers.values())
    project = make(ada, "project", name)["id"]
    content = {"object_type": "project", "object_id": project, "user_id": team.vi.id, "permission": "read"}
    batch = ada.post("/v1/acl/batch_update", json={"add_acls": [content]}, headers=TRAIL)
    [grant] = batch.json()["added_acls"]
    assert trail(batch)[2:] == ("/v1/acl/batch_update", [{"type": "acl", "id": grant["id"], "name": None}])


def test_trail_of_a_long_list_stays_small(ada: httpx.Client, name: str):
    """The first fifty, so that no proxy refuses the answer's head."""
    for number in range(60):
        make(ada, "role", f"{name} {number}")
    answer = ada.get("/v1/role", headers=TRAIL)
    resources = trail(answer)[3]
    assert [found["id"] for found in resources] == [found["id"] for found in answer.json()["objects"][:50]]
    assert len(answer.headers["x-bt-audit-resources"]) < 8_192


@pytest.mark.parametrize("value", [None, "", "false", "1", "yes"])
def test_trail_is_told_when_it_is_asked_for(ada: httpx.Client, value: str | None):
    answer = ada.get("/v1/project", headers={} if value is None else {"x-bt-enable-audit": value})
    assert answer.status_code == 200
    assert not any(header.startswith("x-bt-audit-") for header in answer.headers)


# The audit log


def rows(client: httpx.Client, **query: object) -> list[dict]:
    return ok(client.get("/v1/organization/audit_logs", params=query))["objects"]


def test_audit_log_tells_of_every_change_newest_first(team: Team, ada: httpx.Client, name: str):
    group = make(ada, "group", name)["id"]
    ok(ada.patch(f"/v1/group/{group}", json={"description": "a", "add_member_users": [team.vi.id]}))
    ok(ada.put("/v1/group", json={"name": name}))
    ok(ada.delete(f"/v1/group/{group}"))
    found = rows(ada, object_id=group)
    assert [row["event_type"] for row in found] == ["group.deleted", "group.updated", "group.updated", "group.created"]
    assert {row["object_name"] for row in found} == {name} and {row["outcome"] for row in found} == {"success"}
    assert found[2]["details"] == {"description": "a", "add_member_users": [team.vi.id]}
    assert all(row["trace_id"] and row["client_address"] == "127.0.0.1" for row in found)
    assert found[0]["credential_id"] == team.ada.key_id and "python-httpx" in found[0]["user_agent"]

    assert rows(ada, object_id=group, limit=2) == found[:2]
    assert rows(ada, object_id=group, starting_after=found[0]["id"], limit=2) == found[1:3]
    assert rows(ada, object_id=group, ending_before=found[3]["id"], limit=1) == found[2:3]
    assert rows(ada, object_id=group, event_type=["group.created", "group.deleted"]) == [found[0], found[3]]
    assert rows(ada, object_id=group, object_type="role") == []
    assert rows(ada, object_id=group, created_after=found[1]["created"]) == found[:1]
    assert rows(ada, object_id=group, created_before=found[1]["created"]) == found[2:]
    assert rows(ada, ids=found[1]["id"]) == [found[1]]
    for query in ({"object_id": "x"}, {"created_after": "now"}, {"outcome": "maybe"}, {"actor_id": "ada"}):
        assert named(ada.get("/v1/organization/audit_logs", params=query)) == set(query)


def test_audit_log_tells_of_members_tokens_and_grants(team: Team, ada: httpx.Client, account: dict):
    [joined] = rows(ada, object_id=account["id"], event_type="org_member.created")
    assert joined["object_name"] == account["email"] and joined["actor_id"] == team.ada.id
    [token] = rows(ada, event_type="service_token.created", limit=1)
    assert token["object_name"] == "first"
    content = {
        "object_type": "org_project",
        "object_id": team.organization["id"],
        "user_id": account["id"],
        "permission": "delete",
    }
    grant = ok(ada.post("/v1/acl", json=content))
    [given] = rows(ada, object_id=grant["id"])
    assert given["event_type"] == "acl.created" and given["details"] == content
    ok(ada.patch("/v1/organization/members", json={"remove_users": {"ids": [account["id"]]}}))
    assert [row["event_type"] for row in rows(ada, limit=2)] == ["org_member.deleted", "service_token.deleted"]
    log = ada.get("/v1/organization/audit_logs").text
    assert account["api_key"] not in log and "bt-st-" not in log and "sk-" not in log


def test_audit_log_tells_of_refusals(team: Team, ada: httpx.Client, vi: httpx.Client, name: str):
    project = make(ada, "project", name)["id"]
    assert message(vi.delete(f"/v1/project/{project}"))
    [row] = rows(ada, actor_id=team.vi.id, object_id=project, outcome="denied")
    assert (row["event_type"], row["object_type"], row["actor_email"]) == ("project.deleted", "project", team.vi.email)


def test_audit_log_is_read_by_whoever_was_granted_it(team: Team, ada: httpx.Client, ed: httpx.Client, vi: httpx.Client):
    for client in (ed, vi):
        assert "org_audit_logs" in message(client.get("/v1/organization/audit_logs"))
    content = {
        "object_type": "org_audit_logs",
        "object_id": team.organization["id"],
        "user_id": team.vi.id,
        "permission": "read",
    }
    ok(ada.post("/v1/acl", json=content))
    assert rows(vi, limit=1)[0]["event_type"] == "acl.created"
    ok(ada.request("DELETE", "/v1/acl", json=content))
    assert message(vi.get("/v1/organization/audit_logs"))


# Methods of the paths


METHODS = {
    "/v1/acl": "GET POST DELETE",
    "/v1/acl/{id}": "GET DELETE",
    "/v1/acl/batch_update": "POST",
    "/v1/acl/batch-update": "POST",
    "/v1/acl/acl/batch_update": "",
    "/v1/acl/list_org": "GET",
    "/v1/group": "GET POST PUT",
    "/v1/group/{id}": "GET PATCH DELETE",
    "/v1/organization/{id}": "GET PATCH",
    "/v1/organization/api_keys": "GET",
    "/v1/organization/audit_logs": "GET",
    "/v1/organization/members": "PATCH",
    "/v1/project": "GET POST",
    "/v1/project/{id}": "GET PATCH DELETE",
    "/v1/role": "GET POST PUT",
    "/v1/role/{id}": "GET PATCH DELETE",
    "/v1/service_token": "GET POST PUT DELETE",
    "/v1/service_token/{id}": "GET DELETE",
    "/v1/user": "GET",
    "/v1/user/{id}": "GET",
}


@pytest.mark.parametrize("path", METHODS)
def test_methods_of_a_path(team: Team, path: str):
    """A preflight names them without a credential; each of them needs one, and all others are 405."""
    methods = set(METHODS[path].split())
    allowed = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    path = path.replace("{id}", UNKNOWN)
    with team.server.client(None) as nobody:
        preflight = nobody.options(path, headers={"Origin": "https://www.braintrust.dev"})
        assert preflight.status_code == 200 and preflight.content == b""
        assert set(preflight.headers["access-control-allow-methods"].split(", ")) == allowed
        assert "x-bt-impersonate-user" in preflight.headers["access-control-allow-headers"]
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = nobody.request(method, path)
            assert answer.status_code == (401 if method in methods else 405), method
            if method not in methods:
                assert set(answer.headers["allow"].split(", ")) == allowed
