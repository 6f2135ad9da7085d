"""Signing in to the settings pages at a provider of OpenID Connect, by HTTP as a browser speaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import pytest
from conftest import Installation, Server
from oidc_provider import Provider, Wrong

PAGE = "/app/~/configuration/org/api-keys"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    people = {
        "ada": {"email": "ada@example.com", "email_verified": True, "name": "Ada"},
        "mallory": {"email": "ada@example.com", "email_verified": False, "name": "Mallory"},
        "nobody": {"email": "nobody@example.com", "email_verified": True, "name": "Nobody"},
    }
    with Provider(people=people) as provider:
        yield provider


@pytest.fixture(scope="module")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    installation = Installation(tmp_path_factory.mktemp("openid") / "data")
    server = Server(installation.data, **provider.settings)
    yield server
    server.stop()


@pytest.fixture
def browser(server: Server, provider: Provider) -> Iterator[httpx.Client]:
    provider.wrong = replace(Wrong())
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def begin(browser: httpx.Client) -> str:
    """The address at the provider that the browser is sent to."""
    answer = browser.get("/signin/oidc")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def finish(browser: httpx.Client, callback: str) -> httpx.Response:
    parts = urlsplit(callback)
    return browser.get(f"{parts.path}?{parts.query}")


def is_signed_in(browser: httpx.Client) -> bool:
    return browser.get(PAGE).status_code == 200


def changed(url: str, **parameters: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | parameters)))


def test_person_whom_the_provider_knows_is_signed_in(browser: httpx.Client, provider: Provider) -> None:
    page = browser.get("/signin")
    assert "/signin/oidc" in page.text
    answer = finish(browser, provider.agree(begin(browser), "ada"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")
    assert is_signed_in(browser)
    assert "ada@example.com" in browser.get(PAGE).text
    log = browser.get("/app/~/configuration/account").text
    assert "at the provider" in log


def test_address_and_name_may_come_from_the_user_info(browser: httpx.Client, provider: Provider) -> None:
    provider.wrong.claims_in_user_info = True
    finish(browser, provider.agree(begin(browser), "ada"))
    assert is_signed_in(browser)


def test_wrong_state_is_refused(browser: httpx.Client, provider: Provider) -> None:
    callback = provider.agree(begin(browser), "ada")
    answer = finish(browser, changed(callback, state="x" * 43))
    assert answer.status_code == 401
    assert not is_signed_in(browser)


def test_answer_that_another_browser_asked_for_is_refused(
    browser: httpx.Client, provider: Provider, server: Server
) -> None:
    callback = provider.agree(begin(browser), "ada")
    with httpx.Client(base_url=server.url, timeout=30) as victim:
        assert finish(victim, callback).status_code == 401
        assert not is_signed_in(victim)


def test_code_signs_in_once(browser: httpx.Client, provider: Provider, server: Server) -> None:
    callback = provider.agree(begin(browser), "ada")
    kept = dict(browser.cookies)
    finish(browser, callback)
    assert is_signed_in(browser)
    with httpx.Client(base_url=server.url, timeout=30, cookies=kept) as again:
        assert finish(again, callback).status_code == 401
        assert not is_signed_in(again)


@pytest.mark.parametrize(
    "fault",
    [
        "nonce",
        "audience",
        "issuer",
        "signature",
        "unsigned",
        "expired_token",
        "expired_code",
    ],
)
def test_what_the_provider_does_wrong_signs_nobody_in(browser: httpx.Client, provider: Provider, fault: str) -> None:
    callback = provider.agree(begin(browser), "ada")
    setattr(provider.wrong, fault, True)
    answer = finish(browser, callback)
    assert answer.status_code in (401, 503), answer.text
    assert 'role="alert"' in answer.text
    assert not is_signed_in(browser)


def test_user_info_about_somebody_else_signs_nobody_in(browser: httpx.Client, provider: Provider) -> None:
    provider.wrong.claims_in_user_info = True
    provider.wrong.user_info_subject = True
    assert finish(browser, provider.agree(begin(browser), "ada")).status_code in (401, 503)
    assert not is_signed_in(browser)


@pytest.mark.parametrize("person", ["nobody", "mallory"])
def test_unknown_person_and_unverified_address_are_refused(
    browser: httpx.Client, provider: Provider, person: str
) -> None:
    answer = finish(browser, provider.agree(begin(browser), person))
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert not is_signed_in(browser)


def test_person_who_says_no_is_told_so(browser: httpx.Client, provider: Provider) -> None:
    answer = finish(browser, provider.deny(begin(browser), "<script>alert(1)</script>"))
    assert answer.status_code == 401
    assert "<script>alert" not in answer.text
    assert not is_signed_in(browser)


def test_provider_that_is_away_for_a_while_costs_nobody_an_attempt(browser: httpx.Client, provider: Provider) -> None:
    for _ in range(25):
        callback = provider.agree(begin(browser), "ada")
        provider.wrong.away = True
        assert finish(browser, callback).status_code == 503
        provider.wrong.away = False
    finish(browser, provider.agree(begin(browser), "ada"))
    assert is_signed_in(browser)


def refusals(server: Server) -> list[str]:
    """Why sign-ins failed at the provider, as a stopped server's log tells the operator."""
    lines = [json.loads(line) for line in server.log.splitlines()]
    return [line["error"] for line in lines if line["level"] == "warning" and "Example" in line["message"]]


def test_provider_that_is_away_is_told_of(provider: Provider, tmp_path: Path) -> None:
    """With a server of its own, which has not heard of the provider before, and whose log tells the operator of it."""
    installation = Installation(tmp_path / "data")
    with Provider(people=provider.people) as away:
        settings = away.settings
    server = Server(installation.data, **settings)
    with httpx.Client(base_url=server.url, timeout=30) as browser:
        answer = browser.get("/signin/oidc")
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) in range(1, 6)
        assert 'role="alert"' in answer.text
        assert browser.get("/signin").status_code == 200
    server.stop()
    assert [refusal.partition(":")[0] for refusal in refusals(server)] == ["unreachable"]


def test_wrong_secret_of_the_server_is_told_of_without_it(provider: Provider, tmp_path: Path) -> None:
    provider.wrong = replace(Wrong())
    installation = Installation(tmp_path / "data")
    server = Server(installation.data, **provider.settings | {"WITAN_OIDC_CLIENT_SECRET": "not-what-it-was"})
    with httpx.Client(base_url=server.url, timeout=30) as browser:
        answer = finish(browser, provider.agree(begin(browser), "ada"))
        assert answer.status_code == 503
        assert "oidc-client-secret" in answer.text
        assert not is_signed_in(browser)
    server.stop()
    assert refusals(server) == ["client"]
    assert "not-what-it-was" not in server.log
