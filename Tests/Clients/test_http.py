"""What every answer keeps: errors, headers, methods, sizes, credentials (design: key service, sections 1, 2 and 5)."""

from __future__ import annotations

import json
import re
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from conftest import Installation, World

UNKNOWN = "01890000-0000-7000-8000-000000000000"
OFFICIAL_ORIGIN = "https://www.braintrust.dev"
PREFLIGHTED = [
    "/v1",
    "/v1/api_key",
    f"/v1/api_key/{UNKNOWN}",
    "/v1/organization",
    f"/v1/organization/{UNKNOWN}",
    "/v1/organization/api_keys",
    "/v1/user",
    f"/v1/user/{UNKNOWN}",
    "/api/apikey/login",
    "/api/self/me",
]


@pytest.fixture
def nobody(world: World):
    """Requests without a credential."""
    with world.server.client(None) as client:
        yield client


# Errors


def error_requests(world: World) -> dict[int, list[httpx.Request]]:
    """Requests by the status that they are answered with."""

    def request(method: str, path: str, key: str | None = world.ada.key, **more) -> httpx.Request:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Request(method, world.url + path, headers=headers, **more)

    return {
        400: [
            request("POST", "/v1/api_key", json={}),
            request("GET", "/v1/api_key/nope"),
            request("GET", "/v1/api_key?limit=x"),
            request("POST", "/v1/api_key", content=b"{"),
        ],
        401: [
            request("GET", "/v1/api_key", None),
            request("GET", "/v1/api_key", "sk-nope"),
            request("POST", "/api/apikey/login", None),
            request("GET", "/ping", "sk-nope"),
        ],
        403: [
            request("GET", f"/v1/api_key/{UNKNOWN}"),
            request("DELETE", f"/v1/api_key/{UNKNOWN}"),
            request("POST", "/v1/api_key", json={"name": "a", "org_name": "nowhere"}),
        ],
        404: [
            request("GET", "/nope"),
            request("GET", "/v1/nope"),
            request("GET", "/v1/api_key/a/b"),
            request("POST", "/nope", None, content=b"{"),
            request("GET", "/docs/api-reference/a/b"),
        ],
        405: [
            request("PUT", "/v1/api_key"),
            request("PATCH", f"/v1/api_key/{UNKNOWN}"),
            request("GET", "/api/self/me"),
        ],
        413: [request("POST", "/v1/api_key", content=b"x" * (2 << 20))],
    }


CODES = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    413: "PayloadTooLargeError",
}


@pytest.mark.parametrize("status", CODES)
def test_error_is_json_of_one_shape(world: World, nobody: httpx.Client, status: int):
    for request in error_requests(world)[status]:
        answer = nobody.send(request)
        assert answer.status_code == status, f"{request.method} {request.url}: {answer.text}"
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        body = answer.json()
        assert [name for name in body if name != "Issues"] == ["Code", "Message", "InternalTraceId", "Path", "Service"]
        assert (body["Code"], body["Service"]) == (CODES[status], "api")
        assert body["Path"] == request.url.path
        assert re.fullmatch("[0-9a-f]{32}", body["InternalTraceId"])
        assert body["InternalTraceId"] == answer.headers["x-bt-internal-trace-id"]
        assert body["Message"]
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("status", CODES)
def test_error_is_text_when_that_is_preferred(world: World, nobody: httpx.Client, status: int):
    """With the same sentence."""
    for request in error_requests(world)[status]:
        body = nobody.send(request).json()
        for accept in ("text/plain", "text/plain, application/json;q=0.5", "text/*", "text/plain;q=0.2, */*;q=0.1"):
            request.headers["Accept"] = accept
            answer = nobody.send(request)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.text == body["Message"]
            assert answer.headers["x-bt-internal-trace-id"]
        for accept in (
            "*/*",
            "application/json",
            "application/*",
            "text/plain;q=0.5, application/json",
            "nonsense",
            "",
        ):
            request.headers["Accept"] = accept
            assert nobody.send(request).headers["content-type"] == "application/json; charset=utf-8"


