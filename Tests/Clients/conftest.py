"""Fixtures that run the real server: the binary of WITAN_BINARY, on temporary data, as an operator would."""

from __future__ import annotations

import functools
import json
import os
import queue
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"
BINARY = Path(os.environ.get("WITAN_BINARY", REPOSITORY / ".build/debug/witan")).resolve()
SECONDS_TO_START = 60
SECONDS_TO_STOP = 60

# What a log may never hold: keys, service tokens, JSON Web Tokens, peppers' worth of hexadecimal digits.
SECRETS = re.compile(r"sk-[0-9A-Za-z]{8}|bt-st-[0-9A-Za-z]{8}|eyJ[0-9A-Za-z_-]{8}|[0-9a-f]{64}")


def is_foreign(name: str) -> bool:
    """Whether a variable is a setting of whoever runs the tests, which they must not depend on."""
    return name.startswith(("WITAN_", "BRAINTRUST_", "PG")) or name.lower().endswith("_proxy")


# Those that the clients, psql and the browser would heed; what begins with WITAN_TEST_ is for the tests themselves.
for _name in list(filter(is_foreign, os.environ)):
    if not _name.startswith("WITAN_"):
        del os.environ[_name]


def ending_with_tests(*command: str | Path, signal: str = "KILL") -> list[str | Path]:
    """A command that gets a signal when the tests end, however they do, so that nothing of them is left."""
    return ["setpriv", "--pdeathsig", signal, "--", *command]


def witan(*arguments: str | Path) -> str:
    """Runs a command to its end and returns what it printed."""
    data = arguments[arguments.index("--data") + 1] if "--data" in arguments else None
    result = subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=SECONDS_TO_START, env=environment(data)
    )
    assert result.returncode == 0, f"witan {arguments[0]} failed: {result.stderr}"
    return result.stdout


def environment(data: str | Path | None = None) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests.

    The data is in its folder, or in a schema of its own when WITAN_TEST_ENGINE is PostgreSQL.
    """
    variables = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    if data is not None and os.environ.get("WITAN_TEST_ENGINE") == "PostgreSQL":
        variables["WITAN_DATABASE_URL"] = database_url(str(data))
    return variables


@functools.cache
def database_url(data: str) -> str:
    """The URL of a new schema, which takes the place of the database in a data folder."""
    server = os.environ["WITAN_TEST_DATABASE_URL"]
    schema = f"clients_{uuid.uuid4().hex}"
    subprocess.run(["psql", "--quiet", "--no-psqlrc", "--command", f"CREATE SCHEMA {schema}", server], check=True)
    return f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"


@dataclass(frozen=True)
class Person:
    """Somebody with a key in one organization."""

    email: str
    id: str
    key: str
    key_id: str
    organization_id: str


class Installation:
    """A data folder, filled by the commands while no server runs on it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        founded = json.loads(
            self.run(
                "init",
                "--organization",
                "Acme",
                "--email",
                "ada@example.com",
                "--given-name",
                "Ada",
                "--family-name",
                "Lovelace",
                "--json",
            )
        )
        self.organization = founded["organization"]
        self.ada = self._person(founded["api_key"])

    def run(self, *arguments: str) -> str:
        return witan(*arguments, "--data", self.data)

    def add_organization(self, name: str, owner: str) -> None:
        self.run("organizations", "create", "--name", name, "--owner", owner)

    def add_person(self, email: str, organization: str = "Acme", *options: str) -> None:
        self.run("users", "create", "--email", email, "--organization", organization, *options)

    def key(self, email: str, organization: str = "Acme") -> Person:
        """A new key of that person in that organization."""
        text = self.run(
            "keys", "create", "--name", "key of the tests", "--email", email, "--organization", organization, "--json"
        )
        return self._person(json.loads(text))

    def token(self, email: str) -> str:
        """A JSON Web Token of the server's own, good for an hour."""
        return self.run("users", "token", email).strip()

    def _person(self, key: dict) -> Person:
        return Person(key["user_email"], key["user_id"], key["key"], key["id"], key["org_id"])


def errors_in(log: list[str]) -> list[str]:
    """The lines of a server's log that tell of errors, each with those of the request that met it."""
    lines = [(line, json.loads(line)) for line in log]
    found = []
    for line, members in lines:
        if members["level"] in ("error", "critical"):
            trace = members.get("trace_id")
            found.append(line)
            found += [
                other for other, its in lines if trace is not None and its.get("trace_id") == trace and other != line
            ]
    return found


