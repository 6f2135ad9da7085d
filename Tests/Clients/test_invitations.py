"""Invitations by mail: a real conversation with a mail server, aiosmtpd, which each test starts."""

from __future__ import annotations

import asyncio
import base64
import email.policy
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from conftest import BINARY, Installation, Server, environment

SENDER = "Witan <witan@example.org>"
USERNAME, PASSWORD = "mail user", "pass/word: %?@"
CREDENTIALS = "mail%20user:pass%2Fword%3A%20%25%3F%40@"


@dataclass
class Delivery:
    """A mail as it arrived."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    was_encrypted: bool
    was_authenticated: bool


@dataclass
class MailServer:
    """A mail server in this process, and what it got."""

    deliveries: list[Delivery] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[str, str]] = field(default_factory=list)
    lets_in: bool = True
    login_answer: str | None = None
    port: int = 0

    # What aiosmtpd calls

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.refused.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        encrypted = session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None
        self.deliveries.append(
            Delivery(envelope.mail_from, envelope.rcpt_tos, message, encrypted, bool(session.authenticated))
        )
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        login = (data.login.decode(), data.password.decode())
        self.logins.append(login)
        if self.lets_in:
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message=self.login_answer)

    @property
    def recipients(self) -> list[str]:
        return [recipient for delivery in self.deliveries for recipient in delivery.recipients]


@pytest.fixture
def start_mail() -> Iterator[Callable[..., MailServer]]:
    """Starts mail servers, which end with the test; `tls` is for TLS from the first byte, the rest is aiosmtpd's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listeners = []

    def start(tls: ssl.SSLContext | None = None, **options: object) -> MailServer:
        mail = MailServer()

        async def listen() -> asyncio.Server:
            options.setdefault("authenticator", mail.authenticate)
            return await loop.create_server(
                lambda: SMTP(mail, hostname="mail.example.org", loop=loop, **options), "127.0.0.1", 0, ssl=tls
            )

        listener = asyncio.run_coroutine_threadsafe(listen(), loop).result(timeout=30)
        listeners.append(listener)
        mail.port = listener.sockets[0].getsockname()[1]
        return mail

    yield start

    async def end() -> None:
        for listener in listeners:
            listener.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(end(), loop).result(timeout=30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@dataclass(frozen=True)
class Authority:
    """Who signs the mail servers' certificates."""

    context: ssl.SSLContext
    roots: Path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One of the tests' own, with a certificate for this machine by its name and its address."""
    signer = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signer.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    roots = tmp_path_factory.mktemp("authority") / "roots.pem"
    signer.cert_pem.write_to_path(str(roots))
    return Authority(context, roots)


@pytest.fixture
def serve_with(installation: Installation, serve) -> Callable[..., Server]:
    """Starts the server with a mail server's URL, which may hold a password, in its environment."""

    def start(url: str, *options: str | Path) -> Server:
        return serve(installation.data, "--smtp-from", SENDER, "--log-level", "trace", *options, WITAN_SMTP_URL=url)

    return start


@pytest.fixture
def invite(installation: Installation):
    """Invites people as Ada, and asks for mail unless told otherwise; gives `send_email_error`."""

    def send(server: Server, *emails: str, **members: object) -> str | None:
        invited = {"emails": emails, "send_invite_emails": True} | members
        with server.client(installation.ada.key) as ada:
            answer = ada.patch("/v1/organization/members", json={"invite_users": invited})
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == "success" and answer.json()["added_users"] is None
        return answer.json()["send_email_error"]

    return send


def members(server: Server, installation: Installation) -> set[str]:
    with server.client(installation.ada.key) as ada:
        return {user["email"] for user in ada.get("/v1/user").json()["objects"]}


def keeps_the_password(server: Server, *texts: str | None) -> None:
    """Neither the log nor a text has it, in any form in which it is sent or written."""
    forms = [
        PASSWORD,
        CREDENTIALS.rpartition(":")[2].removesuffix("@"),
        base64.b64encode(PASSWORD.encode()).decode(),
        base64.b64encode(f"\0{USERNAME}\0{PASSWORD}".encode()).decode(),
    ]
    for text in [server.log, server.output, *texts]:
        assert not any(form in (text or "") for form in forms), text


# What arrives


def test_mail_goes_to_those_who_were_added(installation: Installation, serve_with, start_mail, invite):
    """Once: not to who is a member already, not again, and not to a service account."""
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    assert invite(server, "bob@example.com", "Carol@Example.com", "ada@example.com", "bob@example.com") is None
    assert mail.recipients == ["bob@example.com", "carol@example.com"]
    assert invite(server, "bob@example.com", "dan@example.com") is None
    assert mail.recipients[2:] == ["dan@example.com"]
    assert invite(server, "bob@example.com") is None
    assert len(mail.deliveries) == 3 and members(server, installation) == {
        "ada@example.com",
        "bob@example.com",
        "carol@example.com",
        "dan@example.com",
    }


def test_mail_tells_who_invites_whereto(serve_with, start_mail, invite):
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none", "--public-url", "https://witan.example.org")
    assert invite(server, "bob@example.com", group_names=["Viewers"]) is None
    [delivery] = mail.deliveries
    assert (delivery.sender, delivery.recipients) == ("witan@example.org", ["bob@example.com"])
    message = delivery.message
    assert not message.defects
    assert str(message["From"]).replace('"', "") == SENDER and message["To"] == "bob@example.com"
    assert message["Subject"] == "ada@example.com invited you to Acme"
    assert message["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[^@\s]+@example\.org>", message["Message-ID"])
    assert parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert (message.get_content_type(), message.get_content_charset()) == ("text/plain", "utf-8")
    text = message.get_content()
    assert all(part in text for part in ("ada@example.com", "Acme", "https://witan.example.org"))
    assert "sk-" not in text and "token=" not in text


def test_each_mail_has_an_id_of_its_own(serve_with, start_mail, invite):
    mail = start_mail()
    invite(serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none"), *(f"{number}@example.com" for number in range(20)))
    assert len({delivery.message["Message-ID"] for delivery in mail.deliveries}) == 20
    assert all(len(delivery.recipients) == 1 for delivery in mail.deliveries)


def test_name_of_the_organization_becomes_no_header(installation: Installation, serve_with, start_mail, invite):
    """It may be any text; its line breaks are blanks, and its letters arrive."""
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    name = "Ünited 🗝\r\nBcc: evil@example.com\r\n\r\n.\r\nQUIT"
    with server.client(installation.ada.key) as ada:
        assert ada.patch(f"/v1/organization/{installation.organization['id']}", json={"name": name}).status_code == 200
    assert invite(server, "bob@example.com") is None
    [delivery] = mail.deliveries
    assert delivery.recipients == ["bob@example.com"] and delivery.message["Bcc"] is None
    assert delivery.message["Subject"] == f"ada@example.com invited you to {' '.join(name.split())}"
    assert "Ünited 🗝" in delivery.message.get_content() and not delivery.message.defects


@pytest.mark.parametrize("asked", [{"send_invite_emails": value} for value in (False, None)] + [{}], ids=str)
def test_no_mail_unless_it_is_asked_for(installation: Installation, serve_with, start_mail, asked: dict):
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    with server.client(installation.ada.key) as ada:
        answer = ada.patch("/v1/organization/members", json={"invite_users": {"emails": ["bob@example.com"]} | asked})
    assert answer.json()["send_email_error"] is None and mail.deliveries == []
    assert "bob@example.com" in members(server, installation)


def test_service_account_gets_no_mail(installation: Installation, serve_with, start_mail):
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    invited = {"service_accounts": [{"name": "ci", "token_name": "ci"}], "send_invite_emails": True}
    with server.client(installation.ada.key) as ada:
        answer = ada.patch("/v1/organization/members", json={"invite_users": invited})
    assert answer.json()["send_email_error"] is None and answer.json()["added_users"] and mail.deliveries == []


def test_refused_invitation_sends_nothing(installation: Installation, serve_with, start_mail):
    """What is not done is not told of."""
    installation.add_person("bob@example.com")
    bob = installation.key("bob@example.com")
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    for key, emails in [(bob.key, ["eve@example.com"]), (installation.ada.key, ["eve@example.com", "nobody"])]:
        with server.client(key) as client:
            invited = {"emails": emails, "send_invite_emails": True}
            answer = client.patch("/v1/organization/members", json={"invite_users": invited})
        assert answer.status_code in (400, 403)
    assert mail.deliveries == [] and "eve@example.com" not in members(server, installation)


# By TLS and with a password


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_password_and_mail_go_by_tls(serve_with, start_mail, invite, authority: Authority, scheme: str, host: str):
    """By STARTTLS or TLS from the first byte; the authority is the one that the setting names."""
    if scheme == "smtp":
        mail = start_mail(tls_context=authority.context, require_starttls=True, auth_required=True)
    else:
        mail = start_mail(tls=authority.context, auth_require_tls=False)
    url = f"{scheme}://{CREDENTIALS}{host}:{mail.port}"
    server = serve_with(url, "--smtp-trust-roots", authority.roots)
    error = invite(server, "bob@example.com")
    assert error is None and mail.logins == [(USERNAME, PASSWORD)]
    [delivery] = mail.deliveries
    assert delivery.was_encrypted and delivery.was_authenticated
    keeps_the_password(server)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_server_that_nobody_vouches_for_gets_neither(serve_with, start_mail, invite, authority: Authority, scheme: str):
    if scheme == "smtp":
        mail = start_mail(tls_context=authority.context, require_starttls=True)
    else:
        mail = start_mail(tls=authority.context, auth_require_tls=False)
    server = serve_with(f"{scheme}://{CREDENTIALS}localhost:{mail.port}")
    error = invite(server, "bob@example.com")
    assert f"localhost:{mail.port}" in error and mail.logins == [] and mail.deliveries == []
    keeps_the_password(server, error)


# What goes wrong


def test_refused_recipient_is_told_and_the_others_get_theirs(
    installation: Installation, serve_with, start_mail, invite
):
    mail = start_mail()
    mail.refused["bob@example.com"] = "550 5.1.1 No such mailbox"
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    error = invite(server, "bob@example.com", "carol@example.com", "dan@example.com")
    assert error.startswith("1 of 3 mails were not sent; the first: ") and "550 5.1.1 No such mailbox" in error
    assert mail.recipients == ["carol@example.com", "dan@example.com"]
    assert {"bob@example.com", "carol@example.com", "dan@example.com"} <= members(server, installation)


def test_server_that_is_away_is_told(installation: Installation, serve_with, invite):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = serve_with(f"smtp://{CREDENTIALS}127.0.0.1:{port}")
    error = invite(server, "bob@example.com")
    assert f"127.0.0.1:{port}" in error and "could not be reached" in error
    assert "bob@example.com" in members(server, installation)
    keeps_the_password(server, error)


@pytest.mark.parametrize(
    "greeting", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"554 5.3.2 Not today\r\n", b"220 " + b"x" * 100_000, b""]
)
def test_server_that_says_something_else_is_told(serve_with, invite, greeting: bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        error = invite(serve_with(f"smtp://{CREDENTIALS}127.0.0.1:{port}"), "bob@example.com")
        thread.join()
    assert f"127.0.0.1:{port}" in error and len(error) < 1_000


@pytest.mark.parametrize(
    "answer",
    [
        None,
        f"535 5.7.8 {PASSWORD} is wrong",
        f"535 5.7.8 {base64.b64encode(PASSWORD.encode()).decode()} is wrong",
        "535 5.7.8 " + base64.b64encode(f"\0{USERNAME}\0{PASSWORD}".encode()).decode(),
    ],
    ids=["plain", "repeats the password", "repeats its Base64", "repeats the command"],
)
def test_wrong_password_is_told_without_it(
    installation: Installation, serve_with, start_mail, invite, authority: Authority, answer: str | None
):
    """Also by a server that repeats what it was sent."""
    mail = start_mail(tls_context=authority.context, require_starttls=True, auth_required=True)
    mail.lets_in, mail.login_answer = False, answer
    server = serve_with(f"smtp://{CREDENTIALS}localhost:{mail.port}", "--smtp-trust-roots", authority.roots)
    error = invite(server, "bob@example.com")
    assert (USERNAME, PASSWORD) in mail.logins
    assert "535" in error and "user name and password" in error and mail.deliveries == []
    assert "bob@example.com" in members(server, installation)
    keeps_the_password(server, error)


def test_without_a_mail_server_it_says_so(installation: Installation, serve, invite):
    server = serve(installation.data)
    error = invite(server, "bob@example.com")
    assert "smtp-url" in error or "mail server" in error
    assert "bob@example.com" in members(server, installation)
    assert invite(server, "bob@example.com") is None


@pytest.mark.parametrize(
    "url, options",
    [
        (f"smtp://{CREDENTIALS}mail.example.com?tls=none", ["--smtp-from", SENDER]),
        (f"smtp://{CREDENTIALS}mail.example.com", []),
        (f"http://{CREDENTIALS}mail.example.com", ["--smtp-from", SENDER]),
        (f"smtp://{CREDENTIALS}mail.example.com:x", ["--smtp-from", SENDER]),
        (f"smtp://{CREDENTIALS}mail.example.com", ["--smtp-from", "nobody"]),
        (f"smtp://{CREDENTIALS}mail.example.com", ["--smtp-from", SENDER, "--smtp-trust-roots", "/nowhere.pem"]),
    ],
    ids=["password without TLS", "no sender", "no SMTP", "no port", "wrong sender", "no authorities"],
)
def test_settings_that_cannot_be_right_stop_the_start(installation: Installation, url: str, options: list[str]):
    """With a sentence that names the setting, and does not show the password in the URL."""
    result = subprocess.run(
        [BINARY, "serve", "--data", installation.data, "--port", "0", *options],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment() | {"WITAN_SMTP_URL": url},
    )
    assert result.returncode != 0
    told = result.stdout + result.stderr
    assert "smtp" in told or "mail server" in told
    assert PASSWORD not in told and CREDENTIALS.rpartition(":")[2] not in told and "listens on" not in told


def test_invitee_acts_by_a_key_that_was_made_for_them(installation: Installation, serve_with, start_mail, invite):
    """The mail is not what makes a member: an invited person is one as soon as they have a credential."""
    mail = start_mail()
    server = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    invite(server, "bob@example.com", group_names=["Engineers"])
    server.stop()
    bob = installation.key("bob@example.com")
    again = serve_with(f"smtp://127.0.0.1:{mail.port}?tls=none")
    with again.client(bob.key) as client:
        assert client.post("/v1/project", json={"name": "Bob's"}).status_code == 200
