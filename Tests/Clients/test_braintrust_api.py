"""braintrust-api, the official REST client, unmodified."""

from __future__ import annotations

import asyncio

import braintrust_api
import httpx
import pytest
from braintrust_api import AsyncBraintrust, Braintrust

from conftest import Installation, World

UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def client(world: World):
    with Braintrust(base_url=world.url, api_key=world.ada.key, max_retries=0) as client:
        yield client


def wrong(world: World, key: str) -> Braintrust:
    return Braintrust(base_url=world.url, api_key=key, max_retries=0)


# Keys


def test_created_key_is_complete_and_works(world: World, client: Braintrust, name: str):
    created = client.api_keys.create(name=name)
    assert created.name == name
    assert created.key.startswith("sk-") and len(created.key) == 51
    assert created.preview_name == f"sk-****{created.key[-4:]}"
    assert (created.user_id, created.org_id) == (world.ada.id, world.organization["id"])
    assert (created.user_email, created.user_given_name, created.user_family_name) == (
        "ada@example.com",
        "Ada",
        "Lovelace",
    )
    assert created.created is not None
    with Braintrust(base_url=world.url, api_key=created.key) as other:
        assert other.api_keys.retrieve(created.id).id == created.id


def test_create_takes_the_organization_by_name(world: World, client: Braintrust, name: str):
    assert client.api_keys.create(name=name, org_name="Acme").org_id == world.organization["id"]
    assert client.api_keys.create(name=name, org_name=None).org_id == world.organization["id"]


def test_retrieved_key_has_no_secret(client: Braintrust, name: str):
    created = client.api_keys.create(name=name)
    read = client.api_keys.retrieve(created.id)
    assert read.to_dict() == {key: value for key, value in created.to_dict().items() if key != "key"}


def test_deleted_key_is_returned_and_gone(world: World, client: Braintrust, name: str):
    created = client.api_keys.create(name=name)
    assert client.api_keys.delete(created.id).id == created.id
    with pytest.raises(braintrust_api.PermissionDeniedError):
        client.api_keys.retrieve(created.id)
    with pytest.raises(braintrust_api.AuthenticationError):
        wrong(world, created.key).api_keys.list()


# Lists


