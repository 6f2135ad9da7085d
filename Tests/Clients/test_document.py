"""The API document and the documentation pages."""

from __future__ import annotations

import json
import re

import httpx
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from conftest import SHARED, World, witan

SEED = SHARED / "seed/create-api_key.md"


@pytest.fixture(scope="module")
def site(world: World):
    with world.server.client(None) as client:
        yield client


@pytest.fixture(scope="module")
def document(site: httpx.Client) -> dict:
    return site.get("/openapi.json").json()


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]


def embedded(page: str) -> tuple[str, dict]:
    """The line that opens a page's block, and what the block holds."""
    block = re.search(r"^````yaml ([^\n]*)\n(.*?)^````$", page, re.MULTILINE | re.DOTALL)
    assert block, page
    return block[1], yaml.safe_load(block[2])


# The document


def test_document_is_valid_openapi(document: dict):
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_yaml_is_the_same_valid_document(site: httpx.Client, document: dict):
    answer = site.get("/openapi.yaml")
    assert answer.headers["content-type"].startswith("application/yaml")
    other = yaml.safe_load(answer.text)
    OpenAPIV31SpecValidator(other).validate()
    assert other == document


def test_command_prints_the_same_document(document: dict):
    """But for the server's address, which the command doesn't know."""
    printed = json.loads(witan("openapi"))
    assert printed | {"servers": None} == document | {"servers": None}


def test_document_names_this_server(world: World, document: dict):
    assert document["servers"] == [{"url": world.url}]


def test_operation_ids_are_unique(document: dict):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert sorted(ids) == sorted(set(ids))


def test_document_has_what_is_served(document: dict):
    """The routes of the key service's design, section 1."""
    served = {f"{method.upper()} {path}" for path, method, _ in operations(document)}
    assert served >= {
        "POST /v1/api_key",
        "GET /v1/api_key",
        "OPTIONS /v1/api_key",
        "GET /v1/api_key/{api_key_id}",
        "DELETE /v1/api_key/{api_key_id}",
        "OPTIONS /v1/api_key/{api_key_id}",
        "GET /v1/organization/api_keys",
        "POST /api/apikey/login",
        "POST /api/self/me",
        "GET /ping",
        "GET /version",
        "GET /v1",
        "GET /",
        "GET /openapi.json",
        "GET /openapi.yaml",
        "GET /docs/llms.txt",
        "GET /docs/api-reference/{tag}/{page}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /.well-known/jwks.json",
    }


# The pages


def test_every_page_of_the_index_is_there(site: httpx.Client, document: dict):
    """Each is Markdown with the part of the document that its operation needs, and each operation has one."""
    index = site.get("/docs/llms.txt")
    assert index.status_code == 200 and index.headers["content-type"] == "text/plain; charset=utf-8"
    links = re.findall(r"^- \[([^]]+)\]\((/docs/api-reference/[^)]+)\): (.+)$", index.text, re.MULTILINE)
    assert len(links) == len(set(path for _, path, _ in links))
    documented = set()
    for title, path, description in links:
        answer = site.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
        assert f"\n# {title}\n" in answer.text and f"\n> {description}\n" in answer.text, path
        opening, part = embedded(answer.text)
        _, method, operation_path = opening.split(" ")
        documented.add((operation_path, method))
        assert part["paths"] == {operation_path: {method: document["paths"][operation_path][method]}}, path
        assert part["openapi"] == document["openapi"] and part["servers"] == document["servers"]
        assert referenced_schemas(part) == set(part.get("components", {}).get("schemas", {})), path
        OpenAPIV31SpecValidator(part).validate()
    assert documented == {(path, method) for path, method, _ in operations(document) if method != "options"}


def referenced_schemas(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(referenced_schemas(member) for member in value.values()))
    if isinstance(value, list):
        return set().union(*(referenced_schemas(element) for element in value))
    return set()


def test_index_names_the_documents(site: httpx.Client):
    index = site.get("/docs/llms.txt").text
    assert "](/openapi.json)" in index and "](/openapi.yaml)" in index


def test_missing_page(site: httpx.Client):
    for path in ("/docs/api-reference/apikeys/none.md", "/docs/api-reference/none/create-api_key.md"):
        assert site.get(path).status_code == 404


@pytest.mark.skipif(not SEED.exists(), reason=f"the published page is not at {SEED}")
def test_page_of_key_creation_is_built_as_the_published_one(site: httpx.Client):
    """Same headings, same block, the block's members in the same order, and the same statuses and members."""
    seed = SEED.read_text()
    ours = site.get("/docs/api-reference/apikeys/create-api_key.md").text

    def headings(page: str) -> list[str]:
        return [line.lower() for line in page.split("````")[0].splitlines() if line.lstrip("> ").startswith("#")]

    # The published copy begins with a heading of its own, which says where it was copied from.
    assert headings(ours) == [line for line in headings(seed) if not line.startswith("# source:")]
    (our_opening, our_part), (seed_opening, seed_part) = embedded(ours), embedded(seed)
    assert our_opening == seed_opening == "openapi.yaml post /v1/api_key"
    assert list(our_part) == list(seed_part)
    assert our_part["openapi"] == seed_part["openapi"]

    ours, seed = (part["paths"]["/v1/api_key"]["post"] for part in (our_part, seed_part))
    assert ours["operationId"] == seed["operationId"] == "postApiKey"
    assert (ours["tags"], ours["summary"]) == (seed["tags"], seed["summary"])
    assert set(ours["responses"]) >= set(seed["responses"]) == {"200", "400", "401", "403", "429", "500"}
    assert ours["responses"]["200"]["content"] == seed["responses"]["200"]["content"]
    for status in ("400", "401", "403", "429", "500"):
        assert set(ours["responses"][status]["content"]) == {"application/json", "text/plain"}
    bodies = [operation["requestBody"]["content"]["application/json"]["schema"] for operation in (ours, seed)]
    assert set(bodies[0]["properties"]) - set(bodies[1]["properties"]) == {"org_id", "expires_at"}
    assert bodies[0]["required"] == bodies[1]["required"] == ["name"]

    ours, seed = (part["components"] for part in (our_part, seed_part))
    ours_output, seed_output = (part["schemas"]["CreateApiKeyOutput"] for part in (ours, seed))
    # What a key need not have comes before the secret, and is not there in the answer for a plain key.
    assert [name for name in ours_output["properties"] if name != "expires_at"] == list(seed_output["properties"])
    assert ours_output["required"] == seed_output["required"]
    for member, schema in seed_output["properties"].items():
        other = ours_output["properties"][member]
        assert other.get("format") == schema.get("format"), member
        assert other["type"] == (["string", "null"] if schema.get("nullable") else "string"), member
    for member in ("type", "scheme", "bearerFormat"):
        assert ours["securitySchemes"]["bearerAuth"][member] == seed["securitySchemes"]["bearerAuth"][member]