def test_every_bad_credential_gets_one_text(world: World, ada: httpx.Client):
    revoked = ada.post("/v1/api_key", json={"name": "revoked"}).json()
    ada.delete(f"/v1/api_key/{revoked['id']}")
    credentials = [
        revoked["key"],
        "sk-" + "0" * 48,
        world.ada.key[:-1] + ("a" if world.ada.key[-1] != "a" else "b"),
        world.ada.key[:-1],
        world.ada.key + "a",
        world.ada.key.upper(),
        "x",
        "a.b.c",
        world.ada_token[:-4] + "AAAA",
    ]
    answers = set()
    for credential in credentials:
        with world.server.client(credential) as client:
            answer = client.get("/v1/api_key")
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        answers.add(answer.json()["Message"])
    assert len(answers) == 1


# Traces


def test_trace_of_the_caller_is_taken_on(ada: httpx.Client):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    for path in ("/v1/api_key", "/ping", "/nope", "/v1/api_key/nope", "/"):
        answer = ada.get(path, headers=headers)
        assert answer.headers["x-bt-internal-trace-id"] == trace
        passed_on = answer.headers["traceparent"].split("-")
        assert passed_on[:2] == ["00", trace] and passed_on[2] != "00f067aa0ba902b7" and passed_on[3] == "01"
        if answer.status_code >= 400:
            assert answer.json()["InternalTraceId"] == trace


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "nonsense",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    ],
)
def test_invalid_trace_is_replaced(ada: httpx.Client, traceparent: str):
    traces = {ada.get("/v1", headers={"traceparent": traceparent}).headers["x-bt-internal-trace-id"] for _ in range(2)}
    assert len(traces) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", trace) and trace not in traceparent.lower() for trace in traces)


# Credentials


def test_auth_token_header_wins(world: World, nobody: httpx.Client):
    good, bad = world.ada.key, "sk-nope"

    def status(**headers: str) -> int:
        return nobody.get(
            "/v1/api_key", headers={name.replace("_", "-"): value for name, value in headers.items()}
        ).status_code

    assert status(x_bt_auth_token=good) == 200
    assert status(x_bt_auth_token=good, Authorization=f"Bearer {bad}") == 200
    assert status(x_bt_auth_token=bad, Authorization=f"Bearer {good}") == 401
    assert status(x_bt_auth_token="null", Authorization=f"Bearer {good}") == 200
    assert status(x_bt_auth_token="", Authorization=f"Bearer {good}") == 200
    me = nobody.post("/api/self/me", headers={"x-bt-auth-token": world.bob.key, "Authorization": f"Bearer {good}"})
    assert me.json()["email"] == "bob@example.com"


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_authorization_is_accepted(world: World, nobody: httpx.Client, scheme: str):
    assert nobody.get("/v1/api_key", headers={"Authorization": scheme + world.ada.key}).status_code == 200


@pytest.mark.parametrize(
    "value",
    ["{key}", "Basic {key}", "Token {key}", "Bearer{key}", "Bearer {key} x", "Bearer", "", "null", "Bearer null"],
)
def test_authorization_of_another_form_is_refused(world: World, nobody: httpx.Client, value: str):
    headers = {"Authorization": value.format(key=world.ada.key)}
    assert nobody.get("/v1/api_key", headers=headers).status_code == 401


def test_last_authorization_counts(world: World, nobody: httpx.Client):
    def status(*keys: str) -> int:
        return nobody.get("/v1/api_key", headers=[("Authorization", f"Bearer {key}") for key in keys]).status_code

    assert status("sk-nope", world.ada.key) == 200
    assert status(world.ada.key, "sk-nope") == 401


@pytest.mark.parametrize("parameter", ["api_key", "key", "token", "access_token", "authorization", "x-bt-auth-token"])
def test_key_in_the_address_is_no_credential(world: World, nobody: httpx.Client, parameter: str):
    assert nobody.get("/v1/api_key", params={parameter: world.ada.key}).status_code == 401