def make(client: Braintrust, name: str, count: int) -> list[str]:
    """Ids of new keys of one name, newest first."""
    return [client.api_keys.create(name=name).id for _ in range(count)][::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_paging_forwards_gives_each_key_once_newest_first(client: Braintrust, name: str, limit: int):
    ids = make(client, name, 7)
    assert [key.id for key in client.api_keys.list(api_key_name=name, limit=limit)] == ids


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_paging_backwards_gives_each_key_once(client: Braintrust, name: str, limit: int):
    """Pages come from the cursor towards the newest, each page newest first."""
    ids = make(client, name, 7)
    seen = []
    pages = client.api_keys.list(api_key_name=name, limit=limit, ending_before=ids[-1]).iter_pages()
    for page in pages:
        seen = [key.id for key in page.objects] + seen
    assert seen == ids[:-1]


def test_list_without_limit_gives_all(client: Braintrust, name: str):
    ids = make(client, name, 12)
    page = client.api_keys.list(api_key_name=name)
    assert [key.id for key in page.objects] == ids


def test_list_starts_after_the_cursor(client: Braintrust, name: str):
    ids = make(client, name, 4)
    page = client.api_keys.list(api_key_name=name, starting_after=ids[1])
    assert [key.id for key in page.objects] == ids[2:]


def test_list_of_one_id(client: Braintrust, name: str):
    ids = make(client, name, 3)
    assert [key.id for key in client.api_keys.list(ids=ids[1])] == [ids[1]]


def test_list_of_several_ids(client: Braintrust, name: str):
    """This client sends them as one parameter, separated by commas; the document says to repeat the parameter."""
    ids = make(client, name, 4)
    assert [key.id for key in client.api_keys.list(ids=[ids[3], ids[1]])] == [ids[1], ids[3]]


def test_list_of_another_persons_id_is_empty(world: World, client: Braintrust):
    assert client.api_keys.list(ids=world.eve.key_id).objects == []


def test_list_filters_by_name_and_organization(client: Braintrust, name: str):
    ids = make(client, name, 2)
    assert [key.id for key in client.api_keys.list(api_key_name=name, org_name="Acme")] == ids
    assert client.api_keys.list(api_key_name=name, org_name="Globex").objects == []
    assert client.api_keys.list(api_key_name=name[:-1]).objects == []


def test_limit_of_zero_gives_an_empty_page(client: Braintrust):
    assert client.api_keys.list(limit=0).objects == []


# Organizations and users


def test_organizations_are_listed_and_retrieved(world: World, client: Braintrust):
    organization = world.organization
    assert [found.id for found in client.organizations.list()] == [organization["id"]]
    assert [found.id for found in client.organizations.list(org_name="Acme")] == [organization["id"]]
    assert client.organizations.list(org_name="Globex").objects == []
    assert client.organizations.retrieve(organization["id"]).name == "Acme"


def test_organization_is_updated(world: World, client: Braintrust):
    id = world.organization["id"]
    updated = client.organizations.update(id, is_universal_api=True, proxy_url="https://proxy.example.com")
    assert (updated.name, updated.is_universal_api) == ("Acme", True)
    assert client.organizations.update(id, is_universal_api=False).proxy_url == "https://proxy.example.com"
    assert client.organizations.retrieve(id).is_universal_api is False


def test_organization_is_renamed(installation: Installation, serve):
    """The next login has the new name: nothing of the old one is kept anywhere."""
    server = serve(installation.data)
    with Braintrust(base_url=server.url, api_key=installation.ada.key, max_retries=0) as client:
        client.organizations.update(installation.organization["id"], name="Acme & Söhne")
        assert client.organizations.list(org_name="Acme & Söhne").objects[0].name == "Acme & Söhne"
        assert client.organizations.list(org_name="Acme").objects == []
    with server.client(installation.ada.key) as client:
        assert client.post("/api/apikey/login").json()["org_info"][0]["name"] == "Acme & Söhne"


def test_member_cannot_update_the_organization(world: World):
    with pytest.raises(braintrust_api.PermissionDeniedError):
        wrong(world, world.bob.key).organizations.update(world.organization["id"], name="Bob's")


def test_users_are_listed_and_retrieved(world: World, client: Braintrust):
    assert {user.email for user in client.users.list()} == {"ada@example.com", "bob@example.com", "carol@example.com"}
    assert [user.id for user in client.users.list(email="bob@example.com")] == [world.bob.id]
    assert [user.id for user in client.users.list(given_name="Ada", family_name="Lovelace")] == [world.ada.id]
    assert [user.id for user in client.users.list(ids=world.bob.id)] == [world.bob.id]
    assert client.users.retrieve(world.bob.id).email == "bob@example.com"
    with pytest.raises(braintrust_api.PermissionDeniedError):
        client.users.retrieve(world.eve.id)


def test_users_are_listed_by_several_addresses(client: Braintrust):
    found = client.users.list(email=["ada@example.com", "bob@example.com"])
    assert {user.email for user in found} == {"ada@example.com", "bob@example.com"}


def test_hello_world(client: Braintrust):
    assert client.top_level.hello_world() == "Hello, World!"


# Errors


def test_bad_request(client: Braintrust):
    with pytest.raises(braintrust_api.BadRequestError) as caught:
        client.api_keys.create(name="")
    assert caught.value.body["Code"] == "BadRequestError"
    assert [issue["path"] for issue in caught.value.body["Issues"]] == [["name"]]
    assert "name" in caught.value.body["Message"]


@pytest.mark.parametrize("id", ["not-a-uuid", "🗝", "%00"])
def test_bad_id(client: Braintrust, id: str):
    with pytest.raises(braintrust_api.BadRequestError):
        client.api_keys.retrieve(id)


@pytest.mark.parametrize("key", ["sk-unknown", "null", "sk-" + "0" * 48, "bt-st-" + "a" * 48, "a.b.c", "x" * 9000])
def test_authentication_error(world: World, key: str):
    with pytest.raises(braintrust_api.AuthenticationError) as caught:
        wrong(world, key).api_keys.list()
    assert caught.value.body["Code"] == "UnauthorizedError"
    assert caught.value.response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("id", [UNKNOWN, "eve"])
def test_permission_denied_never_tells_whether_a_key_exists(world: World, client: Braintrust, id: str):
    id = world.eve.key_id if id == "eve" else id
    for call, verb in [(client.api_keys.retrieve, "read"), (client.api_keys.delete, "delete")]:
        with pytest.raises(braintrust_api.PermissionDeniedError) as caught:
            call(id)
        assert (
            caught.value.body["Message"] == f"Missing {verb} access to api_key id {id}, or the api_key does not exist"
        )


def test_other_statuses(client: Braintrust):
    with pytest.raises(braintrust_api.NotFoundError):
        client.get("/v1/nothing", cast_to=object)
    with pytest.raises(braintrust_api.APIStatusError) as caught:
        client.put("/v1/api_key", cast_to=object, body={"name": "a"})
    assert caught.value.status_code == 405
    assert caught.value.response.headers["allow"]
    with pytest.raises(braintrust_api.APIStatusError) as caught:
        client.api_keys.create(name="a" * (2 << 20))
    assert caught.value.status_code == 413


def test_rate_limit_error_tells_how_long_to_wait(installation: Installation, serve):
    server = serve(installation.data, "--rate-limit", "1/m")
    with Braintrust(base_url=server.url, api_key=installation.ada.key, max_retries=0) as client:
        client.api_keys.list()
        with pytest.raises(braintrust_api.RateLimitError) as caught:
            client.api_keys.list()
    headers = caught.value.response.headers
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["ratelimit"] and headers["ratelimit-policy"]
    assert caught.value.body["Code"] == "TooManyRequestsError"


def test_client_that_waits_as_told_is_let_in(installation: Installation, serve):
    """One retry is enough: the client's own backoff of half a second would come too early."""
    server = serve(installation.data, "--rate-limit", "20/m burst 1")
    statuses = []
    recorder = httpx.Client(event_hooks={"response": [lambda response: statuses.append(response.status_code)]})
    with Braintrust(base_url=server.url, api_key=installation.ada.key, max_retries=1, http_client=recorder) as client:
        client.api_keys.list()
        client.api_keys.list()
    assert statuses == [200, 429, 200]


# Asynchronous


def test_async_client(world: World, name: str):
    """Concurrent creations each give a key, the list has them all, and pages work as in the other client."""

    async def run():
        async with AsyncBraintrust(base_url=world.url, api_key=world.ada.key, max_retries=0) as client:
            created = await asyncio.gather(*(client.api_keys.create(name=name) for _ in range(20)))
            assert len({key.id for key in created}) == len({key.key for key in created}) == 20
            listed = [key.id async for key in client.api_keys.list(api_key_name=name, limit=3)]
            assert sorted(listed) == sorted(key.id for key in created)
            assert len(listed) == 20
            backwards = [
                key.id async for key in client.api_keys.list(api_key_name=name, limit=3, ending_before=listed[-1])
            ]
            assert sorted(backwards) == sorted(listed[:-1])
            await asyncio.gather(*(client.api_keys.delete(key.id) for key in created))
            assert (await client.api_keys.list(api_key_name=name)).objects == []
            with pytest.raises(braintrust_api.PermissionDeniedError):
                await client.api_keys.retrieve(created[0].id)
            assert (await client.organizations.retrieve(world.organization["id"])).name == "Acme"
            assert (await client.users.retrieve(world.bob.id)).email == "bob@example.com"

    asyncio.run(run())
