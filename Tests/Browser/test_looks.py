"""Everything that the pages show: what axe finds, on a phone, and in the dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser import NARROW, WIDE, Browser
from conftest import Site
from pages import DIALOGS, PAGES, SIGNED_OUT
from states import STATES, Stage, furnish

# Where the navigation and the rows are about to change their shape.
BETWEEN = (1_121, 1_024, 929, 768, 721, 480)

# The ground's lightness and the text's, from 0 to 1; which colours those are the style sheet says.
LIGHTNESS = """
const style = getComputedStyle(document.body);
return [style.backgroundColor, style.color].map((color) =>
  color.match(/\\d+/g).slice(0, 3).reduce((sum, each) => sum + Number(each), 0) / 765);
"""


@pytest.fixture(scope="module", autouse=True)
def furniture(site: Site) -> None:
    furnish(site)


@pytest.mark.parametrize("state", STATES)
def test_everything_is_in_order_wide_and_narrow_light_and_dark(browse: Callable[..., Browser], site: Site, state: str):
    """Axe finds nothing wrong, no page is wider than its window, and in the dark all are dark."""
    browser = browse()
    STATES[state](Stage(site, browser))
    # The open menu lies over the page: what looks out from under it is no target, and is looked at without the menu.
    within = "header" if state == "organizations" else "html"
    for width in BETWEEN:
        browser.set_width(width)
        assert browser.overflow() <= 0, f"wider than {width} pixels"
    for width in (WIDE, NARROW):
        browser.set_width(width)
        assert browser.overflow() <= 0, f"wider than {width} pixels"
        for dark in (False, True):
            browser.set_dark(dark)
            violations = browser.violations(within)
            assert not violations, f"{width} pixels, {'dark' if dark else 'light'}: " + "\n".join(violations)
            ground, text = browser.run(LIGHTNESS)
            assert (ground < 0.2 and text > 0.8) if dark else (ground > 0.9 and text < 0.2)


def test_every_page_has_one_heading_and_the_place_that_the_skip_link_leads_to(browse: Callable[..., Browser]):
    browser = browse("ada@example.com")
    for name, path in PAGES.items():
        browser.open(path)
        assert len(browser.all("h1")) == 1, name
        browser.run("document.querySelector('a.skip').focus();")
        browser.driver.switch_to.active_element.send_keys("\ue007")
        browser.until("the focus on the content", lambda: browser.run("return document.activeElement.id;") == "main")


@pytest.mark.parametrize("path", [*PAGES.values(), *DIALOGS.values()])
def test_no_page_is_large(site: Site, path: str):
    answer = site.signed_in("ada@example.com").get(path)
    assert answer.status_code == 200
    assert len(answer.content) <= 60 * 1_024


@pytest.mark.parametrize("path", [*SIGNED_OUT.values(), *PAGES.values()])
def test_every_page_says_what_a_browser_may_do_with_it(site: Site, path: str):
    """Nothing inline, nothing from elsewhere, in no frame, and nothing is kept."""
    visitor = site.visitor() if path in SIGNED_OUT.values() else site.signed_in("ada@example.com")
    headers = visitor.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert all(policy[each] == "'none'" for each in ("default-src", "frame-ancestors", "base-uri"))
    assert "unsafe" not in headers["content-security-policy"]
    assert all(policy[each] == "'self'" for each in ("script-src", "style-src", "connect-src", "form-action"))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
    assert headers["cache-control"] == "no-store"


def test_what_is_wrong_with_a_page_would_be_noticed(browse: Callable[..., Browser]):
    """A field without a label, a script that the policy forbids, one that fails, and something that is too wide."""
    browser = browse("ada@example.com", width=NARROW)
    browser.open(PAGES["general"])
    browser.run("document.querySelector('label[for=name]').remove();")
    assert any(violation.startswith("label:") for violation in browser.violations())
    browser.run("document.querySelector('h1').style.minWidth = '400px';")
    assert browser.overflow() > 0
    browser.run(
        "const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(script); setTimeout(() => missing());"
    )
    complaints = browser.until("complaints", browser.complaints)
    complaints += [] if len(complaints) > 1 else browser.until("the other complaint", browser.complaints)
    assert any("Content Security Policy" in each for each in complaints)
    assert any("missing is not defined" in each for each in complaints)
