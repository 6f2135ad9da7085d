"""Schemathesis: generated requests, valid and not, by themselves and in sequences, against what the documents promise.

The server is run with a JSON Web Token, which no generated DELETE can revoke.
"""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import httpx
import pytest

from conftest import SHARED, Installation, Server, environment

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
PUBLISHED = sorted((SHARED / "upstream").glob("openapi-*.json"))

# The part of the published documents that this server implements.
IMPLEMENTED = {
    "/v1",
    "/v1/acl",
    "/v1/acl/acl/batch_update",
    "/v1/acl/batch_update",
    "/v1/acl/list_org",
    "/v1/acl/{acl_id}",
    "/v1/api_key",
    "/v1/api_key/{api_key_id}",
    "/v1/group",
    "/v1/group/{group_id}",
    "/v1/organization",
    "/v1/organization/members",
    "/v1/organization/{organization_id}",
    "/v1/project",
    "/v1/project/{project_id}",
    "/v1/role",
    "/v1/role/{role_id}",
    "/v1/service_token",
    "/v1/service_token/{service_token_id}",
    "/v1/user",
    "/v1/user/{user_id}",
}


def test_own_document(installation: Installation, serve, tmp_path: Path):
    """The server keeps what its own document promises."""
    token = installation.token("ada@example.com")
    server = start(installation, serve)
    document = httpx.get(f"{server.url}/openapi.json").json()
    check(document, server, token, tmp_path)


@pytest.mark.skipif(not PUBLISHED, reason=f"the published documents are not in {SHARED / 'upstream'}")
@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_document(installation: Installation, serve, tmp_path: Path, path: Path):
    """The server keeps what the published document promises of the paths that it implements."""
    document = json.loads(path.read_text())
    document["paths"] = {path: item for path, item in document["paths"].items() if path in IMPLEMENTED}
    narrow(document)
    token = installation.token("ada@example.com")
    # It does not say that no text has a U+0000, which PostgreSQL cannot hold.
    check(document, start(installation, serve), token, tmp_path, "--generation-allow-x00", "false")


def narrow(document: dict) -> None:
    """Says what the published document leaves open, wherever this server is stricter (docs/compatibility.md)."""
    schemas = document["components"]["schemas"]
    # The newest hides how keys are made, which this server goes on to serve as the one before has it.
    shown = json.loads(PUBLISHED[0].read_text())
    document["paths"]["/v1/api_key"]["post"] = shown["paths"]["/v1/api_key"]["post"]
    schemas["CreateApiKeyOutput"] = shown["components"]["schemas"]["CreateApiKeyOutput"]
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    # A function is kept as it was sent, for this server runs none.
    schemas["NullableSavedFunctionId"] = {"type": "object", "nullable": True}
    for operation in operations:
        if "requestBody" not in operation:
            continue
        # Its bodies are optional though members in them are required; a creation without one is refused.
        content = operation["requestBody"]["content"]["application/json"]
        content["schema"] = body = closed(document, content["schema"])
        operation["requestBody"]["required"] = "required" in body
        # It knows no 409, the answer to a change of a name into one that is taken.
        operation["responses"]["409"] = {"description": "The name is another object's"}
    members = document["paths"]["/v1/organization/members"]["patch"]["requestBody"]["content"]["application/json"]
    invited = members["schema"]["properties"]["invite_users"]["properties"]
    invited["emails"]["items"] |= {"format": "email", "maxLength": 254}


def closed(document: dict, schema: dict) -> dict:
    """The schema of a body without references, whose objects take no other members.

    Names have 1 to 1,024 characters, ids are UUIDs, and unknown members are refused (design: key service, section 1),
    the latter as the hosted service does.
    """
    while "$ref" in schema:
        # Beside a reference stands what may be null, which OpenAPI 3.0 has nobody heed.
        beside = {member: value for member, value in schema.items() if member != "$ref"}
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] | beside
    schema = deepcopy(schema)
    if schema.get("nullable") and "enum" in schema:
        schema["enum"].append(None)
    if "properties" in schema:
        schema["additionalProperties"] = False
        for name, member in schema["properties"].items():
            schema["properties"][name] = member = closed(document, member)
            if name in ("name", "token_name"):
                member |= {"minLength": 1, "maxLength": 1_024}
            if name.endswith("_id"):
                member["format"] = "uuid"
    if "items" in schema:
        schema["items"] = closed(document, schema["items"])
    if "allOf" in schema:
        schema["allOf"] = [closed(document, part) for part in schema["allOf"]]
    return schema


def start(installation: Installation, serve) -> Server:
    return serve(installation.data, "--rate-limit", "off", "--failed-authentication-rate-limit", "off")


def check(document: dict, server: Server, token: str, folder: Path, *options: str) -> None:
    path = folder / "openapi.json"
    path.write_text(json.dumps(linked(document)))
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            CONFIGURATION,
            "run",
            path,
            "--url",
            server.url,
            "--header",
            f"Authorization: Bearer {token}",
            "--no-color",
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1_800,
        env=environment() | {"SCHEMATHESIS_HOOKS": str(HOOKS)},
    )
    if result.returncode != 0:
        pytest.fail(result.stdout + result.stderr, pytrace=False)
    assert "Stateful (in" in result.stdout, f"no sequence was tried: {result.stdout}"


def linked(document: dict) -> dict:
    """The document with links, as OpenAPI has them, from what makes or lists objects to what takes one's id.

    Sequences such as create, read, delete, read are made of them.
    """
    document = deepcopy(document)
    paths = document["paths"]
    for path, item in paths.items():
        collection, _, parameter = path.rpartition("/")
        if not parameter.startswith("{") or collection not in paths:
            continue
        takers = [
            operation["operationId"] for method, operation in item.items() if method in ("get", "patch", "delete")
        ]
        givers = [
            (paths[collection].get("post"), "$response.body#/id"),
            (paths[collection].get("get"), "$response.body#/objects/0/id"),
            *((item.get(method), "$response.body#/id") for method in ("get", "delete")),
        ]
        for giver, expression in givers:
            if giver is None:
                continue
            links = giver["responses"]["200"].setdefault("links", {})
            for taker in takers:
                links[taker] = {"operationId": taker, "parameters": {parameter.strip("{}"): expression}}
    return document