def test_no_secret_comes_back_or_is_logged(installation: Installation, serve):
    """Wherever a client mistakenly puts its key; the log is looked through when the server stops."""
    token, key = installation.token("ada@example.com"), installation.ada.key
    server = serve(installation.data, "--log-level", "trace")
    for secret in (key, token):
        with server.client(secret) as client:
            answers = [
                client.get(f"/v1/api_key/{secret}"),
                client.get(f"/{secret}"),
                client.get(f"/v1/{secret}/x"),
                client.get("/v1/api_key", params={secret: secret, "starting_after": secret}),
                client.get("/nope", params={"key": secret}),
                client.put("/v1/api_key", headers={"User-Agent": secret}),
                client.get("/v1/api_key", headers={"User-Agent": secret, "traceparent": secret, "tracestate": secret}),
                client.get("/v1/api_key", headers={"x-bt-org-name": secret, "X-Forwarded-For": secret}),
                client.post("/v1/api_key", json={"name": "a", "org_name": secret}),
                client.post("/v1/api_key", json={"name": "a", secret: 1}),
                client.post("/v1/api_key", content=secret.encode()),
                client.post("/v1/api_key", content=f'{{"{secret}":1,"{secret}":2}}'.encode()),
                client.post("/v1/api_key", json={"name": "a", "org_id": secret}),
                client.get("/v1/api_key", headers={"Authorization": secret}),
                client.get("/v1/api_key", headers={"Authorization": f"Basic {secret}"}),
                client.get(f"/docs/api-reference/{secret}/{secret}.md"),
                client.get("/metrics"),
            ]
        told = [f"{answer.request.method}: {answer.text[:400]}" for answer in answers if secret in answer.text]
        assert not told, "\n".join(told)
        assert all(secret not in value for answer in answers for value in answer.headers.values())


# Methods


def test_head_is_get_without_the_body(world: World, ada: httpx.Client):
    for path in (
        "/v1/api_key",
        f"/v1/api_key/{world.ada.key_id}",
        "/v1",
        "/",
        "/ping",
        "/openapi.json",
        "/healthz",
        "/nope",
    ):
        head, get = ada.head(path), ada.get(path)
        assert head.status_code == get.status_code
        assert head.content == b""
        assert head.headers["content-type"] == get.headers["content-type"]
        assert head.headers["x-bt-internal-trace-id"]


def test_connection_goes_on_after_head(world: World):
    """A body after all, or a wrong length, would break the next answer on the connection."""
    address = urlsplit(world.url)

    def request(method: str, more: str = "") -> bytes:
        head = f"{method} /v1/api_key?limit=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {world.ada.key}\r\n"
        return f"{head}{more}\r\n".encode()

    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request("HEAD") + request("GET", "Connection: close\r\n"))
        received = b""
        while data := connection.recv(65_536):
            received += data
    first, second, body = received.decode().split("\r\n\r\n")
    assert first.startswith("HTTP/1.1 200") and second.startswith("HTTP/1.1 200")
    assert len(json.loads(body)["objects"]) == 1


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("PUT", "/v1/api_key", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("DELETE", "/v1/api_key", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PATCH", f"/v1/api_key/{UNKNOWN}", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("POST", f"/v1/api_key/{UNKNOWN}", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("POST", "/v1/organization/api_keys", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/api/apikey/login", {"POST", "OPTIONS"}),
        ("GET", "/api/self/me", {"POST", "OPTIONS"}),
        ("DELETE", "/v1", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("TRACE", "/v1/api_key", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("PROPFIND", "/v1/api_key", {"GET", "HEAD", "POST", "OPTIONS"}),
    ],
)
def test_wrong_method(nobody: httpx.Client, method: str, path: str, allowed: set[str]):
    """Also without a credential: which methods a path has is no secret."""
    answer = nobody.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed


# Sizes


LIMIT = 1 << 20


def padded(length: int) -> bytes:
    """A good body of that many bytes."""
    body = b'{"name":"padded"}'
    return b" " * (length - len(body)) + body


def in_parts(body: bytes):
    """The same without a length, which is sent in chunks."""
    return (body[at : at + 65_536] for at in range(0, len(body), 65_536))


@pytest.mark.parametrize("form", [lambda body: body, in_parts], ids=["Content-Length", "chunked"])
def test_body_over_the_limit(ada: httpx.Client, form):
    assert ada.post("/v1/api_key", content=form(padded(LIMIT))).status_code == 200
    for length in (LIMIT + 1, 8 * LIMIT):
        answer = ada.post("/v1/api_key", content=form(padded(length)))
        assert answer.status_code == 413
        assert answer.json()["Code"] == "PayloadTooLargeError"
        # The server reads no more of this connection, so the client must not send another request on it.
        assert answer.headers["connection"] == "close"
    assert ada.get("/v1").status_code == 200


def connect(url: str, key: str, head: str) -> socket.socket:
    """A connection on which a creation's head was sent and its body was not."""
    address = urlsplit(url)
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    connection.sendall(
        f"POST /v1/api_key HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{head}\r\n".encode()
    )
    return connection


@pytest.mark.parametrize("expect", ["", "Expect: 100-continue\r\n"])
def test_length_alone_is_refused_before_the_body_comes(world: World, expect: str):
    with connect(world.url, world.ada.key, f"Content-Length: {1 << 40}\r\n{expect}") as connection:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")


def test_client_that_asks_before_it_sends_is_told_to_go_on(world: World):
    """`Expect: 100-continue` (RFC 9110, 10.1.1), which curl sends before a large body."""
    body = b'{"name":"asked first"}'
    with connect(world.url, world.ada.key, f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n") as connection:
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head", ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"], ids=["length", "chunked"]
)
def test_client_that_hangs_up_is_no_error_of_the_server(installation: Installation, serve, head: str):
    """The log, which is looked through when the server stops, has no error then."""
    server = serve(installation.data)
    connect(server.url, installation.ada.key, head).close()
    with server.client(installation.ada.key) as client:
        assert client.get("/v1/api_key").status_code == 200


