"""What docs/operating.md hands to operators: the image, the compose file, the systemd unit, nginx before nodes."""

from __future__ import annotations

import ipaddress
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
import yaml
from dockerfile_parse import DockerfileParser

import conftest
from conftest import (
    BINARY, REPOSITORY, SECONDS_TO_START, SECONDS_TO_STOP, Installation, Server, World, ending_with_tests,
)  # fmt: skip

DEPLOY = REPOSITORY / "deploy"
FORGED = "203.0.113.7"
CLIENT = "127.0.0.2"


def run(*command: str | Path, code: int | None = 0, **more) -> str:
    """Runs a command to its end, checks its exit code, and returns what it printed and complained of."""
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_TO_START, **more
    )
    assert code is None or result.returncode == code, f"{shlex.join(map(str, command))}: {result.stdout}"
    return result.stdout


def assert_knows_variables(names: set[str]) -> None:
    """The binary's help names each of them, so none is misspelt."""
    help = conftest.witan("serve", "--help")
    assert not {name for name in names if name not in help}


# nginx


def requests_from(address: str, url: str, key: str, **options) -> httpx.Client:
    """Requests from one of this machine's addresses."""
    return httpx.Client(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        transport=httpx.HTTPTransport(local_address=address, **options),
        timeout=30,
    )


