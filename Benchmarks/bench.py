#!/usr/bin/env python3
"""Measures Witan against what it is built on, and writes docs/performance.md.

    make bench                           everything: ten to fifteen minutes after the builds
    python3 Benchmarks/bench.py --quick  without the million keys: two minutes; only prints the page

PostgreSQL is measured where WITAN_TEST_DATABASE_URL names a server, as `make bench` does.

Every judgement is a ratio of two figures of this run on this machine. The floor for requests is a Hummingbird program
with one route, the floor for creations is SQLite alone, writing the same rows. Floor and candidate take turns, several
rounds of them, and the median of the rounds' ratios counts, so that a machine that gets slower or faster meanwhile
does not favour either.
"""

import argparse
import datetime
import http.client
import json
import os
import platform
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pages
import postgres

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / ".build-bench"
PAGE = ROOT / "docs" / "performance.md"
NOTES = ROOT / "docs" / "performance-notes.md"

CONNECTIONS = 32
PACED_CONNECTIONS = 256
SMALL = 1_000
LARGE = 1_000_000
LONGEST_FILL_SECONDS = 360
PROJECTS = 100
MEMBERS = 100_000
GROUPS = 10_000


# ---- Programs


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout


def require_wrk():
    if shutil.which("wrk"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        sys.exit("wrk is missing; run: sudo apt-get install wrk")
    say("Installing wrk.")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", "wrk"], check=True)


def build(*arguments):
    """Builds a release and returns the folder of what was built."""
    command = ["swift", "build", "-c", "release", *arguments]
    say(f"Building: {' '.join(command)} (minutes when it is the first time)")
    # Standard output is for the page.
    subprocess.run(command, check=True, stdout=sys.stderr, cwd=ROOT)
    return Path(output(*command, "--show-bin-path").strip())


class Program:
    """A server, from its start to its end."""

    def __init__(self, command, log, environment=None):
        begin = time.monotonic()
        with open(log, "wb") as stderr:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment
            )
        patience = threading.Timer(60, self._process.kill)
        patience.start()
        try:
            found = None
            while not found:
                line = self._process.stdout.readline()
                if not line:
                    sys.exit(f"{command[0]} did not get to listen:\n{Path(log).read_text()}")
                found = re.search(r"listens on (http://\S+)", line)
        finally:
            patience.cancel()
        self.seconds_to_ready = time.monotonic() - begin
        self.url = found[1]

    def resident_mebibytes(self):
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def commit_groups(self):
        """How many groups of creations were committed so far, and how many creations they had together."""
        return tuple(self.metric(f"witan_database_commit_group_size_{suffix}") for suffix in ("count", "sum"))

    def metric(self, name):
        """A metric without labels."""
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            return float(re.search(rf"^{name} (\S+)$", response.read().decode(), re.MULTILINE)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()


# ---- Load


@dataclass(frozen=True)
class Workload:
    method: str
    path: str
    body: str | None = None


def title(workload):
    return f"{workload.method} {workload.path}"


FLOOR = Workload("POST", "/")
CHECK = Workload("POST", "/api/self/me")
READ = Workload("GET", "/v1/api_key/{id}")
CREATE = Workload("POST", "/v1/api_key", '{"name":"bench"}')
PROJECT = Workload("GET", "/v1/project/{id}")


@dataclass(frozen=True)
class Load:
    """What came of a load: requests a second, and latencies in milliseconds."""

    rate: float
    requests: int
    p50: float
    p99: float


def put_load(url, workload, seconds, key, ids=None, pause=None, connections=CONNECTIONS):
    options = {"key": key, "body": workload.body, "ids": ids, "pause": pause}
    lines = output(
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(ROOT / "Benchmarks/wrk/request.lua"), url, "--",
        workload.method, workload.path, *(f"{name}={value}" for name, value in options.items() if value is not None),
    )
    result = json.loads(lines.splitlines()[-1])
    if result["errors"] or not result["requests"]:
        sys.exit(f"{workload.method} {workload.path}: {result['errors']} of {result['requests']} requests failed.")
    return Load(result["requests"] / result["seconds"], result["requests"], result["p50_ms"], result["p99_ms"])


@dataclass
class Installation:
    """A data folder of Witan's, its owner's key, and a file with the ids of keys in it."""

    folder: Path
    key: str

    @property
    def ids(self):
        return self.folder / "ids"

    @property
    def database(self):
        return self.folder / "witan.db"

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return Installation(folder, self.key)

    @property
    def projects(self):
        return self.folder / "projects"

    def key_count(self):
        """How many keys there are, also while a server runs."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT COUNT(*) FROM api_keys").fetchone()[0]

    def write_ids(self, most):
        """Chooses keys to read by chance; no server may be running."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro&immutable=1", uri=True)) as connection:
            ids = [row[0] for row in connection.execute("SELECT id FROM api_keys")]
        chosen = random.sample(ids, min(most, len(ids)))
        self.ids.write_text("".join(f"{id}\n" for id in chosen))
        return len(ids)


