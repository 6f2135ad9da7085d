"""braintrust, the official SDK, unmodified: signing in, and the REST client that it carries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import braintrust
import pytest
from braintrust.api import BraintrustClient
from braintrust.api.errors import BraintrustHTTPError

from conftest import Installation, World, environment


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The SDK reads the environment, and `.env.braintrust` files above the working directory."""
    for name in ("API_KEY", "API_URL", "APP_URL", "ORG_NAME", "PROXY_URL"):
        monkeypatch.delenv(f"BRAINTRUST_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def login(world: World, credential: str, org_name: str | None = None) -> None:
    braintrust.login(app_url=world.url, api_key=credential, org_name=org_name, force_login=True)


# Signing in


def test_login_finds_the_organization_of_the_key(world: World):
    login(world, world.ada.key)
    assert braintrust.org_id() == world.organization["id"]


def test_login_trims_the_key(world: World):
    login(world, f"  {world.bob.key}\n")
    assert braintrust.org_id() == world.organization["id"]


def test_login_takes_the_organization_by_name(world: World):
    login(world, world.carol_token, "Initech")
    initech = braintrust.org_id()
    login(world, world.carol_token, "Acme")
    assert braintrust.org_id() == world.organization["id"] != initech


def test_login_refuses_an_organization_that_the_caller_is_not_in(world: World):
    """The SDK's sentence lists the names of those that the server told."""
    with pytest.raises(ValueError, match=r"Organization Globex not found\. Must be one of Acme$"):
        login(world, world.ada.key, "Globex")
    with pytest.raises(ValueError, match=r"Must be one of (Acme, Initech|Initech, Acme)$"):
        login(world, world.carol_token, "Globex")


@pytest.mark.parametrize("key", ["sk-" + "a" * 48, "sk-LumEdp0BbLRzhJwO", "not a key", "a.b.c"])
def test_login_refuses_a_wrong_key(world: World, key: str):
    with pytest.raises(ValueError, match=r"^Invalid API key .*: \[401\] .*UnauthorizedError") as caught:
        login(world, key)
    assert key not in str(caught.value)


def test_sdk_calls_the_server_that_login_names(world: World):
    """`api_url` and `proxy_url` are where all later calls go: here, the same server."""
    login(world, world.bob.key)
    info = braintrust.logger._state
    assert (info.api_url, info.proxy_url) == (world.url, world.url)
    assert braintrust.user_info()["email"] == "bob@example.com"
    assert braintrust.user_info()["id"] == world.bob.id
    assert braintrust.api_conn().get("version").ok


def test_login_by_the_public_url(installation: Installation, serve):
    """Behind a proxy the clients are sent to the address that they know."""
    server = serve(installation.data, "--public-url", "https://braintrust.example.com")
    braintrust.login(app_url=server.url, api_key=installation.ada.key, force_login=True)
    assert braintrust.logger._state.api_url == "https://braintrust.example.com"


def test_environment_is_all_a_program_needs(world: World, tmp_path: Path):
    """A program that was written for the hosted service runs here by its environment alone."""
    program = """
import braintrust, json
braintrust.login()
print(json.dumps([braintrust.org_id(), braintrust.user_info()["email"]]))
"""
    settings = {
        "BRAINTRUST_API_URL": world.url,
        "BRAINTRUST_APP_URL": world.url,
        "BRAINTRUST_API_KEY": world.ada.key,
        "BRAINTRUST_ORG_NAME": "Acme",
    }
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment() | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [world.organization["id"], "ada@example.com"]


# The REST client


@pytest.fixture
def client(world: World):
    with BraintrustClient(app_url=world.url, api_key=world.ada.key) as client:
        client.auth.login()
        yield client


def test_rest_client_reads_and_deletes_keys(world: World, client: BraintrustClient, ada, name: str):
    keys = client.openapi.api_keys
    ids = [ada.post("/v1/api_key", json={"name": name}).json()["id"] for _ in range(4)][::-1]
    assert [key["id"] for key in keys.get_api_key(api_key_name=name)["objects"]] == ids
    assert [key["id"] for key in keys.get_api_key(api_key_name=name, limit=2)["objects"]] == ids[:2]
    assert [key["id"] for key in keys.get_api_key(ids=[ids[3], ids[0]])["objects"]] == [ids[0], ids[3]]
    assert keys.get_api_key(ids=ids[2])["objects"] == [keys.get_api_key_id(ids[2])]
    assert keys.delete_api_key_id(ids[2])["id"] == ids[2]
    with pytest.raises(BraintrustHTTPError) as caught:
        keys.get_api_key_id(ids[2])
    assert caught.value.status_code == 403
    assert caught.value.request_id_header == "x-bt-internal-trace-id"
    assert len(caught.value.request_id) == 32


def test_rest_client_lists_the_keys_of_an_organization(world: World, client: BraintrustClient, bob, name: str):
    """An owner sees the members' keys; the filters narrow the list."""
    key = bob.post("/v1/api_key", json={"name": name}).json()
    organizations = client.openapi.organizations

    def ids(**filters) -> list[str]:
        return [key["id"] for key in organizations.get_organization_api_keys(**filters)["objects"]]

    assert {world.ada.key_id, world.bob.key_id, world.carol.key_id, key["id"]} <= set(ids())
    assert world.eve.key_id not in ids()
    assert ids(api_key_name=name, org_id=world.organization["id"]) == [key["id"]]
    assert ids(api_key_name=name, created_after="2020-01-01T00:00:00Z") == [key["id"]]
    assert ids(api_key_name=name, created_before="2020-01-01T00:00:00Z") == []
    assert ids(api_key_name=name, org_id=world.eve.organization_id) == []


def test_rest_client_reads_organizations_and_users(world: World, client: BraintrustClient):
    id = world.organization["id"]
    organizations = client.openapi.organizations
    assert [found["id"] for found in organizations.get_organization(org_name="Acme")["objects"]] == [id]
    assert organizations.get_organization_id(id)["name"] == "Acme"
    assert (
        organizations.patch_organization_id(id, body={"image_rendering_mode": "auto"})["image_rendering_mode"] == "auto"
    )
    assert client.openapi.users.get_user_id(world.bob.id)["email"] == "bob@example.com"
    found = client.openapi.users.get_user(email=["bob@example.com", "ada@example.com"])["objects"]
    assert {user["id"] for user in found} == {world.bob.id, world.ada.id}
