"""How people get to the settings pages of the real server, and how whoever runs it ends that."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import BINARY, SECONDS_TO_START, Installation, Server, environment

PAGE = "/app/~/configuration/org/api-keys"
ACCOUNT = "/app/~/configuration/account"
PASSWORD = "correct horse battery staple"
ON_POSTGRES = os.environ.get("WITAN_TEST_ENGINE") == "PostgreSQL"


def command(data: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BINARY, *arguments, "--data", data],
        input=text,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_START,
        env=environment(data),
    )


def browser(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=30, headers={"Origin": server.url})


def form_token(page: httpx.Response) -> str:
    match = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert match, page.text
    return match[1]


def use_link(client: httpx.Client, link: str) -> httpx.Response:
    path = re.sub(r"^https?://[^/]+", "", link)
    token = form_token(client.get(path))
    return client.post("/signin/link", data={"form_token": token, "token": path.partition("token=")[2]})


def sign_in(client: httpx.Client, email: str, password: str) -> int:
    token = form_token(client.get("/signin"))
    return client.post("/signin", data={"form_token": token, "email": email, "password": password}).status_code


def test_first_start_prints_a_link_that_signs_the_owner_in(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    link = re.search(r"http\S+/signin/link\?token=\S+", server.wait_for("signin/link"))
    assert link and link[0].startswith(f"{server.url}/")
    with browser(server) as client:
        assert use_link(client, link[0]).status_code == 303
        assert client.get(PAGE).status_code == 200
    with browser(server) as other:
        assert other.get(re.sub(r"^https?://[^/]+", "", link[0])).status_code == 200
        assert use_link(other, link[0]).status_code == 401
    server.stop()
    assert "token=" not in server.log
    again = Server(tmp_path / "data")
    assert f"The settings are at {again.url}/app" in again.wait_for("settings")
    again.stop()
    assert "signin" not in again.output


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


def test_link_is_made_beside_a_running_server(installation: Installation) -> None:
    server = Server(installation.data)
    for url in (server.url, f"{server.url}/"):
        link = installation.run("users", "sign-in-link", "ada@example.com", "--url", url).strip()
        assert link.startswith(f"{server.url}/signin/link?token=")
        with browser(server) as client:
            assert use_link(client, link).status_code == 303
            assert client.get(PAGE).status_code == 200
    server.stop()


def test_link_is_for_people_who_are_there(installation: Installation) -> None:
    account = json.loads(installation.run("service-accounts", "create", "robot", "--token", "first", "--json"))
    addresses = re.findall(r"[\w.-]+@service-accounts\.invalid", json.dumps(account))
    for email, sentence in [("nobody@example.com", "witan users list"), (addresses[0], "service account")]:
        for arguments in (["sign-in-link", email], ["set-password", email], ["sessions", email]):
            result = command(installation.data, "users", *arguments, text=f"{PASSWORD}\n")
            if arguments[0] == "sessions" and email != "nobody@example.com":
                continue
            assert result.returncode != 0 and sentence in result.stderr, result
            assert result.stdout == ""


def test_password_is_read_from_standard_input_and_ends_sessions(installation: Installation) -> None:
    for text, sentence in [("short\n", "at least 12 characters"), ("", "standard input"), ("x" * 2_000, "at most")]:
        result = command(installation.data, "users", "set-password", "ada@example.com", text=text)
        assert result.returncode != 0 and sentence in result.stderr, result
    link = installation.run("users", "sign-in-link", "ada@example.com").strip()
    server = Server(installation.data)
    with browser(server) as client:
        use_link(client, link)
        kept = dict(client.cookies)
    server.stop()
    result = command(installation.data, "users", "set-password", "ada@example.com", text=f"{PASSWORD}\n")
    assert result.returncode == 0 and PASSWORD not in result.stdout + result.stderr
    server = Server(installation.data)
    with httpx.Client(base_url=server.url, cookies=kept) as client:
        assert client.get(PAGE).status_code == 303
    with browser(server) as client:
        assert sign_in(client, "ada@example.com", "wrong horse battery staple") == 401
        assert sign_in(client, "ada@example.com", PASSWORD) == 303
        assert client.get(PAGE).status_code == 200
    server.stop()


def test_sessions_are_listed_and_ended(installation: Installation) -> None:
    server = Server(installation.data)
    kept = []
    for _ in range(3):
        with browser(server) as client:
            use_link(client, installation.run("users", "sign-in-link", "ada@example.com").strip())
            kept.append(dict(client.cookies))
    sessions = json.loads(installation.run("users", "sessions", "ada@example.com", "--json"))["objects"]
    assert [session["method"] for session in sessions] == ["link"] * 3
    assert all(session["client_address"] == "127.0.0.1" for session in sessions)
    server.stop()
    installation.run("users", "sessions", "ada@example.com", "--end", sessions[0]["id"])
    assert command(installation.data, "users", "sessions", "ada@example.com", "--end", "x").returncode != 0
    server = Server(installation.data)
    pages = [httpx.get(f"{server.url}{PAGE}", cookies=cookies).status_code for cookies in kept]
    assert sorted(pages) == [200, 200, 303]
    server.stop()
    installation.run("users", "sessions", "ada@example.com", "--end-all")
    server = Server(installation.data)
    assert {httpx.get(f"{server.url}{PAGE}", cookies=cookies).status_code for cookies in kept} == {303}
    server.stop()


@pytest.mark.skipif(not ON_POSTGRES, reason="several servers share a database on PostgreSQL alone")
def test_session_that_ends_on_one_node_has_ended_on_every_other(installation: Installation) -> None:
    nodes = [Server(installation.data) for _ in range(3)]
    link = installation.run("users", "sign-in-link", "ada@example.com").strip()
    with browser(nodes[0]) as client:
        use_link(client, link)
        kept = dict(client.cookies)
        for node in nodes:
            assert httpx.get(f"{node.url}{PAGE}", cookies=kept).status_code == 200
        token = form_token(client.get(PAGE))
        assert client.post("/signout", data={"form_token": token}).status_code == 303
        for node in nodes:
            assert httpx.get(f"{node.url}{PAGE}", cookies=kept).status_code == 303
    with browser(nodes[1]) as client:
        page = client.get(re.sub(r"^https?://[^/]+", "", link))
        again = client.post(
            "/signin/link", data={"form_token": form_token(page), "token": link.partition("token=")[2]}
        )
        assert again.status_code == 401
    for node in nodes:
        node.stop()


def account_form(client: httpx.Client, **fields: str) -> int:
    token = form_token(client.get(ACCOUNT))
    return client.post(ACCOUNT, data={"form_token": token, **fields}).status_code


def end_one(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    """The newest one: the one that was begun last."""
    ids = re.findall(r'name="end" value="([0-9a-f-]{36})"', client.get(ACCOUNT).text)
    assert account_form(client, end=ids[0]) == 303


def end_others(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    assert account_form(client, end="others") == 303


def end_all_by_command(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    installation.run("users", "sessions", "bob@example.com", "--end-all")


def set_password_on_page(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    assert account_form(client, set_password="1", new_password=PASSWORD) == 303


def set_password_by_command(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    result = command(installation.data, "users", "set-password", "bob@example.com", text=f"{PASSWORD}\n")
    assert result.returncode == 0, result


def remove_member(installation: Installation, nodes: list[Server], client: httpx.Client) -> None:
    with nodes[0].client(installation.ada.key) as ada:
        answer = ada.patch("/v1/organization/members", json={"remove_users": {"emails": ["bob@example.com"]}})
    assert answer.status_code == 200, answer.text


@pytest.mark.skipif(not ON_POSTGRES, reason="several servers share a database on PostgreSQL alone")
@pytest.mark.parametrize(
    ("end", "keeps_own", "ends_links"),
    [
        (end_one, True, False),
        (end_others, True, True),
        (end_all_by_command, False, True),
        (set_password_on_page, True, True),
        (set_password_by_command, False, True),
        (remove_member, False, True),
    ],
)
def test_sessions_end_on_every_node_before_it_is_answered(
    installation: Installation,
    serve: Callable[..., Server],
    end: Callable[[Installation, list[Server], httpx.Client], None],
    keeps_own: bool,
    ends_links: bool,
) -> None:
    installation.add_person("bob@example.com")
    # Whoever is removed from one organization can still sign in, and is not let in by what was there before.
    installation.add_organization("Globex", "eve@example.com")
    installation.add_person("bob@example.com", "Globex")
    nodes = [serve(installation.data) for _ in range(3)]
    link = ["users", "sign-in-link", "bob@example.com"]
    with browser(nodes[0]) as own, browser(nodes[1]) as other:
        for client in (own, other):
            assert use_link(client, installation.run(*link).strip()).status_code == 303
        cookies = {"own": dict(own.cookies), "other": dict(other.cookies)}
        unused = installation.run(*link).strip()

        def pages(session: str) -> set[int]:
            return {httpx.get(f"{node.url}{PAGE}", cookies=cookies[session]).status_code for node in nodes}

        # Every node knows both from memory when they end.
        assert pages("own") == pages("other") == {200}
        end(installation, nodes, own)
        assert pages("other") == {303}
        assert pages("own") == ({200} if keeps_own else {303})
    with browser(nodes[2]) as late:
        assert use_link(late, unused).status_code == (401 if ends_links else 303)
    with browser(nodes[2]) as new:
        assert use_link(new, installation.run(*link).strip()).status_code == 303