class API:
    """One connection to a server, as one caller."""

    def __init__(self, url, key):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(self, path):
        return self._send("GET", path)

    def post(self, path, **body):
        return self._send("POST", path, json.dumps(body))

    def delete(self, path):
        return self._send("DELETE", path)

    def _send(self, method, path, body=None):
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            sys.exit(f"{method} {path} was answered {response.status}: {text}")
        return json.loads(text)


# ---- Measurements


@dataclass
class Bench:
    """One run: what is measured, how long, and what came of it."""

    witan: Path
    floors: Path
    scratch: Path
    rounds: int
    seconds: int
    figures: dict[str, list[float]] = field(default_factory=dict)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    sqlite_version: str = ""
    created: int = 0

    def note(self, name, value):
        self.figures.setdefault(name, []).append(value)
        say(f"{name}: {value:,.2f}")
        return value

    def compare(self, name, candidate, floor):
        self.ratios.setdefault(name, []).append(candidate / floor)

    def serve(self, installation):
        return Program(
            [self.witan, "serve", "--data", installation.folder, "--port", "0", "--rate-limit", "off"],
            self.scratch / "witan.log",
        )

    def floor(self):
        return Program([self.floors / "Floor"], self.scratch / "floor.log")

    def fresh(self, installation):
        """A copy that may be filled, in the place of the one before it."""
        folder = self.scratch / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        return installation.copy(folder)

    def initialize(self, name):
        folder = self.scratch / name
        made = output(
            self.witan, "init", "--organization", "Bench", "--email", "bench@example.com", "--json", "--data", folder
        )
        return Installation(folder, json.loads(made)["api_key"]["key"])

    def fill(self, installation, count):
        """Creates keys one after another, so that there are exactly so many."""
        with self.serve(installation) as server:
            connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
            headers = {"Authorization": f"Bearer {installation.key}"}
            for _ in range(count):
                connection.request(CREATE.method, CREATE.path, CREATE.body, headers)
                response = connection.getresponse()
                if response.status != 200:
                    sys.exit(f"A creation was answered {response.status}: {response.read().decode()}")
                response.read()
            connection.close()

    def steady(self, server, workload, installation):
        """The rate of a load, after a moment that does not count."""
        ids = {READ: installation.ids, PROJECT: installation.projects}.get(workload)
        put_load(server.url, workload, 1, installation.key, ids)
        return put_load(server.url, workload, self.seconds, installation.key, ids)

    def against_floors(self, small):
        """Check, read and create against Hummingbird, and create against SQLite as well."""
        self.sqlite_floor("SQLite alone, one creation a commit", small, 1)
        for _ in range(self.rounds):
            fresh = self.fresh(small)
            with self.floor() as server:
                floor = self.note("One route of Hummingbird", self.steady(server, FLOOR, small).rate)
            with self.serve(fresh) as server:
                for name, workload in (("check", CHECK), ("read", READ)):
                    rate = self.note(title(workload), self.steady(server, workload, fresh).rate)
                    self.compare(name, rate, floor)
                before = server.commit_groups()
                rate = self.note(title(CREATE), self.steady(server, CREATE, fresh).rate)
                groups, creations = (after - b for after, b in zip(server.commit_groups(), before))
            self.compare("create", rate, floor)
            group_size = self.note("Creations that shared a commit", creations / groups)
            alone = self.sqlite_floor("SQLite alone, creations in groups of that size", small, round(group_size))
            self.compare("create against SQLite", rate, alone)

    def sqlite_floor(self, name, small, group_size):
        database = shutil.copy(small.database, self.scratch / "floor.db")
        printed = output(self.floors / "SQLiteFloor", database, str(group_size), str(self.seconds))
        self.sqlite_version, rate = printed.split()
        for file in self.scratch.glob("floor.db*"):
            file.unlink()
        return self.note(name, float(rate))

    def at_half_load(self, small):
        """The latencies at half the rate that was reached before, and the floor's at the same rate as the check's."""
        with self.serve(self.fresh(small)) as server, self.floor() as floor:
            checks, creations = (median(self.figures[title(workload)]) / 2 for workload in (CHECK, CREATE))
            self.paced(f"{title(CHECK)}, at half load", server, CHECK, small, checks)
            self.paced("One route of Hummingbird, at that load", floor, FLOOR, small, checks)
            self.paced(f"{title(CREATE)}, at half load", server, CREATE, small, creations)

    def paced(self, name, server, workload, installation, rate):
        """A load of that rate, or a little less: many connections, each of which pauses before every request."""
        # So many that a pause is long and what the answer takes hardly counts.
        pause = f"{PACED_CONNECTIONS / rate * 1_000:.3f}"
        for _ in range(self.rounds):
            load = put_load(
                server.url, workload, self.seconds, installation.key, pause=pause, connections=PACED_CONNECTIONS
            )
            self.note(name, load.rate)
            self.note(f"{name}: p50, ms", load.p50)
            self.note(f"{name}: p99, ms", load.p99)

    def start(self, name, installations):
        for installation in installations:
            with self.serve(installation) as server:
                self.note(name, server.seconds_to_ready * 1_000)

    def rest(self, small):
        with self.serve(small) as server:
            time.sleep(2)
            self.note("Memory at rest, MiB", server.resident_mebibytes())

    def fill_up(self, large):
        """Creates a million keys through the API, and looks at the memory afterwards."""
        begin = time.monotonic()
        with self.serve(large) as server:
            while self.created < LARGE and time.monotonic() - begin < LONGEST_FILL_SECONDS:
                load = put_load(server.url, CREATE, self.next_slice(begin), large.key)
                self.created += load.requests
                say(f"{self.created:,} keys created, {load.rate:,.0f} a second.")
            time.sleep(2)
            self.note("Memory after the creations, MiB", server.resident_mebibytes())

    # ---- Access control

    def person(self, installation, name, *groups):
        """A member with a key; their installation, whose key it is."""
        email = f"{name}@example.com"
        options = [option for group in groups for option in ("--group", group)]
        place = ("--data", installation.folder)
        output(self.witan, "users", "create", "--email", email, "--organization", "Bench", *options, *place)
        key = output(self.witan, "keys", "create", "--name", name, "--email", email, *place).strip()
        return Installation(installation.folder, key)

    def access(self, small):
        """A project read by a viewer, by one grant, and by many through nested groups; then in a large organization."""
        installation = small.copy(self.scratch / "access")
        # Groups of their own, which nothing is granted to yet; without one a person comes into Engineers.
        with self.serve(installation) as server:
            api = API(server.url, installation.key)
            organization = api.get("/v1/organization")["objects"][0]["id"]
            plain = api.post("/v1/group", name="Plain")["id"]
        viewer, single, many = (
            self.person(installation, name, group)
            for name, group in (("viewer", "Viewers"), ("single", "Plain"), ("many", "Plain"))
        )
        with self.serve(installation) as server:
            api = API(server.url, installation.key)
            projects = [api.post("/v1/project", name=f"project {number}")["id"] for number in range(PROJECTS)]
            installation.projects.write_text(f"{projects[0]}\n")
            users = {user["email"]: user["id"] for user in api.get("/v1/user")["objects"]}
            api.post("/v1/acl", object_type="project", object_id=projects[0], permission="read",
                     user_id=users["single@example.com"])
            # Ten groups: in every third a person is, and each of those is in one that is in another; a hundred grants to all.
            groups = []
            for number in range(10):
                below = {"member_groups": [groups[-1]]} if number % 3 else {"member_users": [users["many@example.com"]]}
                groups.append(api.post("/v1/group", name=f"group {number}", **below)["id"])
            for number, project in enumerate(projects):
                api.post("/v1/acl", object_type="project", object_id=project, permission="read",
                         group_id=groups[(number + 2) % 10])
        for _ in range(self.rounds):
            with self.floor() as server:
                floor = self.note("One route of Hummingbird, before the projects", self.steady(server, FLOOR, small).rate)
            with self.serve(installation) as server:
                rates = {}
                for name, caller in (("a viewer", viewer), ("one grant", single), ("100 grants in 10 groups", many)):
                    rates[name] = self.note(f"{title(PROJECT)} by {name}", self.steady(server, PROJECT, caller).rate)
            self.compare("project", rates["a viewer"], floor)
            self.compare("many grants", rates["100 grants in 10 groups"], rates["one grant"])
        self.large_organization(installation, viewer, organization)

    def large_organization(self, installation, viewer, organization):
        crowded = installation.copy(self.scratch / "crowded")
        self.crowd(crowded, organization)
        crowded_viewer = Installation(crowded.folder, viewer.key)
        for _ in range(self.rounds):
            with self.serve(installation) as few, self.serve(crowded) as many:
                few_rate = self.note(f"{title(PROJECT)}, a small organization", self.steady(few, PROJECT, viewer).rate)
                many_rate = self.note(
                    f"{title(PROJECT)}, {MEMBERS:,} members, {GROUPS:,} groups",
                    self.steady(many, PROJECT, crowded_viewer).rate,
                )
                self.compare("large organization", many_rate, few_rate)
        with self.serve(crowded) as server:
            api, seen = API(server.url, crowded.key), API(server.url, viewer.key)
            group = api.get("/v1/group?group_name=crowd%201")["objects"][0]["id"]
            project = crowded.projects.read_text().strip()
            for _ in range(50):
                seen.get(f"/v1/project/{project}")
                begin = time.monotonic()
                grant = api.post("/v1/acl", object_type="organization", object_id=organization, permission="read",
                                 group_id=group)
                self.figures.setdefault(f"A grant to a group of {MEMBERS:,}, ms", []).append(
                    (time.monotonic() - begin) * 1_000
                )
                begin = time.monotonic()
                seen.get(f"/v1/project/{project}")
                self.figures.setdefault("The first check of a member after it, ms", []).append(
                    (time.monotonic() - begin) * 1_000
                )
                api.delete(f"/v1/acl/{grant['id']}")

    def crowd(self, installation, organization):
        """Fills an organization with people and groups; no server may be running."""
        with closing(sqlite3.connect(installation.database)) as connection:
            now = int(time.time() * 1_000_000)
            people = [str(uuid.uuid4()) for _ in range(MEMBERS)]
            groups = [str(uuid.uuid4()) for _ in range(GROUPS)]
            viewer = connection.execute("SELECT id FROM users WHERE email = 'viewer@example.com'").fetchone()[0]
            connection.executemany(
                "INSERT INTO users (id, email, created) VALUES (?, ?, ?)",
                ((person, f"{person}@example.com", now) for person in people),
            )
            connection.executemany(
                "INSERT INTO members (org_id, user_id, created) VALUES (?, ?, ?)",
                ((organization, person, now) for person in people),
            )
            connection.executemany(
                "INSERT INTO groups (id, org_id, created, name) VALUES (?, ?, ?, ?)",
                ((group, organization, now, f"crowd {number}") for number, group in enumerate(groups)),
            )
            # Everybody is in the second group and in one more; the viewer is in the second as well.
            connection.executemany(
                "INSERT INTO group_users (group_id, user_id) VALUES (?, ?)",
                [(groups[1], person) for person in [*people, viewer]]
                + [(groups[2 + number % (GROUPS - 2)], person) for number, person in enumerate(people)],
            )
            connection.commit()

    def next_slice(self, begin):
        """Seconds that the rest takes at the rate so far, at least one and at most twenty."""
        if self.created == 0:
            return 5
        rate = self.created / (time.monotonic() - begin)
        return max(1, min(20, round((LARGE - self.created) / rate)))

    def large_against_small(self, small, large):
        """Every workload with many keys in the database, against the same with few."""
        for _ in range(self.rounds):
            with self.serve(self.fresh(small)) as few, self.serve(large) as many:
                for name, workload in (("check", CHECK), ("read", READ), ("create", CREATE)):
                    few_rate = self.note(f"{title(workload)}, {SMALL:,} keys", self.steady(few, workload, small).rate)
                    many_rate = self.note(f"{title(workload)}, many keys", self.steady(many, workload, large).rate)
                    self.compare(f"{name}, many keys", many_rate, few_rate)


