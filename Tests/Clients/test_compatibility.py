"""docs/compatibility.md, and the facts that it is made of."""

from __future__ import annotations

import json

import pytest

import compatibility
from conftest import SHARED, witan


@pytest.fixture(scope="module")
def own() -> dict:
    return json.loads(witan("openapi"))


def test_page_is_up_to_date(own: dict):
    assert compatibility.PAGE.read_text() == compatibility.page(own), "run `make compatibility`"


def test_facts_are_those_of_the_published_document(own: dict):
    """Of an operation that is served for the first time the facts must be taken from the document."""
    date, theirs = compatibility.published()
    served = set(compatibility.facts(own)) & set(theirs)
    described = {operation for operation in served if any(getattr(theirs[operation], part) for part in compatibility.PARTS)}
    assert {each for each in served - described if not each.startswith("OPTIONS ")} <= {"GET /v1"}
    document = SHARED / f"upstream/openapi-{date}.json"
    if document.exists():
        assert compatibility.PUBLISHED.read_text() == compatibility.published_facts(document, own)


def test_what_is_missing_is_told(own: dict):
    """An operation, a parameter and a member that the server no longer has."""
    paths = json.loads(json.dumps(own))["paths"]
    del paths["/v1/group"]["put"]
    paths["/v1/user"]["get"]["parameters"] = [
        each for each in paths["/v1/user"]["get"]["parameters"] if each.get("name") != "email"
    ]
    del paths["/v1/role"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["member_roles"]
    page = compatibility.page(own | {"paths": paths})
    for line in (
        "| `/v1/group` | PUT |",
        "- the parameter `email` of `GET /v1/user`",
        "- in the body `member_roles` of `POST /v1/role`",
    ):
        assert line in page.splitlines()
        assert line not in compatibility.page(own).splitlines()
