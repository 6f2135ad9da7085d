"""A headless Chromium as a person at the settings pages: what is pressed, typed and read, and what axe says of it."""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

Value = TypeVar("Value")

SECONDS = 30
# How long a page may take to come, and a script in it to end.
SECONDS_TO_LOAD = 120
# More than any page has, for the keyboard.
STOPS = 200
WIDE, NARROW = 1440, 360
COOKIE = "witan_session"

# What an element answers while the page that it belongs to gives way to another one.
PASSING = [StaleElementReferenceException, ElementNotInteractableException, ElementClickInterceptedException]

# https://www.w3.org/TR/WCAG22/ at level AA, with what axe counts as good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]


@functools.cache
def axe_source() -> str:
    """axe-core, which the package of another browser driver carries; that driver itself is not installed."""
    return Path(importlib.metadata.distribution("axe-playwright-python").locate_file(
        "axe_playwright_python/axe.min.js"
    )).read_text(encoding="utf-8")


# What has the focus, and whether a person who looks at the page can tell.
FOCUS = """
const element = document.activeElement;
const style = getComputedStyle(element);
const box = element.getBoundingClientRect();
const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
const there = document.elementFromPoint(x, y);
return {
  name: `${element.localName}#${element.id} “${(element.textContent || element.name || "").trim().slice(0, 40)}”`,
  isBody: element === document.body || element === document.documentElement,
  isMarked: element.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  isShown: box.width > 0 && box.height > 0 && there !== null && (element.contains(there) || there.contains(element)),
};
"""