def test_limit_of_the_body_is_a_setting(installation: Installation, serve):
    server = serve(installation.data, "--max-body-bytes", "2048")
    with server.client(installation.ada.key) as client:
        assert client.post("/v1/api_key", content=padded(2_048)).status_code == 200
        assert client.post("/v1/api_key", content=padded(2_049)).status_code == 413


# Other origins


@pytest.mark.parametrize("path", PREFLIGHTED)
def test_preflight_needs_no_credential(nobody: httpx.Client, path: str):
    answer = nobody.options(
        path,
        headers={
            "Origin": OFFICIAL_ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,x-stainless-os",
        },
    )
    assert answer.status_code == 200 and answer.content == b""
    headers = answer.headers
    assert headers["access-control-allow-origin"] == OFFICIAL_ORIGIN
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-max-age"] == "86400"
    assert "Origin" in headers["vary"]
    assert set(headers["access-control-allow-methods"].split(", ")) >= {"OPTIONS"}
    allowed = {header.strip().lower() for header in headers["access-control-allow-headers"].split(",")}
    assert allowed >= {
        "content-type",
        "authorization",
        "x-bt-auth-token",
        "x-bt-org-name",
        "x-bt-project-id",
        "x-bt-parent",
        "x-bt-stream-fmt",
        "x-bt-use-cache",
        "x-bt-use-gateway",
        "x-api-key",
        "x-amz-date",
        "x-amz-security-token",
        "x-stainless-os",
        "x-stainless-lang",
        "x-stainless-package-version",
        "x-stainless-runtime",
        "x-stainless-runtime-version",
        "x-stainless-arch",
    }


def test_preflight_names_the_methods_of_the_path(nobody: httpx.Client):
    for path, methods in [("/v1/api_key", {"GET", "POST"}), (f"/v1/api_key/{UNKNOWN}", {"GET", "DELETE"})]:
        answer = nobody.options(path, headers={"Origin": OFFICIAL_ORIGIN})
        assert set(answer.headers["access-control-allow-methods"].split(", ")) >= methods


@pytest.mark.parametrize(
    "origin, allowed",
    [
        (OFFICIAL_ORIGIN, True),
        ("https://www.braintrustdata.com", True),
        ("https://a-b.preview.braintrust.dev", True),
        ("https://evil.example", False),
        ("https://www.braintrust.dev.evil.example", False),
        ("null", False),
        ("http://www.braintrust.dev", False),
        ("https://evilpreview.braintrust.dev", False),
        ("https://evil.example/.preview.braintrust.dev", False),
        ("https://evil.example?.preview.braintrust.dev", False),
    ],
)
def test_origins(world: World, ada: httpx.Client, origin: str, allowed: bool):
    """Answers, errors and preflights alike: another origin is told the server's own, which a browser then refuses."""
    for method, path in [("GET", "/v1/api_key"), ("GET", "/nope"), ("OPTIONS", "/v1/api_key")]:
        headers = ada.request(method, path, headers={"Origin": origin}).headers
        assert headers["access-control-allow-origin"] == (origin if allowed else world.url)
        assert "Origin" in headers["vary"]
    exposed = ada.get("/v1/api_key", headers={"Origin": origin}).headers["access-control-expose-headers"]
    assert {"x-bt-cursor", "x-bt-found-existing", "x-bt-query-plan"} <= set(exposed.split(","))


def test_own_origin_is_allowed(world: World, ada: httpx.Client):
    assert ada.get("/v1/api_key", headers={"Origin": world.url}).headers["access-control-allow-origin"] == world.url


