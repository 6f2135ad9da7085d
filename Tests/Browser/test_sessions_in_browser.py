"""Signing in and out, and what a session is good for afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser import COOKIE, Browser
from conftest import PASSWORD, Site
from pages import ACCOUNT, API_KEYS, OWNERS, PAGES


def test_a_person_signs_in_with_a_password(browser: Browser):
    browser.sign_in("bob@example.com", PASSWORD)
    browser.find("main#main table#keys, main#main .empty")
    assert "/configuration/org/api-keys" in browser.path
    assert "bob@example.com" in browser.text("header")


def test_without_the_script_a_person_signs_in_too(browse: Callable[..., Browser]):
    browser = browse(script=False)
    browser.sign_in("bob@example.com", PASSWORD)
    browser.find("nav#settings")


def test_a_wrong_password_and_an_unknown_person_are_told_the_same(browser: Browser):
    texts = []
    for email, password in (("bob@example.com", "wrong"), ("nobody@example.com", PASSWORD)):
        browser.sign_in(email, password)
        texts.append(browser.text("[role=alert]"))
        assert browser.session is None
    assert texts[0] == texts[1]
    assert not browser.violations()


def test_a_link_signs_in_once(browse: Callable[..., Browser], site: Site):
    path = site.installation.sign_in_path("bob@example.com")
    browser = browse()
    browser.open(path)
    assert browser.session is None, "looking at the link has used it"
    assert not browser.violations()
    browser.press("main form button")
    browser.find("nav#settings")
    second = browse()
    second.open(path)
    if second.has("main form button"):
        second.press("main form button")
    second.find("[role=alert]")
    assert second.session is None


def test_a_page_asks_who_is_there_and_then_shows_itself(browser: Browser):
    browser.open(PAGES["members"])
    browser.find("form#sign-in")
    browser.type("form#sign-in input[name=email]", "ada@example.com")
    browser.type("form#sign-in input[name=password]", PASSWORD)
    browser.press("form#sign-in button")
    browser.says("h1", "Members")


def test_the_older_addresses_lead_to_the_keys(browse: Callable[..., Browser]):
    browser = browse("ada@example.com")
    for path in ("/app", "/app/settings?subroute=api-keys", "/app/token", "/app/Acme/configuration/org/api-keys"):
        browser.open(path)
        browser.says("h1", "API keys")


def test_signing_out_ends_the_session(browser: Browser, site: Site):
    browser.sign_in("bob@example.com", PASSWORD)
    browser.find("nav#settings")
    stolen = browser.session
    assert site.visitor(stolen).is_signed_in
    browser.press_words("Sign out")
    browser.until("the end of the session", lambda: browser.session is None)
    assert not site.visitor(stolen).is_signed_in
    browser.open(API_KEYS)
    browser.find("form#sign-in")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_ending_all_other_sessions_ends_that_of_another_browser_at_once(
    browse: Callable[..., Browser], site: Site, script: bool
):
    """The cookie is refused at the next request, and the page that is open leads to signing in."""
    here, there = browse(script=script), browse(script=script)
    for browser in (here, there):
        browser.sign_in("fay@example.com", PASSWORD)
        browser.find("a#add")
    stolen = site.visitor(there.session)
    assert stolen.is_signed_in
    here.open(ACCOUNT)
    here.press_words("End all others")
    here.says("[role=status]", "ended")
    assert len(here.all("#sessions tbody tr")) == 1
    assert not stolen.is_signed_in
    there.press("a#add")
    there.find("form#sign-in")
    here.open(API_KEYS)
    here.find("a#add")


def test_a_session_that_begins_is_not_one_that_was_brought_along(browser: Browser):
    """Whoever puts a cookie of theirs into somebody's browser does not share the session that begins there."""
    browser.use_session("brought-along")
    browser.sign_in("bob@example.com", PASSWORD)
    browser.find("nav#settings")
    assert browser.session not in (None, "brought-along")


def test_the_cookie_is_out_of_reach_of_scripts(browser: Browser):
    browser.sign_in("bob@example.com", PASSWORD)
    browser.find("nav#settings")
    cookies = browser.driver.execute_cdp_cmd("Network.getCookies", {"urls": [browser.url]})["cookies"]
    cookie = next(each for each in cookies if each["name"] == COOKIE)
    assert cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["path"] == "/"
    assert COOKIE not in browser.run("return document.cookie;")


def test_a_member_sees_only_their_own(browse: Callable[..., Browser], site: Site, name: str):
    """Neither others' keys nor the owners' pages are offered, and they are refused when asked for anyway."""
    ada = site.signed_in("ada@example.com")
    with site.server.client(site.installation.ada.key) as client:
        key = client.get("/v1/api_key").json()["objects"][0]
    assert key["name"] in ada.get(API_KEYS).text

    browser = browse("bob@example.com")
    browser.open(API_KEYS)
    browser.find("a#add")
    assert key["id"] not in browser.source and "ada@example.com" not in browser.source
    offered = [link.get_attribute("href").removeprefix(site.url) for link in browser.all("nav#settings a")]
    bob = site.signed_in("bob@example.com")
    for page in OWNERS:
        assert not any(path.endswith(f"/{page}") for path in offered), f"{page} is offered to a member"
        assert bob.get(PAGES[page]).status_code in (403, 404)
    for path in offered:
        assert bob.get(path).status_code == 200, path

    token = bob.form_token(f"{API_KEYS}?add")
    answer = bob.post(f"{API_KEYS}?delete={key['id']}", {}, token=token)
    assert answer.status_code in (400, 403, 404) or answer.is_redirect
    assert key["id"] in ada.get(API_KEYS).text, "a member deleted a key of somebody else"


def test_a_form_needs_its_token_and_its_own_origin(site: Site, name: str):
    ada = site.signed_in("ada@example.com")
    fields = {"name": name, "expiry": "never"}
    token = ada.form_token(f"{API_KEYS}?add")
    assert ada.post(f"{API_KEYS}?add", fields).status_code == 403
    bob = site.signed_in("bob@example.com").form_token(f"{API_KEYS}?add")
    assert ada.post(f"{API_KEYS}?add", fields, token=bob).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = ada.client.post(f"{API_KEYS}?add", data=fields | {"form_token": token}, headers=headers)
        assert answer.status_code == 403, headers
    assert name not in ada.get(API_KEYS).text


def test_somebody_in_several_organizations_switches(browse: Callable[..., Browser]):
    browser = browse("carol@example.com")
    browser.open("/app/Acme/configuration/org/api-keys")
    browser.press("details#organizations summary")
    browser.press_words("Initech", "details#organizations")
    browser.until("Initech", lambda: "/app/Initech/" in browser.path)
    assert "Initech" in browser.text("details#organizations summary")
    assert browser.has("nav#settings a[href$='/audit-log']"), "Carol owns Initech"


def test_the_navigation_moves_its_mark_without_loading_anew(browse: Callable[..., Browser]):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    browser.run("window.stillHere = true;")
    browser.press_words("Members", "nav#settings")
    browser.says("h1", "Members")
    browser.says("nav#settings [aria-current=page]", "Members")
    assert browser.driver.title.startswith("Members") and browser.path.endswith("/members")
    browser.driver.back()
    browser.says("h1", "API keys")
    browser.says("nav#settings [aria-current=page]", "API keys")
    assert browser.run("return window.stillHere === true;")
