"""A key from its making to its end, as a person meets it in a browser."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from browser import NARROW, Browser
from conftest import Site
from pages import API_KEYS

HOSTILE = {
    "script": "<script>window.ran = 1; alert(1)</script>",
    "attribute": "\"><img src=x onerror=\"window.ran = 1; alert(1)\">' onfocus='window.ran=1' autofocus='",
    "template": "{{name}} {{{name}}} ${window.ran = 1} `window.ran = 1` &lt;b&gt; &amp;",
    "right to left": "\u202e\u0645\u0641\u062a\u0627\u062d gpj.exe \u2066",
    "long": "n" * 1_024,
}


def make_key(browser: Browser, name: str, expiry: str = "never") -> str:
    """Makes a key on the page that is open, and returns it as the page shows it."""
    browser.press("a#add")
    browser.says("dialog#dialog h2", "Add API key")
    browser.type("dialog#dialog input[name=name]", name)
    browser.choose("dialog#dialog select[name=expiry]", expiry)
    browser.press_words("Create key", "dialog#dialog")
    return browser.text("#secret")


def curl(*lines: str) -> tuple[int, str]:
    """Runs the lines in a shell, and returns the status and the body of the answer."""
    script = "\n".join(lines) + " --silent --show-error --write-out '\\n%{http_code}'"
    result = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def run_as_it_stands(*lines: str, variables: dict[str, str] | None = None) -> str:
    """Runs the lines in a shell that knows nothing else, as a person does who has copied them."""
    result = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=60,
        env=variables or {"PATH": os.environ["PATH"]},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def delete_key(browser: Browser, name: str) -> None:
    browser.press_in_row(name, "td.action a")
    browser.until("the name in the dialog", lambda: name in browser.text("dialog#dialog"))
    browser.press_words("Delete key", "dialog#dialog")
    browser.gone("dialog#dialog")
    assert browser.row_if_there(name) is None


@pytest.mark.parametrize("options", [{}, {"script": False}, {"width": NARROW}, {"dark": True}], ids=str)
def test_a_key_is_made_used_deleted_and_refused(browse: Callable[..., Browser], site: Site, name: str, options: dict):
    """The lines of the dialog are run as they stand; without the script all of it is forms and pages."""
    browser = browse("ada@example.com", **options)
    browser.open(API_KEYS)
    secret = make_key(browser, name)
    lines = [browser.text("#export-line"), browser.text("#curl-line")]
    assert secret.startswith("sk-") and secret in lines[0]
    json.loads(run_as_it_stands(*lines))

    browser.press("dialog#dialog a.done")
    browser.gone("dialog#dialog")
    row = browser.row(name)
    assert f"sk-****{secret[-4:]}" in row.text
    assert secret not in browser.source

    delete_key(browser, name)
    browser.says("main [role=status]", "deleted")
    assert curl(*lines)[0] == 401


def test_with_the_script_nothing_is_loaded_anew(browse: Callable[..., Browser], name: str):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    browser.run("window.stillHere = true;")
    make_key(browser, name)
    browser.press("dialog#dialog a.done")
    delete_key(browser, name)
    assert browser.run("return window.stillHere === true;")


def test_the_button_copies_the_key_and_says_so(browse: Callable[..., Browser], site: Site, name: str):
    browser = browse("ada@example.com")
    browser.driver.execute_cdp_cmd(
        "Browser.grantPermissions",
        {"origin": site.url, "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]},
    )
    browser.open(API_KEYS)
    secret = make_key(browser, name)
    browser.press("button#copy")
    browser.says("dialog#dialog .copied[aria-live]", "Copied")
    assert browser.text("button#copy") == "Copied"
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0]);")
    assert copied == secret


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_going_back_does_not_show_the_key_again(browse: Callable[..., Browser], name: str, script: bool):
    browser = browse("ada@example.com", script=script)
    browser.open("/app")
    browser.open(API_KEYS)
    secret = make_key(browser, name)
    browser.driver.back()
    browser.until("the end of the key", lambda: secret not in browser.source)
    browser.driver.forward()
    browser.until("a page", lambda: browser.has("body"))
    assert secret not in browser.source

    browser.open(API_KEYS)
    secret = make_key(browser, f"{name} again")
    browser.press("dialog#dialog a.done")
    browser.row(f"{name} again")
    for _ in range(3):
        browser.driver.back()
        assert secret not in browser.source


def test_going_back_from_elsewhere_does_not_show_the_key_again(browse: Callable[..., Browser], name: str):
    """The browser keeps pages that were left, to show them at once; a shown key is not among them."""
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    secret = make_key(browser, name)
    browser.driver.get("about:blank")
    browser.driver.back()
    browser.row(name)
    assert secret not in browser.source


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_text_and_never_runs(browse: Callable[..., Browser], name: str, kind: str, script: bool):
    """On the page that shows it first, in the list, in the dialog that deletes it, and in the audit log."""
    hostile = f"{name} {HOSTILE[kind]}"[:1_024]
    browser = browse("ada@example.com", script=script)
    browser.open(API_KEYS)
    make_key(browser, hostile)
    assert hostile in browser.text("dialog#dialog")
    for path in (
        API_KEYS,
        f"{API_KEYS}?{urlencode({'q': hostile})}",
        API_KEYS.replace("api-keys", "audit-log"),
    ):
        browser.open(path)
        if "audit-log" in path:
            assert hostile[:80] in browser.find("#events").get_attribute("textContent")
        else:
            browser.row(hostile)
        assert browser.run("return window.ran === undefined;"), f"a name ran at {path}"
        assert not browser.has("main img, main script, main b")
    browser.open(API_KEYS)
    delete_key(browser, hostile)
    assert browser.run("return window.ran === undefined;")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_several_selected_keys_are_deleted_together(browse: Callable[..., Browser], name: str, script: bool):
    browser = browse("bob@example.com", script=script)
    browser.open(API_KEYS)
    names = [f"{name} {letter}" for letter in "abc"]
    for each in names:
        make_key(browser, each)
        browser.press("dialog#dialog a.done")
        browser.row(each)
    # Without the script the button cannot know, and the next page says that nothing was chosen.
    assert browser.find("button[data-selection]").is_enabled() != script
    for each in names[:2]:
        browser.press_in_row(each, "input[name=selected]")
    if script:
        browser.says("button[data-selection]", "(2)")
    browser.press("button[data-selection]")
    dialog = browser.text("dialog#dialog")
    assert [each in dialog for each in names] == [True, True, False]
    browser.press("dialog#dialog form button")
    browser.gone("dialog#dialog")
    assert [browser.row_if_there(each) is not None for each in names] == [False, False, True]


def test_keys_are_found_and_sorted_by_name(browse: Callable[..., Browser], name: str):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    names = [f"{name} {letter}" for letter in "bca"]
    for each in names:
        make_key(browser, each)
        browser.press("dialog#dialog a.done")
        browser.row(each)
    browser.type("input[name=q]", f"{name} ")
    browser.press("form[role=search] button")
    browser.until("three rows", lambda: len(browser.all("tr[data-id]")) == 3)

    def order() -> list[str]:
        return [row.find_element("css selector", "th bdi").text for row in browser.all("tr[data-id]")]

    browser.press_words("Name", "thead")
    browser.until("their order", lambda: order() == sorted(names))
    browser.press_words("Name", "thead")
    browser.until("the other order", lambda: order() == sorted(names, reverse=True))
    browser.type("input[name=q]", f"{name} of nobody")
    browser.press("form[role=search] button")
    browser.until("no row", lambda: not browser.has("tr[data-id]"))


def test_escape_leaves_a_dialog_but_keeps_a_shown_key(browse: Callable[..., Browser], name: str):
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    browser.press("a#add")
    browser.says("dialog#dialog h2", "Add API key")
    assert browser.driver.switch_to.active_element.get_attribute("name") == "name"
    browser.driver.switch_to.active_element.send_keys("\ue00c")
    browser.gone("dialog#dialog")
    assert browser.path.split("?")[0].endswith("/api-keys")
    browser.until("the focus on the button", lambda: browser.run("return document.activeElement.id;") == "add")
    secret = make_key(browser, name)
    browser.driver.switch_to.active_element.send_keys("\ue00c")
    assert browser.text("#secret") == secret


def test_a_key_without_a_name_is_refused_in_the_dialog(browse: Callable[..., Browser]):
    """The browser's own check is left out, as a program could."""
    browser = browse("ada@example.com")
    browser.open(API_KEYS)
    browser.press("a#add")
    browser.find("dialog#dialog input[name=name]")
    browser.run("document.querySelector('dialog form').noValidate = true;")
    browser.press_words("Create key", "dialog#dialog")
    browser.find("dialog#dialog [role=alert], dialog#dialog .error")
    assert not browser.has("#secret")
    assert not browser.violations()


def test_times_are_shown_in_the_reader_s_own_time(browse: Callable[..., Browser], name: str):
    browser = browse("ada@example.com")
    browser.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    browser.open(API_KEYS)
    make_key(browser, name)
    browser.press("dialog#dialog a.done")
    created = browser.row(name).find_element("css selector", "time")
    moment, text = created.get_attribute("datetime"), created.text
    expected = browser.run(
        "return new Date(arguments[0]).toLocaleDateString(undefined, { dateStyle: 'medium', timeZone: 'Asia/Tokyo' });",
        moment,
    )
    assert expected in text
