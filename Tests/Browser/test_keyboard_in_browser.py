"""The pages without a mouse: Tab, Enter, Space and Escape are enough, and the focus can be seen at every stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from selenium.webdriver.common.keys import Keys

from browser import NARROW, STOPS, WIDE, Browser
from conftest import PASSWORD
from pages import API_KEYS, DIALOGS, PAGES


def press_to_open(browser: Browser, key: str) -> None:
    """Opens a dialog with what has the focus, which goes into it."""
    browser.keys(key)
    browser.find("dialog#dialog:modal")
    browser.until_focus("dialog#dialog")


def test_the_keyboard_is_enough_from_signing_in_to_signing_out(browser: Browser, name: str):
    browser.open("/signin")
    browser.tab_to("input[name=email]")
    browser.keys("bob@example.com")
    browser.tab_to("input[name=password]")
    browser.keys(PASSWORD, Keys.ENTER)
    browser.find("nav#settings")

    # The skip link comes first, and leads past the navigation.
    browser.tab_to("a.skip")
    browser.keys(Keys.ENTER)
    browser.until_focus("main")
    browser.tab_to("a#add")
    press_to_open(browser, Keys.ENTER)
    assert browser.has_focus("input[name=name]")
    browser.keys(name)
    browser.tab_to("dialog select[name=expiry]")
    browser.tab_to("dialog button.primary")
    browser.keys(Keys.SPACE)

    secret = browser.text("#secret")
    assert secret.startswith("sk-")
    browser.until_focus("button#copy")
    browser.keys(Keys.SPACE)
    browser.says("dialog#dialog .copied[aria-live]", "Copied")
    browser.keys(Keys.ESCAPE)
    assert browser.text("#secret") == secret, "one keystroke throws the key away"
    browser.tab_to("dialog a.done")
    browser.keys(Keys.ENTER)
    browser.gone("dialog#dialog")
    browser.until_focus("a#add")

    browser.tab_to("input[name=q]")
    browser.keys(name, Keys.ENTER)
    browser.until("one row", lambda: len(browser.all("tr[data-id]")) == 1)
    browser.until_focus("input[name=q]")
    browser.tab_to("tr[data-id] td.select input")
    browser.keys(Keys.SPACE)
    browser.says("button[data-selection]", "(1)")
    browser.keys(Keys.SPACE)
    browser.tab_to("td.action a")
    press_to_open(browser, Keys.ENTER)
    assert browser.has_focus("a.cancel"), "a stray keystroke would delete the key"
    browser.keys(Keys.ESCAPE)
    browser.gone("dialog#dialog")
    browser.until_focus("td.action a")
    press_to_open(browser, Keys.ENTER)
    assert name in browser.text("dialog#dialog")
    browser.tab_to("dialog button.danger")
    browser.tab_to("dialog a.cancel", back=True)
    browser.keys(Keys.ENTER)
    browser.gone("dialog#dialog")
    browser.until_focus("td.action a")
    press_to_open(browser, Keys.ENTER)
    browser.tab_to("dialog button.danger")
    browser.keys(Keys.SPACE)
    browser.gone("dialog#dialog")
    browser.says("main [role=status]", "deleted")
    assert browser.row_if_there(name) is None
    # The row that the dialog came from is gone: one goes on where the news is.
    browser.until_focus("main")

    browser.tab_to("form.signout button", back=True)
    browser.keys(Keys.ENTER)
    browser.find("form#sign-in")
    assert browser.session is None


def test_escape_closes_the_menu_of_organizations_and_leaves_the_focus_on_it(browse: Callable[..., Browser]):
    browser = browse("carol@example.com")
    browser.open(API_KEYS)
    browser.tab_to("#organizations summary")
    browser.keys(Keys.SPACE)
    browser.find("#organizations li a")
    browser.tab_to("#organizations li a")
    browser.keys(Keys.ESCAPE)
    browser.gone("#organizations[open]")
    browser.until_focus("#organizations summary")


# What the keyboard does not come to, of what can be pressed or filled in.
MISSED = """
const controls = "a[href], button:enabled, input:enabled:not([type=hidden], [tabindex]), select, textarea, summary";
return [...document.querySelector(arguments[0]).querySelectorAll(controls)]
  .filter((each) => each.checkVisibility() && !stops.has(each)).map((each) => each.outerHTML.slice(0, 200));
"""


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", PAGES | DIALOGS)
def test_every_control_is_a_stop_where_the_focus_is_seen(browse: Callable[..., Browser], name: str, width: int):
    """From the first stop until it comes again; while a dialog is open, there are only its own."""
    browser = browse("ada@example.com", width=width)
    browser.open((PAGES | DIALOGS)[name])
    within = "dialog#dialog:modal" if name in DIALOGS else "body"
    browser.find(within)
    browser.run("window.stops = new Set();")
    for _ in range(STOPS):
        browser.tab()
        focus = browser.focus()
        # After the last stop comes the browser's own part.
        if focus["isBody"]:
            continue
        assert focus["isMarked"], f"nobody sees that {focus['name']} has the focus"
        assert focus["isShown"], f"{focus['name']} has the focus, but is hidden"
        if not browser.run("const { size } = stops; return stops.add(document.activeElement).size > size;"):
            break
    else:
        raise AssertionError(f"the focus does not come back to its first stop after {STOPS}")
    missed = browser.run(MISSED, within)
    assert not missed, f"the keyboard does not come to {missed}"
    assert browser.run("return stops.size;") > 2