# Sign-in and the server itself


def test_login_answer_has_the_recorded_shape(world: World, ada: httpx.Client):
    """Seven members in the order of the recordings, and no body needed, with or without its media type."""
    organization = {
        "id": world.organization["id"],
        "name": "Acme",
        "api_url": world.url,
        "git_metadata": None,
        "is_universal_api": None,
        "proxy_url": world.url,
        "realtime_url": None,
    }
    for request in ({}, {"headers": {"Content-Type": "application/json"}}, {"json": {}}, {"content": b""}):
        answer = ada.post("/api/apikey/login", **request)
        assert answer.status_code == 200
        found = answer.json()["org_info"][0]
        assert list(found) == list(organization)
        assert found | {"is_universal_api": None, "realtime_url": None} == organization


def test_login_by_a_token_lists_all_organizations(world: World):
    with world.server.client(world.carol_token) as client:
        assert {found["name"] for found in client.post("/api/apikey/login").json()["org_info"]} == {"Acme", "Initech"}


def test_me(world: World, ada: httpx.Client):
    me = ada.post("/api/self/me").json()
    assert (me["id"], me["email"], me["given_name"], me["family_name"]) == (
        world.ada.id,
        "ada@example.com",
        "Ada",
        "Lovelace",
    )
    assert me["organizations"] == [{"id": world.organization["id"], "name": "Acme"}]


def test_open_routes(world: World, nobody: httpx.Client):
    assert nobody.get("/v1").text == "Hello, World!"
    assert nobody.get("/v1").headers["content-type"] == "text/plain; charset=utf-8"
    assert nobody.get("/ping").json() == {}
    assert re.fullmatch(r"\d+\.\d+\.\d+", nobody.get("/version").json()["version"])
    assert world.url in nobody.get("/").text
    assert nobody.get("/healthz").json() == {"status": "ok"}
    assert nobody.get("/readyz").json() == {"status": "ready"}
    keys = nobody.get("/.well-known/jwks.json").json()["keys"]
    assert keys and all("d" not in key and key["alg"] == "EdDSA" for key in keys)
    metrics = nobody.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4") and "# TYPE " in metrics.text


# Limits


def test_failed_authentications_of_an_address_are_limited(installation: Installation, serve):
    """Good credentials that are known go on meanwhile."""
    server = serve(installation.data, "--failed-authentication-rate-limit", "1/m burst 5")
    with server.client(installation.ada.key) as good, server.client("sk-nope") as bad:
        assert good.get("/v1/api_key").status_code == 200
        assert [bad.get("/v1/api_key").status_code for _ in range(7)] == [401] * 5 + [429] * 2
        refused = bad.get("/v1/api_key")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert good.get("/v1/api_key").status_code == 200


def test_each_credential_has_a_limit_of_its_own(installation: Installation, serve):
    other = installation.key("ada@example.com")
    server = serve(installation.data, "--rate-limit", "1/m burst 3")
    with server.client(installation.ada.key) as first, server.client(other.key) as second:
        assert [first.get("/v1/api_key").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert second.get("/v1/api_key").status_code == 200
        refused = first.get("/v1/api_key")
        assert refused.json()["Code"] == "TooManyRequestsError"
        assert refused.headers["retry-after"].isdigit()


def test_organization_has_a_limit_across_its_credentials(installation: Installation, serve):
    other = installation.key("ada@example.com")
    server = serve(installation.data, "--organization-rate-limit", "1/m burst 2")
    with server.client(installation.ada.key) as first, server.client(other.key) as second:
        assert [client.get("/v1/api_key").status_code for client in (first, second, first, second)] == [
            200,
            200,
            429,
            429,
        ]


def test_client_address_is_believed_from_a_trusted_proxy_alone(installation: Installation, serve):
    options = ("--failed-authentication-rate-limit", "1/m burst 1")

    def statuses(*more: str) -> list[int]:
        server = serve(installation.data, *options, *more)
        with server.client("sk-nope") as client:
            found = [
                client.get("/v1/api_key", headers={"X-Forwarded-For": f"203.0.113.{last}"}).status_code
                for last in (1, 2, 1)
            ]
        server.stop()
        return found

    assert statuses() == [401, 429, 429]
    assert statuses("--trusted-proxies", "127.0.0.0/8") == [401, 401, 429]