class Nginx:
    """A running nginx with the example's configuration, but for its addresses."""

    def __init__(self, folder: Path, *nodes: str, replacing: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder / "nginx.log"
        site = (DEPLOY / "nginx.conf").read_text()
        names = re.findall(r"server (\S+:8000) ", site)
        assert len(names) == len(nodes)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        site = site.replace("listen 8080;", f"listen 127.0.0.1:{self.port};")
        for name, node in zip(names, nodes, strict=True):
            site = site.replace(f"server {name} ", f"server {node.removeprefix('http://')} ")
        for old, new in (replacing or {}).items():
            assert old in site
            site = site.replace(old, new.format(port=self.port))
        (folder / "site.conf").write_text(site)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        main = f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off;
            pid {folder}/nginx.pid;
            events {{}}
            http {{
                access_log off;
                {" ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)}
                include {folder}/site.conf;
            }}
        """
        (folder / "nginx.conf").write_text(textwrap.dedent(main))
        binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        assert binary, "nginx is missing: run `make test`, which installs it"
        self._command = [binary, "-c", folder / "nginx.conf", "-e", "stderr"]
        checked = run(*self._command, "-t")
        assert "[warn]" not in checked, checked
        with self.log.open("wb") as log:
            # Its workers end with it, but not when it is killed.
            self._process = subprocess.Popen(ending_with_tests(*self._command, signal="TERM"), stderr=log)
        try:
            wait_until(self._listens)
        except BaseException:
            self._process.kill()
            raise

    def _listens(self) -> bool:
        assert self._process.poll() is None, f"nginx did not start: {self.log.read_text()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def client(self, key: str, scheme: str = "http", **options) -> httpx.Client:
        return requests_from(CLIENT, f"{scheme}://127.0.0.1:{self.port}", key, **options)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(SECONDS_TO_STOP)


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[..., Nginx]]:
    """Starts an nginx of the test's own, and stops it after it."""
    numbers = itertools.count()
    with ExitStack() as running:

        def start(*nodes: str, **options) -> Nginx:
            folder = tmp_path / f"nginx-{next(numbers)}"
            folder.mkdir()
            nginx = Nginx(folder, *nodes, **options)
            running.callback(nginx.stop)
            return nginx

        yield start


@pytest.fixture
def gone() -> Iterator[str]:
    """The address of a node that is not there: a port that nobody listens on, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def key_address(client: httpx.Client, **headers: str) -> str:
    """From where the audit log says that a new key was made."""
    made = client.post("/v1/api_key", json={"name": f"key {uuid.uuid4()}"}, headers=headers)
    assert made.status_code == 200, made.text
    found = client.get("/v1/organization/audit_logs", params={"object_id": made.json()["id"]})
    [row] = found.json()["objects"]
    return row["client_address"]


def test_nginx_brings_requests_to_the_nodes(installation: Installation, serve, nginx):
    server = serve(installation.data, "--max-body-bytes", "100000")
    with nginx(server.url, server.url).client(installation.ada.key) as client:
        made = client.post("/v1/api_key", json={"name": "through nginx"})
        assert made.status_code == 200
        assert client.get(f"/v1/api_key/{made.json()['id']}").json()["name"] == "through nginx"
        # The node refuses in words that clients know, and so nginx must let such a body pass.
        refused = client.post("/v1/api_key", content=b" " * 200_000)
        assert (refused.status_code, refused.json()["Code"]) == (413, "PayloadTooLargeError")
        # A node's metrics are its own, and nobody's who comes through nginx.
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").json() == {"status": "ready"}


def test_nginx_passes_over_a_node_that_is_gone(installation: Installation, serve, nginx, gone: str):
    server = serve(installation.data)
    with nginx(server.url, gone).client(installation.ada.key) as client:
        for _ in range(20):
            assert client.get("/v1/api_key").status_code == 200
            assert client.post("/v1/api_key", json={"name": f"key {uuid.uuid4()}"}).status_code == 200


def test_clients_address_comes_from_a_trusted_nginx_alone(installation: Installation, serve, nginx):
    server = serve(installation.data, "--trusted-proxies", "127.0.0.1")
    proxy = nginx(server.url, server.url)
    with proxy.client(installation.ada.key) as client:
        assert key_address(client) == CLIENT
        assert key_address(client, **{"X-Forwarded-For": FORGED}) == CLIENT
        assert key_address(client, **{"X-Forwarded-For": f"{FORGED}, 127.0.0.1"}) == CLIENT
    # Who goes past nginx is no proxy.
    with requests_from(CLIENT, server.url, installation.ada.key) as client:
        assert key_address(client, **{"X-Forwarded-For": FORGED}) == CLIENT


def test_clients_address_is_not_taken_from_an_nginx_that_nobody_trusts(installation: Installation, serve, nginx):
    server = serve(installation.data)
    with nginx(server.url, server.url).client(installation.ada.key) as client:
        assert key_address(client, **{"X-Forwarded-For": FORGED}) == "127.0.0.1"


def test_nginx_ends_tls_as_its_comments_say(installation: Installation, serve, nginx, tmp_path: Path):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "witan.pem")
    server = serve(installation.data, "--trusted-proxies", "127.0.0.1")
    lines = {
        "listen 127.0.0.1:": "#listen 127.0.0.1:",
        "#listen 443 ssl;": "listen 127.0.0.1:{port} ssl;",
        "#ssl_certificate /etc/ssl/witan.pem;": f"ssl_certificate {tmp_path}/witan.pem;",
        "#ssl_certificate_key /etc/ssl/private/witan.key;": f"ssl_certificate_key {tmp_path}/witan.pem;",
        "#ssl_protocols ": "ssl_protocols ",
    }
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    verified = ssl.create_default_context(cafile=tmp_path / "authority.pem")
    proxy = nginx(server.url, server.url, replacing=lines)
    with proxy.client(installation.ada.key, scheme="https", verify=verified) as client:
        assert key_address(client, **{"X-Forwarded-For": FORGED}) == CLIENT


# Whether a server can serve


def test_health_says_whether_a_server_can_serve(installation: Installation, serve, gone: str):
    server = serve(installation.data)
    assert run(BINARY, "health", "--url", server.url) == f"The server at {server.url} can serve.\n"
    assert "does not answer" in run(BINARY, "health", "--url", f"http://{gone}", code=1)


def test_every_metric_is_explained(world: World):
    with world.server.client(None) as client:
        shown = set(re.findall(r"^# TYPE (\S+) ", client.get("/metrics").text, flags=re.MULTILINE))
    explained = set(re.findall(r"`((?:witan|process)_[a-z_]+)`", (REPOSITORY / "docs/operating.md").read_text()))
    assert shown == explained


# systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with the binary where it is."""
    text = (DEPLOY / "witan.service").read_text()
    assert "/usr/local/bin/witan" in text
    path = tmp_path / "witan.service"
    path.write_text(text.replace("/usr/local/bin/witan", str(BINARY)))
    return path


def test_systemd_accepts_the_unit(unit: Path):
    assert run("systemd-analyze", "verify", unit) == ""


def test_unit_is_exposed_little(unit: Path):
    """The scale is systemd's own, where 100 is a service without any hardening."""
    run("systemd-analyze", "security", "--offline=true", "--threshold=15", unit)


def unit_values(unit: Path, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), flags=re.MULTILINE)


def system_calls(group: str) -> set[str]:
    """The system calls of a group, and of those within it."""
    lines = (line.strip() for line in run("systemd-analyze", "syscall-filter", group).splitlines()[1:])
    names = {line for line in lines if line and not line.startswith("#")}
    return {call for name in names for call in (system_calls(name) if name.startswith("@") else {name})}


# Runs a command under a filter like the one that systemd makes of SystemCallFilter, RestrictAddressFamilies and
# MemoryDenyWriteExecute.
CONFINED = """
import errno, mmap, os, socket, sys

import pyseccomp as seccomp

allowed, families, command = sys.argv[1].split(","), sys.argv[2].split(","), sys.argv[3:]
rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
for call in set(allowed) - {"socket", "mmap", "mprotect"}:
    # Some names are other architectures'.
    if seccomp.resolve_syscall(seccomp.system_arch(), call) != -1:
        rules.add_rule(seccomp.ALLOW, call)
for family in families:
    rules.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, int(getattr(socket, family))))
rules.add_rule(seccomp.ALLOW, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, mmap.PROT_EXEC, 0))
for protection in (0, mmap.PROT_EXEC, mmap.PROT_WRITE):
    both = mmap.PROT_EXEC | mmap.PROT_WRITE
    rules.add_rule(seccomp.ALLOW, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, protection))
rules.load()
os.execv(command[0], command)
"""


def test_server_needs_nothing_that_the_unit_denies(
    unit: Path, installation: Installation, serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A server runs under the unit's own filter of system calls, address families and memory."""
    allowed, denied = unit_values(unit, "SystemCallFilter")
    calls = system_calls(allowed)
    for group in denied.removeprefix("~").split():
        calls -= system_calls(group)
    assert len(calls) > 200
    [families] = unit_values(unit, "RestrictAddressFamilies")
    (tmp_path / "confined.py").write_text(CONFINED)
    wrapper = tmp_path / "witan"
    options = [",".join(sorted(calls)), ",".join(families.split()), str(BINARY)]
    wrapper.write_text(
        f'#!/bin/sh\nexec {shlex.join([sys.executable, str(tmp_path / "confined.py"), *options])} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setattr(conftest, "BINARY", wrapper)
    server: Server = serve(installation.data)
    with server.client(installation.ada.key) as client:
        made = client.post("/v1/api_key", json={"name": "confined"})
        assert made.status_code == 200
        assert client.delete(f"/v1/api_key/{made.json()['id']}").status_code == 200
        assert "process_cpu_seconds_total" in client.get("/metrics").text
    # The filter is there at all.
    status = Path(f"/proc/{server._process.pid}/status").read_text()
    assert re.search(r"^Seccomp:\s+2$", status, flags=re.MULTILINE)


def test_settings_file_is_one_that_the_server_takes(installation: Installation):
    assert "ok      configuration" in installation.run("doctor", "--config", str(DEPLOY / "witan.yaml"))


# The image


@pytest.fixture(scope="module")
def instructions(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    parser = DockerfileParser(path=str(tmp_path_factory.mktemp("image") / "Dockerfile"))
    parser.content = (REPOSITORY / "Dockerfile").read_text()
    return [step for step in parser.structure if step["instruction"] != "COMMENT"]


def values(instructions: list[dict], name: str) -> list[str]:
    return [step["value"] for step in instructions if step["instruction"] == name]


def test_nothing_is_to_be_said_against_the_dockerfile():
    hadolint = Path(sys.executable).with_name("hadolint")
    assert run(hadolint, "--failure-threshold", "style", REPOSITORY / "Dockerfile") == ""


def test_image_copies_what_is_there(instructions: list[dict]):
    stages = re.findall(r" AS (\S+)", " ".join(values(instructions, "FROM")))
    ignored = (REPOSITORY / ".dockerignore").read_text().split()
    assert values(instructions, "COPY")
    for copy in values(instructions, "COPY"):
        words = copy.split()
        if words[0].startswith("--from="):
            assert words[0].removeprefix("--from=") in stages
            continue
        for source in words[:-1]:
            assert list(REPOSITORY.glob(source)), f"there is no {source}"
            assert any(kept.startswith("!") and Path(kept[1:]).match(source) for kept in ignored)


def test_image_runs_commands_that_the_binary_has(instructions: list[dict]):
    [entrypoint] = values(instructions, "ENTRYPOINT")
    [command] = values(instructions, "CMD")
    [health] = [re.search(r"CMD (.*)", text)[1] for text in values(instructions, "HEALTHCHECK")]
    program = yaml.safe_load(entrypoint)
    for words in (program + yaml.safe_load(command), yaml.safe_load(health)):
        assert words[0] == "witan"
        run(BINARY, *words[1:], "--help")
    variables = dict(pair.split("=", 1) for pair in shlex.split(" ".join(values(instructions, "ENV"))))
    assert_knows_variables(set(variables))


def test_image_runs_as_nobody_in_particular(instructions: list[dict]):
    assert values(instructions, "FROM")[-1] == "debian:bookworm-slim"
    user, group = values(instructions, "USER")[-1].split(":")
    assert int(user) > 0 and int(group) > 0
    assert f"--uid {user} " in values(instructions, "RUN")[-1]


def test_image_has_the_libraries_that_the_binary_links_to(instructions: list[dict]):
    """Those of Swift are in the binary; some others are in the image it begins with, because dpkg and apt need them."""
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", BINARY))
    assert len(needed) > 3
    bundled = run("swift", "-print-target-info")
    toolchain = Path(yaml.safe_load(bundled)["paths"]["runtimeLibraryPaths"][0])
    packages = {library: package(library) for library in needed if not (toolchain / library).exists()}
    present = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g"}
    installed = set(values(instructions, "RUN")[-1].split())
    assert {name for name in packages.values() if name not in installed | present} == set()
    assert "libpq5" in packages.values()


def package(library: str) -> str:
    """The Debian package that a shared library belongs to."""
    found = run("dpkg-query", "--search", f"*/{library}")
    return found.split(":")[0]


# The compose file


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(compose_config(DATABASE_PASSWORD="a-password"))


def compose_config(code: int | None = 0, **variables: str) -> str:
    """The file as Docker Compose understands it, which needs no engine: its plugin, or the older program."""
    plugin = shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True)
    command = ["docker", "compose"] if plugin and plugin.returncode == 0 else ["docker-compose"]
    environment = conftest.environment() | variables
    return run(*command, "--file", REPOSITORY / "compose.yaml", "config", code=code, env=environment)


def nodes(compose: dict) -> dict[str, dict]:
    return {name: service for name, service in compose["services"].items() if name.startswith("node-")}


def test_compose_file_is_understood_and_wants_a_password(compose: dict):
    assert set(compose["services"]) == {"database", "migrate", "node-1", "node-2", "proxy"}
    assert "DATABASE_PASSWORD" in compose_config(code=None)


def test_every_container_has_as_little_as_it_needs(compose: dict):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("user", "") != "root" and not service.get("privileged"), name


def test_nodes_are_alike_and_know_the_proxy(compose: dict):
    first, second = nodes(compose).values()
    address = compose["services"]["proxy"]["networks"]["witan"]["ipv4_address"]
    assert first["environment"] == second["environment"]
    assert first["environment"]["WITAN_TRUSTED_PROXIES"] == address
    assert first["image"] == second["image"] == compose["services"]["migrate"]["image"]
    assert_knows_variables(set(first["environment"]))
    for node in (first, second):
        assert [secret["source"] for secret in node["secrets"]] == ["witan"]
        assert node["environment"]["WITAN_SECRETS"] == "/run/secrets/witan"
    run(BINARY, *compose["services"]["migrate"]["command"], "--help")


def test_no_container_gets_an_address_that_another_must_have(compose: dict):
    [pool] = compose["networks"]["witan"]["ipam"]["config"]
    subnet, others = ipaddress.ip_network(pool["subnet"]), ipaddress.ip_network(pool["ip_range"])
    networks = [service["networks"]["witan"] or {} for service in compose["services"].values()]
    fixed = [ipaddress.ip_address(network["ipv4_address"]) for network in networks if "ipv4_address" in network]
    assert len(fixed) == len(set(fixed)) == 3
    assert others.subnet_of(subnet) and all(address in subnet and address not in others for address in fixed)


def test_nginx_in_the_compose_file_finds_the_nodes(compose: dict):
    proxy = compose["services"]["proxy"]
    site = (DEPLOY / "nginx.conf").read_text()
    assert set(re.findall(r"server (\S+):8000 ", site)) == set(nodes(compose)) == set(proxy["depends_on"])
    [listening] = re.findall(r"^\s*listen (\d+);", site, flags=re.MULTILINE)
    assert f":{listening}" in str(proxy["ports"]) or listening in str(proxy["ports"])
    assert str(DEPLOY / "nginx.conf") in str(proxy["volumes"])


def make_secrets(folder: Path) -> Path:
    """Does what the head of the compose file tells to do before the first start."""
    head = (REPOSITORY / "compose.yaml").read_text().split("\nx-hardened")[0]
    recipe = re.search(r"\((umask.*?)\)\n#   sudo", head, flags=re.DOTALL)[1].replace("\n#", "\n")
    run("bash", "-euc", recipe, cwd=folder)
    return folder


def test_secrets_that_the_compose_file_tells_to_make_can_be_used(tmp_path: Path):
    make_secrets(tmp_path)
    assert (tmp_path / "witan.secrets").stat().st_mode & 0o077 == 0
    assert re.fullmatch(r"DATABASE_PASSWORD=[0-9a-f]{48}\n", (tmp_path / ".env").read_text())
    made = conftest.witan(
        "init", "--organization", "Acme", "--email", "ada@example.com", "--data", tmp_path / "data", "--secrets",
        tmp_path / "witan.secrets",
    )  # fmt: skip
    assert "sk-" in made and not (tmp_path / "data" / "secrets").exists()


# PostgreSQL


class Database:
    """A database of the test's own, on the PostgreSQL that the tests run beside."""

    def __init__(self) -> None:
        assert "WITAN_TEST_DATABASE_URL" in os.environ, "run this with Tests/Support/with-postgres, as `make test` does"
        self.name = f"witan_{uuid.uuid4().hex[:12]}"

    @property
    def url(self) -> str:
        return self.url_of(self.name)

    def url_of(self, name: str, user: str = "postgres") -> str:
        server = os.environ["WITAN_TEST_DATABASE_URL"]
        return server.replace(":///postgres?", f":///{name}?").replace("user=postgres", f"user={user}")

    def psql(self, script: str, database: str = "postgres") -> str:
        command = ("psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", self.url_of(database))
        return run(*command, input=script)


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database()
    database.psql(f"CREATE DATABASE {database.name}")
    yield database
    database.psql(f"DROP DATABASE {database.name} WITH (FORCE)")


@dataclass
class Cluster:
    """An organization with a key in a PostgreSQL database, and the folder with the secrets of its nodes."""

    url: str
    data: Path

    def __post_init__(self) -> None:
        made = self.run("init", "--organization", "Acme", "--email", "ada@example.com", "--json")
        self.key: str = json.loads(made)["api_key"]["key"]

    def run(self, *arguments: str) -> str:
        return conftest.witan(*arguments, "--data", self.data, "--database-url", self.url)


def status(server: Server, key: str) -> int:
    """How a server answers the check of a key."""
    with server.client(key) as client:
        return client.post("/api/self/me").status_code


def serve_on(port: int, serve: Callable[..., Server], data: Path, **variables: str) -> Server:
    """A server on a port that one has just left, and that a stranger's connection may have got meanwhile."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            return serve(data, "--port", str(port), **variables)
        except pytest.fail.Exception as failure:
            if "another process listens there" not in str(failure) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def test_nodes_behind_nginx_are_replaced_one_after_another(database: Database, serve, nginx, tmp_path: Path):
    """No request fails meanwhile, and a key that was deleted through one node is refused by the other."""
    cluster = Cluster(database.url, tmp_path / "data")
    first, second = (serve(cluster.data, WITAN_DATABASE_URL=cluster.url) for _ in range(2))
    port = urlsplit(first.url).port
    proxy = nginx(first.url, second.url)
    with proxy.client(cluster.key) as client:
        made = [client.post("/v1/api_key", json={"name": f"key {number}"}).json() for number in range(4)]
        for key in made:
            assert [status(server, key["key"]) for server in (first, second)] == [200, 200]
            deleted = client.delete(f"/v1/api_key/{key['id']}")
            assert deleted.status_code == 200
            assert [status(server, key["key"]) for server in (first, second)] == [401, 401]

        answers: list[int] = []
        is_over = threading.Event()

        def ask() -> None:
            with proxy.client(cluster.key) as client:
                while not is_over.is_set():
                    answers.append(client.get("/v1/api_key").status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            first.stop()
            replacement = serve_on(port, serve, cluster.data, WITAN_DATABASE_URL=cluster.url)
            answered = 'witan_http_requests_total{route="/v1/api_key"'
            wait_until(lambda: answered in httpx.get(f"{replacement.url}/metrics").text)
            second.stop()
            assert client.get("/v1/api_key").status_code == 200
        finally:
            is_over.set()
            asking.join()
        assert len(answers) > 10 and set(answers) == {200}
        assert urlsplit(replacement.url).port == port


@pytest.mark.parametrize("listens", [True, False], ids=["with a direct URL", "without one"])
def test_nodes_work_behind_pgbouncer(database: Database, pgbouncer: str, serve, tmp_path: Path, listens: bool):
    """In transaction mode, where neither prepared statements nor notifications come through."""
    cluster = Cluster(database.url, tmp_path / "data")
    settings = {"WITAN_DATABASE_URL": pgbouncer, "WITAN_DATABASE_POOLER": "transaction"}
    if listens:
        settings["WITAN_DATABASE_DIRECT_URL"] = database.url
    first, second = (serve(cluster.data, **settings) for _ in range(2))
    with first.client(cluster.key) as client:
        for number in range(10):
            made = client.post("/v1/api_key", json={"name": f"key {number}"}).json()
            assert [status(server, made["key"]) for server in (first, second)] == [200, 200]
            assert client.delete(f"/v1/api_key/{made['id']}").status_code == 200
            assert [status(server, made["key"]) for server in (first, second)] == [401, 401]


@pytest.fixture
def pgbouncer(database: Database) -> Iterator[str]:
    """A pgbouncer before the test's database, with the settings of the documentation; its URL."""
    with tempfile.TemporaryDirectory(prefix="witan-pgbouncer-", dir="/tmp") as name:
        folder = Path(name)
        server = re.search(r"host=([^&]+)", database.url)[1]
        [settings] = code_of_the_documentation("Behind pgbouncer", "ini")
        settings = settings.replace("witan = host=db.example.com", f"{database.name} = host={server} user=postgres")
        more = {"unix_socket_dir": folder, "listen_port": 6432, "auth_type": "any", "logfile": folder / "log"}
        (folder / "pgbouncer.ini").write_text(settings + "".join(f"{key} = {more[key]}\n" for key in more))
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user)
        command = [shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin"), folder / "pgbouncer.ini"]
        process = subprocess.Popen(
            ending_with_tests(*command),
            user=user,
            group=user,
            extra_groups=[] if user else None,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until((folder / ".s.PGSQL.6432").exists)
            yield f"postgres:///{database.name}?host={folder}&port=6432&user=postgres"
        finally:
            process.terminate()
            process.wait(SECONDS_TO_STOP)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def code_of_the_documentation(section: str, language: str) -> list[str]:
    text = (REPOSITORY / "docs/operating.md").read_text().split(f"### {section}\n")[1].split("\n### ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def test_roles_of_the_documentation_can_do_what_they_must_and_no_more(serve, tmp_path: Path):
    """The owner migrates; a node's role serves, and cannot change a table."""
    database = Database()
    owner, node = f"{database.name}_owner", f"{database.name}_node"

    def renamed(script: str) -> str:
        script = script.replace("witan_node", node)
        script = re.sub(r"(DATABASE|connect) witan\b", rf"\1 {database.name}", script)
        return re.sub(r"(ROLE|OWNER) witan\b", rf"\1 {owner}", script)

    try:
        for script in code_of_the_documentation("Database and role", "sql"):
            database.psql(renamed(script))
        data = tmp_path / "data"
        data.mkdir()
        (make_secrets(tmp_path) / "witan.secrets").rename(data / "secrets")
        conftest.witan("migrate", "--data", data, "--database-url", database.url_of(database.name, owner))
        cluster = Cluster(database.url_of(database.name, node), data)
        server = serve(data, WITAN_DATABASE_URL=cluster.url)
        with server.client(cluster.key) as client:
            made = client.post("/v1/api_key", json={"name": "by the lesser role"})
            assert made.status_code == 200
            assert client.delete(f"/v1/api_key/{made.json()['id']}").status_code == 200
        server.stop()
        refused = run("psql", cluster.url, "-c", "DROP TABLE api_keys", code=1)
        assert "must be owner" in refused
    finally:
        database.psql(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE); DROP ROLE IF EXISTS {owner}, {node}")


def test_dump_is_restored_and_its_keys_work(database: Database, serve, tmp_path: Path):
    cluster = Cluster(database.url, tmp_path / "data")
    server = serve(cluster.data, WITAN_DATABASE_URL=cluster.url)
    with server.client(cluster.key) as client:
        kept = client.post("/v1/api_key", json={"name": "kept"}).json()["key"]
        dump = tmp_path / "witan.dump"
        run("pg_dump", "--format=custom", f"--file={dump}", cluster.url)
    server.stop()
    database.psql(f"DROP DATABASE {database.name} WITH (FORCE); CREATE DATABASE {database.name} TEMPLATE template0")
    run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={cluster.url}", dump)
    assert "FAILED" not in cluster.run("doctor")
    cluster.run("audit", "verify")
    restored = serve(cluster.data, WITAN_DATABASE_URL=cluster.url)
    assert status(restored, kept) == 200
