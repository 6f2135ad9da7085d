"""What a person reads when a form is refused before any page looks at it, and that what they wrote is still there."""

from __future__ import annotations

from collections.abc import Callable

from browser import Browser
from conftest import Site
from pages import API_KEYS


def send(browser: Browser, name: str) -> None:
    """Sends the form for a new key with a name that the browser itself would not let anybody write."""
    browser.press("a#add")
    browser.find("dialog#dialog input[name=name]")
    browser.run(
        "const field = document.querySelector('dialog input[name=name]');"
        "field.removeAttribute('maxlength'); field.value = arguments[0];",
        name,
    )
    browser.press_words("Create key", "dialog#dialog")


def written(browser: Browser) -> str:
    return browser.run("return document.querySelector('dialog:modal input[name=name]').value;")


def test_a_form_that_is_too_large_is_refused_where_it_was_written(browse: Callable[..., Browser]):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    send(browser, "n" * 70_000)
    browser.says("dialog#dialog [role=alert]", "The form is larger than 65536 bytes")
    assert written(browser) == "n" * 70_000
    assert not browser.violations("dialog#dialog")


def test_a_form_of_somebody_who_was_signed_in_before_is_refused_where_it_was_written(
    browse: Callable[..., Browser], site: Site
):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    browser.press("a#add")
    browser.type("dialog#dialog input[name=name]", "of two people")
    browser.use_session(site.signed_in("bob@example.com").session)
    browser.press_words("Create key", "dialog#dialog")
    browser.says("dialog#dialog [role=alert]", "The form is too old")
    assert written(browser) == "of two people"