# ---- The page


def judgements(bench):
    """What was asked for, what came out, and whether that is enough."""

    def at_least(what, name, least):
        ratio = median(bench.ratios[name])
        return what, f"{ratio:.2f}", f"at least {least:.2f}", ratio >= least

    def at_most(what, name, most, unit):
        value = median(bench.figures[name])
        return what, f"{value:.1f} {unit}", f"below {most} {unit}", value < most

    rows = [
        at_least("`POST /api/self/me`, the check of a key, of the Hummingbird floor", "check", 0.60),
        at_least("`GET /v1/api_key/{id}`, of the Hummingbird floor", "read", 0.50),
        at_least("`POST /v1/api_key`, durable and audited, of the Hummingbird floor", "create", 0.25),
        at_least("`POST /v1/api_key`, of SQLite alone in groups of the same size", "create against SQLite", 0.60),
        at_least("`GET /v1/project/{id}` by a viewer, of the Hummingbird floor", "project", 0.45),
        at_least("The same by 100 grants in 10 groups three deep, of the same by one grant", "many grants", 1 / 1.1),
        at_least(
            f"The same among {MEMBERS:,} members and {GROUPS:,} groups, of the same in a small organization",
            "large organization",
            0.95,
        ),
    ]
    if bench.created:
        for workload, name in ((CHECK, "check"), (READ, "read"), (CREATE, "create")):
            what = f"`{title(workload)}` with {bench.created:,} keys, of itself with {SMALL:,}"
            rows.append(at_least(what, f"{name}, many keys", 0.85))
    if postgres.URL:
        rows += [
            at_least(
                f"`POST /v1/api_key` on PostgreSQL, of pgbench inserting its rows with {CONNECTIONS} connections",
                "create on PostgreSQL",
                0.70,
            ),
            at_least("`POST /api/self/me` on PostgreSQL, of the same on SQLite", "check on PostgreSQL", 0.95),
            at_least("`POST /api/self/me` by two nodes on two cores, of one node", "two nodes", 1.0),
        ]
    for name in (title(CHECK), title(CREATE)):
        rows.append(at_most(f"`{name}`, p99 at half the greatest load", f"{name}, at half load: p99, ms", 5, "ms"))
    keys_page = f"The page of API keys with {pages.KEYS:,} keys, median"
    rows.append(at_most(keys_page, "Page API keys: median, ms", 50, "ms"))
    largest = max((median(values), name) for name, values in bench.figures.items() if name.endswith("size, KiB"))
    rows.append(at_most("The largest page before compression", largest[1], 60, "KiB"))
    rows.append(at_most("Memory at rest", "Memory at rest, MiB", 60, "MiB"))
    if bench.created:
        rows.append(
            at_most(f"Memory after {bench.created:,} creations", "Memory after the creations, MiB", 150, "MiB")
        )
    rows.append(at_most("From start to ready, empty folder", "Start on an empty folder, ms", 150, "ms"))
    if bench.created:
        rows.append(
            at_most(f"From start to ready, {bench.created:,} keys", "Start with many keys, ms", 150, "ms")
        )
    return rows


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def machine(bench, load_before):
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())[1]) / 1024**2
    return [
        ("Cores", f"{os.cpu_count()} ({processor[1] if processor else platform.machine()})"),
        ("Memory", f"{memory:.0f} GiB"),
        ("System", f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"),
        ("File system", output("findmnt", "--noheadings", "--output=FSTYPE", "--target", bench.scratch).strip()),
        ("SQLite", bench.sqlite_version),
        ("PostgreSQL", postgres.version()),
        ("Swift", re.search(r"Swift version (\S+)", output("swift", "--version"))[1]),
        ("Work under way before the run", f"{load_before:.1f} processes (load average of a minute)"),
    ]


def page(bench, load_before):
    def number(value):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:,.2f}"

    figures = [
        (name, number(median(values)), number(min(values)), number(max(values)), str(len(values)))
        for name, values in bench.figures.items()
    ]
    parts = [
        "# Performance",
        f"`make bench` wrote this page on {datetime.date.today()}; what is said by hand comes from "
        "`docs/performance-notes.md`.",
        table(
            ("What", "Measured", "Wanted", "Result"),
            [(what, value, wanted, "met" if met else "**missed**") for what, value, wanted, met in judgements(bench)],
        ),
        f"""Ratios are of two figures of this one run on this one machine, and the median of {bench.rounds} rounds in \
which both took turns. The server was a release build with its default settings (audit, durable commits, a line in \
the log for each request, written to a file), but for `--rate-limit off`. wrk, one thread with {CONNECTIONS} \
connections, ran on the same cores as the server. Half the greatest load came from {PACED_CONNECTIONS} connections \
that each paused for a random time before every request. The Hummingbird floor is `Benchmarks/Sources/Floor`: one \
route with an answer as long as that of `POST /api/self/me`. The SQLite floor is `Benchmarks/Sources/SQLiteFloor`: \
the rows of a creation, written into a copy of the same database on one thread, without a server. PostgreSQL ran on \
the same cores too, with its own settings (`synchronous_commit = on`); pgbench inserted the two rows of a creation in one \
transaction each, prepared, into a copy of the same database. Of the two nodes each had half the connections.""",
        "## Figures",
        "Requests a second where no unit is given; medians, with the least and the greatest of the rounds.",
        table(("What", "Median", "Least", "Greatest", "Rounds"), figures),
        "## Machine",
        table(("What", "Value"), machine(bench, load_before)),
    ]
    if NOTES.exists():
        parts.append(NOTES.read_text().strip())
    return "\n\n".join(parts) + "\n"


