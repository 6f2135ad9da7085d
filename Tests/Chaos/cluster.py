"""The processes of a run: a PostgreSQL of its own, nodes on it, and the proxies between them.

Every process ends with the one that started it, however that ends. All of them must be started from its main thread,
because Linux ties that to the thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("WITAN_BINARY", REPOSITORY / ".build/debug/witan")).resolve()
SECONDS_TO_START = 60
SECONDS_TO_STOP = 60
SECONDS_TO_ANSWER = 5
SECONDS_BETWEEN_LOOKS = 0.02

# What a log may never hold: keys, service tokens, JSON Web Tokens, peppers' worth of hexadecimal digits.
SECRETS = re.compile(r"sk-[0-9A-Za-z]{8}|bt-st-[0-9A-Za-z]{8}|eyJ[0-9A-Za-z_-]{8}|[0-9a-f]{64}")


class Trouble(Exception):
    """The test could not go on; the sentence says why."""


def environment(**variables: str) -> dict[str, str]:
    """The environment without the settings of whoever runs the test, and with these."""
    foreign = ("WITAN_", "BRAINTRUST_", "PG")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    return kept | variables


def new_folder() -> Path:
    """A folder for an installation, in /tmp whatever TMPDIR says: the path of a socket has at most 107 bytes."""
    return Path(tempfile.mkdtemp(prefix="witan-chaos-", dir="/tmp"))


@contextmanager
def working_folder() -> Iterator[Path]:
    """A new folder, which is removed when all went well, and stays when an error leaves it, named in a note of that."""
    folder = new_folder()
    try:
        yield folder
    except BaseException as error:
        error.add_note(f"Logs and records are in {folder}.")
        raise
    # A process that was killed may still be about to end, and whatever it writes then is nobody's.
    shutil.rmtree(folder, ignore_errors=True)


def program_folder() -> Path:
    """Where PostgreSQL's programs are; Debian does not put them on the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    if not versions:
        raise Trouble("PostgreSQL is missing; run: sudo apt-get install postgresql")
    return max(versions, key=lambda folder: float(folder.parent.name))


