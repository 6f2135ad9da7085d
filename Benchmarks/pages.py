"""Measures the settings pages in an organization with 100,000 keys: how long each takes, and how much it sends."""

import http.client
import re
import time
from statistics import quantiles
from urllib.parse import urlencode, urlsplit

KEYS = 100_000
REQUESTS = 200
SETTINGS = "/app/~/configuration/org"
PAGES = {
    "API keys": f"{SETTINGS}/api-keys",
    "API keys, by name": f"{SETTINGS}/api-keys?sort=name",
    "API keys, by last use": f"{SETTINGS}/api-keys?sort=used",
    "API keys, a search": f"{SETTINGS}/api-keys?q=no-such-name",
    "Service tokens": f"{SETTINGS}/service-tokens",
    "Members": f"{SETTINGS}/members",
    "Groups": f"{SETTINGS}/groups",
    "Audit log": f"{SETTINGS}/audit-log",
    "General": f"{SETTINGS}/general",
    "Account": "/app/~/configuration/account",
}


class Browser:
    """One connection to a server, as somebody who has signed in by a link."""

    def __init__(self, url, link):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._cookies = {}
        path = link.removeprefix(f"{urlsplit(link).scheme}://{urlsplit(link).netloc}")
        token = re.search(rb'name="form_token" value="([^"]+)"', self.get(path))[1].decode()
        self._send("POST", "/signin/link", urlencode({"form_token": token, "token": path.split("token=")[1]}), 303)

    def get(self, path):
        return self._send("GET", path, None, 200)

    def _send(self, method, path, body, expected):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body is not None:
            headers["Origin"] = f"http://{self._connection.host}:{self._connection.port}"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != expected:
            raise SystemExit(f"{method} {path.split('?')[0]} was answered {response.status}.")
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self._cookies[name] = value
        return text


def measure(bench, module):
    """Fills an organization, and asks for each page again and again, one request after another."""
    installation = bench.initialize("pages")
    with bench.serve(installation) as server:
        while installation.key_count() < KEYS:
            module.put_load(server.url, module.CREATE, 3, installation.key)
    link = module.output(bench.witan, "users", "sign-in-link", "bench@example.com", "--data", installation.folder).strip()
    with bench.serve(installation) as server:
        browser = Browser(server.url, link)
        for name, path in PAGES.items():
            seconds = []
            for _ in range(REQUESTS):
                begin = time.monotonic()
                size = len(browser.get(path))
                seconds.append(time.monotonic() - begin)
            cuts = quantiles(seconds, n=100)
            bench.note(f"Page {name}: median, ms", cuts[49] * 1_000)
            bench.note(f"Page {name}: p99, ms", cuts[98] * 1_000)
            bench.note(f"Page {name}: size, KiB", size / 1_024)