# ---- The run


def run(arguments, scratch):
    require_wrk()
    witan = arguments.witan or build("--product", "witan") / "witan"
    floors = build("--package-path", "Benchmarks", "--scratch-path", str(SCRATCH))
    load_before = os.getloadavg()[0]
    bench = Bench(witan.resolve(), floors, scratch, rounds=3, seconds=3 if arguments.quick else 6)

    if arguments.only == "pages":
        pages.measure(bench, sys.modules[__name__])
        return
    if arguments.only == "postgres":
        small = bench.initialize("small")
        bench.fill(small, SMALL - 1)
        postgres.Postgres(bench, sys.modules[__name__]).measure(small)
        for name, values in bench.ratios.items():
            print(f"{name}: {median(values):.2f} ({min(values):.2f} to {max(values):.2f})")
        return
    bench.start("Start on an empty folder, ms", [Installation(scratch / f"empty-{number}", "") for number in range(5)])
    small = bench.initialize("small")
    bench.fill(small, SMALL - 1)
    bench.rest(small)
    small.write_ids(SMALL)
    bench.against_floors(small)
    bench.at_half_load(small)
    bench.access(small)
    if postgres.URL:
        postgres.Postgres(bench, sys.modules[__name__]).measure(small)
    pages.measure(bench, sys.modules[__name__])
    if not arguments.quick:
        large = bench.initialize("large")
        bench.fill_up(large)
        large.write_ids(10 * SMALL)
        bench.start("Start with many keys, ms", [large] * 5)
        bench.large_against_small(small, large)

    text = page(bench, load_before)
    print(text)
    if not arguments.quick:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
        say(f"Wrote {PAGE.relative_to(ROOT)}.")


def main():
    parser = argparse.ArgumentParser(description="Measure Witan and write docs/performance.md.")
    parser.add_argument("--quick", action="store_true", help="a short run without the million keys; only prints")
    parser.add_argument("--only", choices=["pages", "postgres"], help="measure this part alone; only prints")
    parser.add_argument("--witan", type=Path, metavar="FILE", help="measure this program instead of building one")
    arguments = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    # Beside the build, so that the data lies on the repository's own disk and not in memory.
    with tempfile.TemporaryDirectory(dir=SCRATCH, prefix="data-") as scratch:
        run(arguments, Path(scratch))


if __name__ == "__main__":
    main()