def free_port() -> int:
    """A port that nobody uses at the moment; PostgreSQL cannot be told to choose one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def output(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Runs a command to its end and returns what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment() if env is None else env,
    )
    try:
        printed, complaint = await asyncio.wait_for(process.communicate(), SECONDS_TO_START)
    except asyncio.TimeoutError:
        process.kill()
        raise Trouble(f"{Path(command[0]).name} did not end within {SECONDS_TO_START} s") from None
    if process.returncode != 0:
        name = " ".join(str(word) for word in command[:2])
        raise Trouble(f"{name} failed with {process.returncode}: {complaint.decode()[-2000:]}")
    return printed.decode()


async def ended(process: asyncio.subprocess.Process, name: str, seconds: float = SECONDS_TO_STOP) -> int:
    """Waits until a process has ended; kills it when that takes too long."""
    try:
        return await asyncio.wait_for(process.wait(), seconds)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise Trouble(f"{name} did not end within {seconds} s") from None


class Postgres:
    """A PostgreSQL server in a folder of its own, reached by TCP on 127.0.0.1 and by a socket in that folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self._programs = program_folder()
        self._process: asyncio.subprocess.Process | None = None
        self._log = folder / "postgres.log"
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._account = account
        self._as_postgres = (
            ["--reuid", "postgres", "--regid", str(account.pw_gid), "--init-groups"] if account is not None else []
        )

    async def make(self) -> None:
        """Makes the database cluster, as PostgreSQL calls its folder, and starts it."""
        self.folder.mkdir(mode=0o700)
        passwords = self.folder / "password"
        passwords.touch(mode=0o600)
        passwords.write_text(self.password + "\n")
        if self._account is not None:
            for path in (self.folder, passwords):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        data = self.folder / "data"
        await output(
            "setpriv", *self._as_postgres, "--", self._programs / "initdb", "--pgdata", data, "--username", "witan",
            "--auth", "scram-sha-256", "--pwfile", passwords, "--encoding", "UTF8", "--locale", "C.UTF-8",
            "--no-sync", "--no-instructions",
        )  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": 200,
            "synchronous_commit": "on",
            "fsync": "on",
            "track_commit_timestamp": "on",
            "log_line_prefix": "%m [%p] %a ",
            "log_lock_waits": "on",
        }
        with (data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        await self.start()
        await self.query("CREATE DATABASE witan", database="postgres")

    async def start(self) -> None:
        """Starts the server and waits until it takes connections."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "setpriv", *self._as_postgres, "--pdeathsig", "QUIT", "--", self._programs / "postgres",
                "-D", self.folder / "data",
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env=environment(),
            )  # fmt: skip
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            if self._process.returncode is not None or time.monotonic() > deadline:
                raise Trouble(f"PostgreSQL did not start: {self._log.read_text()[-2000:]}")
            probe = await asyncio.create_subprocess_exec(
                self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)
            )
            if await probe.wait() == 0:
                return
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    async def stop(self, mode: str = "fast") -> None:
        """Stops it: `fast` ends the sessions, `immediate` is a crash that leaves recovery to the next start."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode])
        await ended(self._process, "PostgreSQL")

    async def query(self, statement: str, database: str = "witan") -> list[list[str]]:
        """The rows of a statement, as text."""
        printed = await output(
            self._programs / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
            "-h", "127.0.0.1", "-p", str(self.port), "-U", "witan", "-d", database, "-c", statement,
            env=environment(PGPASSWORD=self.password),
        )  # fmt: skip
        return [line.split("\t") for line in printed.splitlines()]

    def url(self, port: int | None = None) -> str:
        """The database's address, through a proxy when a port is given."""
        return f"postgres://witan:{self.password}@127.0.0.1:{port or self.port}/witan?sslmode=disable"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")


class Proxy:
    """A process of `proxy.py` between a node and PostgreSQL."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._process: asyncio.subprocess.Process | None = None
        self.port = 0

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "--",
            sys.executable, Path(__file__).with_name("proxy.py"), "127.0.0.1", str(self._postgres.port),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        line = await asyncio.wait_for(self._process.stdout.readline(), SECONDS_TO_START)
        self.port = int(line)

    async def tell(self, command: str) -> dict:
        """Gives it a command, and returns its counts."""
        self._process.stdin.write(f"{command}\n".encode())
        answer = json.loads(await asyncio.wait_for(self._process.stdout.readline(), SECONDS_TO_START))
        if "error" in answer:
            raise Trouble(answer["error"])
        return answer

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.stdin.close()
            await ended(self._process, "the proxy")


@dataclass(frozen=True)
class LoggedError:
    """A line of a node's log that tells of an error."""

    line: str
    message: str
    time: float
    """By the clock on the wall, in seconds since 1970."""


def errors_in(log: str) -> list[LoggedError]:
    """The lines of a node's log that tell of errors."""
    lines = ((line, json.loads(line)) for line in log.splitlines() if line.startswith("{"))
    return [
        LoggedError(line, members["message"], datetime.fromisoformat(members["time"]).timestamp())
        for line, members in lines
        if members["level"] in ("error", "critical")
    ]


class Node:
    """A `witan serve` process that can be stopped, paused, killed and started anew, each time on another port."""

    def __init__(self, name: str, folder: Path, secrets_file: Path) -> None:
        self.name = name
        self.port = 0
        self.starts = 0
        self._folder = folder
        self._secrets_file = secrets_file
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task | None = None
        self._log = folder / f"{name}.log"

    async def start(self, database_url: str) -> None:
        """Starts it and waits until it says where it listens."""
        self.starts += 1
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                "setpriv", "--pdeathsig", "KILL", "--", BINARY, "serve",
                "--data", self._folder / self.name, "--secrets", self._secrets_file,
                "--host", "127.0.0.1", "--port", "0", "--log-format", "json", "--log-requests", "false",
                "--rate-limit", "off", "--failed-authentication-rate-limit", "off",
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=environment(WITAN_DATABASE_URL=database_url),
            )  # fmt: skip
        try:
            self.port = await asyncio.wait_for(self._listening(), SECONDS_TO_START)
        except asyncio.TimeoutError:
            raise Trouble(f"{self.name} did not say that it listens: {self.log[-2000:]}") from None
        self._drain = asyncio.create_task(self._process.stdout.read())

    async def _listening(self) -> int:
        while line := (await self._process.stdout.readline()).decode():
            if match := re.search(r"listens on http://127\.0\.0\.1:(\d+)", line):
                return int(match[1])
        await self._process.wait()
        raise Trouble(f"{self.name} ended with {self._process.returncode} before it listened: {self.log[-2000:]}")

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def is_ready(self) -> bool:
        """Whether it says that it can serve; it may take some seconds to say so."""
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return line.split()[1:2] == [b"200"]

    async def kill(self) -> None:
        """Ends it as a lost machine does."""
        if self.runs:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Ends it as an operator does.

        Raises:
            Trouble: when it does not end, or not with 0.
        """
        if not self.runs:
            return
        self._process.terminate()
        code = await ended(self._process, self.name)
        if code != 0:
            raise Trouble(f"{self.name} ended with {code} after SIGTERM: {self.log[-2000:]}")

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def errors(self) -> list[LoggedError]:
        """The lines of its log that tell of errors."""
        return errors_in(self.log)

    def unstructured(self) -> list[str]:
        """What it wrote that is no line of its log, such as the last words of a crash."""
        return [line for line in self.log.splitlines() if line and not line.startswith("{")]


class Installation:
    """An organization on a PostgreSQL of its own, and the nodes that serve it."""

    names = ("node 1", "node 2", "node 3")

    def __init__(self, folder: Path) -> None:
        # The account of PostgreSQL must get to its folder below this one.
        folder.chmod(0o711)
        self.folder = folder
        self.postgres = Postgres(folder / "postgres")
        self.secrets_file = folder / "secrets"
        self.owner_key = ""
        self.nodes: list[Node] = []

    async def make(self) -> None:
        await self.postgres.make()
        printed = await self.run(
            "init", "--organization", "Acme", "--email", "ada@example.com",
            "--given-name", "Ada", "--family-name", "Lovelace", "--json",
        )  # fmt: skip
        self.owner_key = json.loads(printed)["api_key"]["key"]

    async def run(self, *arguments: str) -> str:
        """Runs one of the commands on the database."""
        return await output(
            BINARY, *arguments, "--data", self.folder / "command", "--secrets", self.secrets_file,
            env=environment(WITAN_DATABASE_URL=self.postgres.url()),
        )  # fmt: skip

    def make_nodes(self, run: str) -> list[Node]:
        """Nodes for a run, not started yet, with logs of their own."""
        folder = self.folder / run
        folder.mkdir()
        self.nodes = [Node(name, folder, self.secrets_file) for name in self.names]
        return self.nodes

    def leaks(self) -> list[str]:
        """Where the logs hold secrets."""
        found = []
        for path in sorted(self.folder.glob("*/*.log")):
            text = path.read_text(errors="replace")
            if path.parent != self.postgres.folder and (match := SECRETS.search(text)):
                found.append(f"{path.parent.name}, {path.stem} holds a secret: {match[0][:6]}…")
            if self.postgres.password in text:
                found.append(f"{path.parent.name}, {path.stem} holds the database's password")
        return found

    async def end(self) -> None:
        """Ends whatever still runs, without looking how."""
        for node in self.nodes:
            await node.kill()
        await self.postgres.stop("immediate")
