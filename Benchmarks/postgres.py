"""Measures Witan on PostgreSQL: creations against pgbench, checks against SQLite, two nodes against one, DELETE's wait.

The server is the one that WITAN_TEST_DATABASE_URL names. `make bench` starts it with PostgreSQL's own settings, so that
it waits for the disk before it answers a commit.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles

URL = os.environ.get("WITAN_TEST_DATABASE_URL")
DELETIONS = 1_000
NODES = 3

# What a creation writes, in one transaction: the key's row and the audit log's. Ids grow as Witan's do.
ID = "lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(gen_random_uuid()::text, 13)"
NOW = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
RANDOM_BYTES = "decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')"
SCRIPT = f"""\
BEGIN;
INSERT INTO api_keys (id, created, name, preview_name, user_id, org_id, digest, pepper_version)
VALUES ({ID}, {NOW}, 'bench', 'sk-**********ABCD', '%(user)s', '%(organization)s', {RANDOM_BYTES}, 1);
INSERT INTO audit_events (chain, position, mac, id, created, event_type, outcome, org_id, actor_id, actor_email,
    authentication, credential_id, object_type, object_id, object_name, client_address, trace_id)
VALUES ('bench', nextval('bench'), {RANDOM_BYTES}, {ID}, {NOW}, 'api_key.created', 'success', '%(organization)s',
    '%(user)s', 'bench@example.com', 'api_key', '%(user)s', 'api_key', {ID}, 'bench', '127.0.0.1',
    replace(gen_random_uuid()::text, '-', ''));
COMMIT;
"""


def psql(url, statement):
    command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", statement, url]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def version():
    return psql(URL, "SHOW server_version") if URL else "not measured"


def database_url(name):
    return re.sub(r"^(postgres(?:ql)?://[^/]*)/[^?]*", rf"\1/{name}", URL)


def make_database(name, template="template0"):
    # Each by itself: databases are not made or dropped within a transaction.
    psql(URL, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    psql(URL, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return database_url(name)


def pgbench(url, script, connections, seconds):
    binary = shutil.which("pgbench") or str(max(Path("/usr/lib/postgresql").glob("*/bin/pgbench")))
    printed = subprocess.run(
        [binary, "--no-vacuum", "--protocol=prepared", f"--client={connections}", "--jobs=2", f"--time={seconds}",
         f"--file={script}", url],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ).stdout
    return float(re.search(r"tps = ([0-9.]+) \(without", printed)[1])


class Postgres:
    """The measurements, as a part of a run of `bench.py`, whose programs and loads it is given."""

    def __init__(self, bench, bench_module):
        self.bench = bench
        self.module = bench_module
        self.folder = bench.scratch / "postgres"

    def serve(self, url, name="postgres"):
        return self.module.Program(
            [self.bench.witan, "serve", "--data", self.folder, "--port", "0", "--rate-limit", "off"],
            self.bench.scratch / f"{name}.log",
            {**os.environ, "WITAN_DATABASE_URL": url},
        )

    def initialize(self):
        url = make_database("bench_small")
        made = subprocess.run(
            [self.bench.witan, "init", "--organization", "Bench", "--email", "bench@example.com", "--json", "--data",
             self.folder],
            check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "WITAN_DATABASE_URL": url},
        ).stdout
        return url, self.module.Installation(self.folder, json.loads(made)["api_key"]["key"])

    def measure(self, small):
        bench, module = self.bench, self.module
        url, installation = self.initialize()
        with self.serve(url) as server:
            api = module.API(server.url, installation.key)
            for _ in range(module.SMALL - 1):
                api.post(module.CREATE.path, name="bench")
        person = psql(url, "SELECT user_id || ' ' || org_id FROM api_keys LIMIT 1").split()
        script = bench.scratch / "creation.sql"
        script.write_text(SCRIPT % {"user": person[0], "organization": person[1]})
        for _ in range(bench.rounds):
            with self.serve(url) as on_postgres, bench.serve(small) as on_sqlite:
                rate = bench.note("POST /api/self/me on SQLite", bench.steady(on_sqlite, module.CHECK, small).rate)
                other = bench.note("POST /api/self/me on PostgreSQL", bench.steady(on_postgres, module.CHECK, installation).rate)
                bench.compare("check on PostgreSQL", other, rate)
            self.creations(installation, script)
            self.nodes(url, installation)
        self.deletions(url, installation)

    def creations(self, installation, script):
        """Creations a second, against pgbench with as many connections; each in a new copy of the database."""
        bench, module = self.bench, self.module
        url = make_database("bench_floor", "bench_small")
        psql(url, "CREATE SEQUENCE bench")
        floor = bench.note("pgbench inserting the rows of a creation", pgbench(url, script, module.CONNECTIONS, bench.seconds))
        url = make_database("bench_creations", "bench_small")
        with self.serve(url) as server:
            before = server.commit_groups()
            rate = bench.note("POST /v1/api_key on PostgreSQL", bench.steady(server, module.CREATE, installation).rate)
            groups, creations = (after - b for after, b in zip(server.commit_groups(), before))
        bench.note("Creations on PostgreSQL that shared a commit", creations / groups)
        bench.compare("create on PostgreSQL", rate, floor)

    def nodes(self, url, installation):
        """Checks by one node, and by two under half the connections each."""
        bench, module = self.bench, self.module
        with self.serve(url) as one:
            alone = bench.note("POST /api/self/me by one node", bench.steady(one, module.CHECK, installation).rate)
        with self.serve(url, "first") as first, self.serve(url, "second") as second:
            rates = {}

            def load(name, server):
                module.put_load(server.url, module.CHECK, 1, installation.key, connections=module.CONNECTIONS // 2)
                rates[name] = module.put_load(
                    server.url, module.CHECK, bench.seconds, installation.key, connections=module.CONNECTIONS // 2
                ).rate

            threads = [threading.Thread(target=load, args=pair) for pair in (("first", first), ("second", second))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            together = bench.note("POST /api/self/me by two nodes together", sum(rates.values()))
        bench.compare("two nodes", together, alone)

    def wait_for_nodes(self, servers):
        """Until each node knows of all, and waits for all."""
        deadline = time.monotonic() + 30
        while any(server.metric("witan_cluster_live_nodes") != len(servers) for server in servers):
            if time.monotonic() > deadline:
                sys.exit("The nodes do not hear of each other.")
            time.sleep(0.1)

    def deletions(self, url, installation):
        """How long DELETE takes with one node and with several, from the client; the difference is its wait."""
        bench, module = self.bench, self.module
        for nodes in (1, NODES):
            with ExitStack() as stack:
                servers = [stack.enter_context(self.serve(url, f"node{number}")) for number in range(nodes)]
                self.wait_for_nodes(servers)
                apis = [module.API(server.url, installation.key) for server in servers]
                times = []
                for number in range(DELETIONS):
                    api = apis[number % nodes]
                    key = api.post(module.CREATE.path, name="to be deleted")["id"]
                    begin = time.monotonic()
                    api.delete(f"{module.CREATE.path}/{key}")
                    times.append((time.monotonic() - begin) * 1_000)
            cuts = quantiles(times, n=100)
            name = "DELETE by one node" if nodes == 1 else f"DELETE by one of {nodes} nodes"
            bench.note(f"{name}: median, ms", cuts[49])
            bench.note(f"{name}: p99, ms", cuts[98])
            bench.note(f"{name}: longest, ms", max(times))