class Server:
    """A running server; its settings are options, or variables of its environment, as secrets should be."""

    def __init__(self, data: Path, *options: str | Path, **variables: str) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._output: list[str] = []
        self._log: list[str] = []
        self._process = subprocess.Popen(
            ending_with_tests(BINARY, "serve", "--data", data, "--port", "0", "--log-format", "json", *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(data) | variables,
        )
        self._readers = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=lambda: self._log.extend(self._process.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.url = self._wait_for_address()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise

    def _read_output(self) -> None:
        for line in self._process.stdout:
            self._output.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def _wait_for_address(self) -> str:
        while True:
            try:
                line = self._lines.get(timeout=SECONDS_TO_START)
            except queue.Empty:
                pytest.fail(f"the server did not say that it listens within {SECONDS_TO_START} s: {self.log}")
            if line is None:
                self._process.wait()
                self._readers[1].join(SECONDS_TO_STOP)
                pytest.fail(f"the server ended with {self._process.returncode} before it listened: {self.log}")
            if match := re.search(r"listens on (\S+)", line):
                assert match[1].startswith("http://127.0.0.1:"), f"not where it listens: {line}"
                return match[1]

    def wait_for(self, text: str) -> str:
        """What it has printed, once this is in it."""
        while text not in self.output:
            assert self._lines.get(timeout=SECONDS_TO_START) is not None, self.output
        return self.output

    @property
    def output(self) -> str:
        return "".join(self._output)

    @property
    def log(self) -> str:
        return "".join(self._log)

    def stop(self) -> None:
        """Ends the server as an operator does, and checks how it went and that its log kept every secret."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(timeout=SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"the server did not end within {SECONDS_TO_STOP} s of SIGTERM")
        for reader in self._readers:
            reader.join(SECONDS_TO_STOP)
        assert code == 0, f"exit code {code} after SIGTERM: {self.log[-2000:]}"
        errors = errors_in(self._log)
        assert not errors, "the server met errors of its own:\n" + "".join(errors)
        leak = SECRETS.search(self.log)
        assert leak is None, f"the log holds a secret: {self.log[max(0, leak.start() - 200) : leak.start() + 10]}"

    # Requests

    def client(self, credential: str | None, **headers: str) -> httpx.Client:
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)


@dataclass(frozen=True)
class World:
    """The server that the tests share, with its people.

    Ada owns Acme and Bob is an engineer; Eve owns Globex alone; Carol is an engineer of Acme and owns Initech.
    """

    server: Server
    organization: dict
    ada: Person
    bob: Person
    eve: Person
    carol: Person
    carol_token: str
    ada_token: str

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Its limits are off: tests may be as fast as they like, and failed authentications are what some are about."""
    installation = Installation(tmp_path_factory.mktemp("world") / "data")
    installation.add_person("bob@example.com")
    installation.add_organization("Globex", "eve@example.com")
    installation.add_organization("Initech", "carol@example.com")
    installation.add_person("carol@example.com")
    people = {
        "bob": installation.key("bob@example.com"),
        "eve": installation.key("eve@example.com", "Globex"),
        "carol": installation.key("carol@example.com"),
        "carol_token": installation.token("carol@example.com"),
        "ada_token": installation.token("ada@example.com"),
    }
    server = Server(installation.data, "--rate-limit", "off", "--failed-authentication-rate-limit", "off")
    yield World(server, installation.organization, installation.ada, **people)
    server.stop()


@dataclass(frozen=True)
class Team:
    """A server of a test module's own, and the keys of those whom its organization has one of each.

    Ada owns Acme, Ed is an engineer and Vi a viewer; `robot` is the token of a service account among the engineers. Eve
    owns Globex, where Ada is not known.
    """

    server: Server
    organization: dict
    ada: Person
    ed: Person
    vi: Person
    eve: Person
    robot: str
    robot_id: str

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def keys(self) -> dict[str, str]:
        return {"owner": self.ada.key, "engineer": self.ed.key, "viewer": self.vi.key, "service account": self.robot}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Its members, groups, roles and grants are the module's to change, each test's own ones."""
    installation = Installation(tmp_path_factory.mktemp("team") / "data")
    installation.add_person("ed@example.com")
    installation.add_person("vi@example.com", "Acme", "--group", "Viewers")
    installation.add_organization("Globex", "eve@example.com")
    people = {name: installation.key(f"{name}@example.com") for name in ("ed", "vi")}
    people["eve"] = installation.key("eve@example.com", "Globex")
    server = Server(installation.data, "--rate-limit", "off", "--failed-authentication-rate-limit", "off")
    with server.client(installation.ada.key) as ada:
        answer = ada.patch(
            "/v1/organization/members",
            json={
                "invite_users": {
                    "service_accounts": [{"name": "robot", "token_name": "of the tests"}],
                    "group_names": ["Engineers"],
                }
            },
        )
    robot = answer.json()["added_users"][0]
    yield Team(
        server, installation.organization, installation.ada, **people, robot=robot["api_key"], robot_id=robot["id"]
    )
    server.stop()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A data folder of the test's own."""
    return Installation(tmp_path / "data")


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers of the test's own, and stops them after it."""
    with ExitStack() as servers:

        def start(data: Path, *options: str | Path, **variables: str) -> Server:
            server = Server(data, *options, **variables)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def ada(world: World) -> Iterator[httpx.Client]:
    """Requests as Ada, the owner of Acme, by her key."""
    with world.server.client(world.ada.key) as client:
        yield client


@pytest.fixture
def bob(world: World) -> Iterator[httpx.Client]:
    """Requests as Bob, a member of Acme, by his key."""
    with world.server.client(world.bob.key) as client:
        yield client


@pytest.fixture
def eve(world: World) -> Iterator[httpx.Client]:
    """Requests as Eve, whom Acme doesn't know, by her key."""
    with world.server.client(world.eve.key) as client:
        yield client


@pytest.fixture
def name() -> str:
    """A name that no other test gives to a key."""
    return f"key {uuid.uuid4()}"