class Browser:
    """One browser with a profile of its own, so that nobody else's cookies, history or cache are in it."""

    def __init__(self, url: str, profile: Path) -> None:
        self.url = url
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for argument in (
            "--headless=new",
            # Chromium's sandbox refuses to run as root, and a container has no shared memory to speak of.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            # Nothing is asked of anybody but the server under test.
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--lang=en-US",
            f"--user-data-dir={profile}",
            # Passwords that a test types are not looked up in lists of leaked ones.
            "--disable-features=PasswordLeakDetection,Translate,OptimizationHints,MediaRouter",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # What opens a window of its own would stop the test at the next command, which then fails.
        options.unhandled_prompt_behavior = "ignore"
        # It keeps some files beside its profile, in the home of whoever runs it.
        service = Service("/usr/bin/chromedriver", env=os.environ | {"HOME": str(profile)})
        self.driver = Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(SECONDS_TO_LOAD)
        self.driver.set_script_timeout(SECONDS_TO_LOAD)

    def begin(self, *, width: int = WIDE, dark: bool = False, script: bool = True) -> None:
        """Forgets whatever was before: a new tab has no history, and the profile no cookies and no permissions."""
        former = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        fresh = self.driver.current_window_handle
        self.driver.switch_to.window(former)
        self.driver.close()
        self.driver.switch_to.window(fresh)
        self._command("Network.clearBrowserCookies")
        self._command("Network.clearBrowserCache")
        self._command("Browser.resetPermissions")
        # As if the window were the one in front, wherever others are.
        self._command("Emulation.setFocusEmulationEnabled", enabled=True)
        self.set_width(width)
        self.set_dark(dark)
        if not script:
            self._command("Emulation.setScriptExecutionDisabled", value=True)

    def _command(self, command: str, /, **arguments: object) -> dict:
        return self.driver.execute_cdp_cmd(command, arguments)

    def set_width(self, width: int) -> None:
        size = {"width": width, "height": 900 if width == WIDE else 780}
        self._command("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)

    def set_dark(self, dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._command("Emulation.setEmulatedMedia", features=[scheme])

    # Going somewhere

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.url)

    def use_session(self, value: str) -> None:
        """Takes a session that was begun elsewhere."""
        answer = self._command("Network.setCookie", name=COOKIE, value=value, url=self.url, httpOnly=True)
        assert answer["success"]

    def forget_session(self) -> None:
        self._command("Network.clearBrowserCookies")

    @property
    def session(self) -> str | None:
        cookies = self._command("Network.getCookies", urls=[self.url])["cookies"]
        return next((cookie["value"] for cookie in cookies if cookie["name"] == COOKIE), None)

    def sign_in(self, email: str, password: str) -> None:
        self.open("/signin")
        self.type("form#sign-in input[name=email]", email)
        self.type("form#sign-in input[name=password]", password)
        self.press("form#sign-in button")

    # Reading

    def until(self, what: str, condition: Callable[[], Value]) -> Value:
        """Waits until something is so; elements that the page replaces meanwhile are looked for again."""

        def attempt(_: Chrome) -> Value:
            return condition()

        wait = WebDriverWait(self.driver, SECONDS, 0.05, ignored_exceptions=PASSING)
        try:
            return wait.until(attempt)
        except TimeoutException:
            says = self.visible_text[:2000]
            raise AssertionError(f"{what} did not come; the page at {self.path} says: {says}") from None

    @property
    def visible_text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def source(self) -> str:
        return self.driver.page_source

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def has(self, selector: str) -> bool:
        return bool(self.all(selector))

    def find(self, selector: str) -> WebElement:
        """The first element of a selector that is shown, as soon as there is one."""
        return self.until(selector, lambda: next((each for each in self.all(selector) if each.is_displayed()), None))

    def text(self, selector: str) -> str:
        return self.until(selector, lambda: self.find(selector).text)

    def says(self, selector: str, words: str) -> str:
        """Waits until an element says these words, and returns all that it says."""
        return self.until(
            f"“{words}” in {selector}",
            lambda: next((text for each in self.all(selector) if words in (text := each.text)), None),
        )

    def gone(self, selector: str) -> None:
        self.until(f"the end of {selector}", lambda: not self.has(selector))

    def row(self, name: str) -> WebElement:
        return self.until(f"the row of {name[:80]!r}", lambda: self.row_if_there(name))

    def row_if_there(self, name: str) -> WebElement | None:
        # A table shows the beginning of a long name.
        texts = (name, f"{name[:100]}…", f"{name[:60]}…")
        for row in self.all("tr[data-id]"):
            if any(each.get_attribute("textContent") in texts for each in row.find_elements(By.CSS_SELECTOR, "th bdi")):
                return row
        return None

    # Doing

    def press(self, selector: str) -> None:
        self._press(selector, lambda: self.find(selector))

    def press_words(self, words: str, within: str = "body") -> None:
        """Presses the button or link that reads so."""

        def control() -> WebElement | None:
            for each in self.all(f"{within} button, {within} a"):
                if each.is_displayed() and each.text.strip() == words:
                    return each
            return None

        self._press(words, lambda: self.until(f"“{words}”", control))

    def press_in_row(self, name: str, selector: str) -> None:
        self._press(f"{selector} of {name[:80]!r}", lambda: self.row(name).find_element(By.CSS_SELECTOR, selector))

    def _press(self, what: str, control: Callable[[], WebElement]) -> None:
        self.until(what, lambda: control().click() or True)

    def type(self, selector: str, text: str) -> None:
        def fill() -> bool:
            field = self.find(selector)
            field.clear()
            field.send_keys(text)
            return True

        self.until(selector, fill)

    def choose(self, selector: str, value: str) -> None:
        self.until(selector, lambda: Select(self.find(selector)).select_by_value(value) or True)

    def choose_words(self, selector: str, words: str) -> None:
        self.until(selector, lambda: Select(self.find(selector)).select_by_visible_text(words) or True)

    def tick(self, selector: str, *, on: bool = True) -> None:
        """Ticks a box, or takes the tick away, by pressing it."""

        def press() -> bool:
            box = self.find(selector)
            if box.is_selected() != on:
                box.click()
            return self.find(selector).is_selected() == on

        self.until(selector, press)

    def download(self, words: str) -> str:
        """Presses the link that reads so, and returns what the browser has saved."""
        with tempfile.TemporaryDirectory() as folder:
            self._command("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)
            self.press_words(words)
            # Until it is complete, it has another name.
            unfinished = (".crdownload", ".tmp")
            files = self.until(
                "the file", lambda: [each for each in Path(folder).iterdir() if each.suffix not in unfinished]
            )
            return files[0].read_text(encoding="utf-8")

    # The keyboard

    def keys(self, *keys: str) -> None:
        """Presses these keys one after the other, wherever the focus is."""
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()

    def tab(self, *, back: bool = False) -> None:
        actions = ActionChains(self.driver, duration=0)
        if back:
            actions.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
        else:
            actions.send_keys(Keys.TAB).perform()

    def has_focus(self, selector: str) -> bool:
        """Whether the focus is on such an element, or on something in it."""
        return self.run("return document.activeElement.closest(arguments[0]) !== null;", selector)

    def until_focus(self, selector: str) -> None:
        self.until(f"the focus on {selector}", lambda: self.has_focus(selector))

    def focus(self) -> dict:
        """What has the focus, and how it looks."""
        return self.run(FOCUS)

    def tab_to(self, selector: str, *, back: bool = False) -> None:
        """Goes from stop to stop until such an element has the focus, which a person can see at each stop."""
        stops: list[str] = []
        for _ in range(STOPS):
            self.tab(back=back)
            focus = self.focus()
            if not focus["isBody"]:
                stops.append(focus["name"])
                assert focus["isMarked"], f"nobody sees that {focus['name']} has the focus"
                assert focus["isShown"], f"{focus['name']} has the focus, but is hidden"
                if self.run("return document.activeElement.matches(arguments[0]);", selector):
                    return
        raise AssertionError(f"the keyboard does not come to {selector}, only to {list(dict.fromkeys(stops))}")

    # What the tests ask of every page

    def run(self, script: str, *arguments: object) -> object:
        return self.driver.execute_script(script, *arguments)

    def violations(self, within: str = "html") -> list[str]:
        """What axe finds wrong with the page, or with a part of it: nothing, if all is well."""
        if self.run("return !window.axe;"):
            self.run(axe_source())
        result = self.driver.execute_async_script(
            "const [part, rules, done] = arguments;"
            "axe.run(part, { runOnly: rules, resultTypes: ['violations'] }).then(done);",
            within,
            RULES,
        )
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:300]}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth;")

    def complaints(self) -> list[str]:
        """What the browser wrote about scripts that failed, and about what the page's policy forbade."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and entry["source"] in ("javascript", "security", "violation")
        ]

    def screenshot(self, file: Path) -> None:
        """The whole page, also what is below the window; only the window when a dialog covers it."""
        picture = self._command("Page.captureScreenshot", captureBeyondViewport=not self.has("dialog:modal"))
        file.write_bytes(base64.b64decode(picture["data"]))

    def quit(self) -> None:
        self.driver.quit()
