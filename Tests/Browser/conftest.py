"""Fixtures that show the real server's pages to a real browser."""

from __future__ import annotations

import importlib.util
import itertools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from selenium.common.exceptions import WebDriverException

from browser import COOKIE, Browser


def _clients() -> ModuleType:
    """The module that runs the server for the clients, which has the same name as this one."""
    file = Path(__file__).resolve().parents[1] / "Clients/conftest.py"
    specification = importlib.util.spec_from_file_location("clients_conftest", file)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


clients = _clients()

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"

# People may sign in at it too, so that its button is on the page; nobody here presses it.
PROVIDER = {
    "WITAN_OIDC_ISSUER": "https://accounts.example.com",
    "WITAN_OIDC_CLIENT_ID": "witan",
    "WITAN_OIDC_CLIENT_SECRET": "for-these-tests",
    "WITAN_OIDC_NAME": "Example",
}


class Installation(clients.Installation):
    """A data folder whose people have passwords."""

    def set_password(self, email: str, password: str = PASSWORD) -> None:
        """While no server runs on the folder."""
        result = subprocess.run(
            [clients.BINARY, "users", "set-password", email, "--data", self.data],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            timeout=clients.SECONDS_TO_START,
            env=clients.environment(self.data),
        )
        assert result.returncode == 0, f"the password was not set: {result.stderr}"
        assert password not in result.stdout + result.stderr

    def sign_in_path(self, email: str) -> str:
        """The path of a link that signs in once; beside a running server too."""
        text = self.run("users", "sign-in-link", email)
        match = re.search(r"https?://[^/\s]+(/signin/link\?token=\S+)", text)
        assert match, f"no link: {text}"
        return match[1]


@dataclass
class Visitor:
    """Somebody who sends requests as a browser does, but shows nothing."""

    client: httpx.Client

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.client.get(path, params=parameters or None)

    def form_token(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        match = re.search(r'name="form_token"\s+value="([^"]+)"', answer.text)
        assert match, f"the page {path} has no form"
        return unescape(match[1])

    def post(self, path: str, fields: dict[str, str], *, token: str | None = None) -> httpx.Response:
        if token is not None:
            fields = fields | {"form_token": token}
        return self.client.post(path, data=fields, headers={"Origin": str(self.client.base_url).rstrip("/")})

    @property
    def session(self) -> str | None:
        return self.client.cookies.get(COOKIE)

    @property
    def is_signed_in(self) -> bool:
        answer = self.get("/app/~/configuration/account")
        if answer.status_code == 200:
            return True
        assert answer.is_redirect and answer.headers["location"].startswith("/signin"), answer.text
        return False


@dataclass
class Site:
    """A server and its people.

    Ada owns Acme, Bob is one of its engineers, Carol too, and she owns Initech. Fay, an engineer, ends her sessions.
    """

    installation: Installation
    server: clients.Server
    _visitors: dict[str, Visitor] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url

    def visitor(self, session: str | None = None, **headers: str) -> Visitor:
        """Somebody new, signed in if the session is."""
        cookies = {} if session is None else {COOKIE: session}
        return Visitor(httpx.Client(base_url=self.url, cookies=cookies, headers=headers, timeout=60))

    def new_session(self, email: str, **headers: str) -> Visitor:
        """Somebody who signed in by a link of their own."""
        visitor = self.visitor(**headers)
        path = self.installation.sign_in_path(email)
        token = visitor.form_token(path)
        answer = visitor.post("/signin/link", {"token": path.partition("token=")[2]}, token=token)
        assert answer.is_redirect and visitor.session, answer.text
        return visitor

    def signed_in(self, email: str) -> Visitor:
        """Somebody who is signed in, with a session that the tests share."""
        if email not in self._visitors:
            self._visitors[email] = self.new_session(email)
        return self._visitors[email]


def make_site(folder: Path) -> Site:
    installation = Installation(folder / "data")
    installation.add_person("bob@example.com")
    installation.add_organization("Initech", "carol@example.com")
    installation.add_person("carol@example.com")
    installation.add_person("fay@example.com")
    for person in ("ada", "bob", "carol", "fay"):
        installation.set_password(f"{person}@example.com")
    server = clients.Server(
        installation.data, "--rate-limit", "off", "--failed-authentication-rate-limit", "off", **PROVIDER
    )
    return Site(installation, server)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(tmp_path_factory.mktemp("site"))
    yield site
    site.server.stop()


@pytest.fixture(scope="session")
def idle_browsers() -> Iterator[list[Browser]]:
    """Those that no test uses now; to start one takes longer than many a test."""
    browsers: list[Browser] = []
    yield browsers
    for browser in browsers:
        browser.quit()


@pytest.fixture
def browse(
    site: Site, idle_browsers: list[Browser], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Browser]]:
    """Lends browsers that remember nothing, signed in as somebody or not, and looks at their complaints afterwards."""
    lent: list[Browser] = []

    def start(email: str | None = None, **options: object) -> Browser:
        browser = idle_browsers.pop() if idle_browsers else Browser(site.url, tmp_path_factory.mktemp("profile"))
        lent.append(browser)
        browser.begin(**options)
        if email is not None:
            browser.use_session(site.signed_in(email).session)
        return browser

    yield start
    complaints = []
    for browser in lent:
        try:
            complaints += browser.complaints()
            idle_browsers.append(browser)
        except WebDriverException:
            browser.quit()
            raise
    assert not complaints, f"the browser complains: {complaints}"


@pytest.fixture
def browser(browse: Callable[..., Browser]) -> Browser:
    """A browser in which nobody is signed in."""
    return browse()


@pytest.fixture
def name() -> str:
    """A name that no other test gives to a key."""
    return f"key {next(_numbers)}"
