"""JSON Web Tokens of an outside issuer (design: key service, section 4; RFC 8725)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from conftest import Installation, Server

ISSUER, AUDIENCE = "https://issuer.example.com/", "witan"
KEYS = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
STRANGERS = {
    "RS256": rsa.generate_private_key(65_537, 2_048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def key_set() -> dict:
    """The issuer's public keys, and a shared secret that nobody may use."""
    keys = [
        jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
        | {"kid": f"the {name} key", "use": "sig"}
        for name, key in KEYS.items()
    ]
    return {"keys": [*keys, {"kty": "oct", "kid": "shared", "k": base64url(b"secret" * 8)}]}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes: object) -> dict:
    """Good claims with changes; a claim that is changed to None is left out."""
    now = int(time.time())
    all_claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada|1",
        "email": "ada@example.com",
        "iat": now,
        "nbf": now,
        "exp": now + 600,
    } | changes
    return {name: value for name, value in all_claims.items() if value is not None}


def sign(payload: dict, algorithm: str = "ES256", key: object = None, **headers: object) -> str:
    headers = {name: value for name, value in ({"kid": f"the {algorithm} key"} | headers).items() if value is not None}
    return jwt.encode(payload, key or KEYS[algorithm], algorithm, headers=headers)


def assembled(header: dict, payload: dict, secret: bytes | None = None) -> str:
    """A token made by hand: unsigned, or with an HMAC."""
    signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(payload).encode())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret is not None else b""
    return f"{signed}.{base64url(signature)}"


def sign_raw(payload: object) -> str:
    """A token whose payload PyJWT would not sign: any JSON, or bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jwt.PyJWS().encode(data, KEYS["ES256"], "ES256", headers={"kid": "the ES256 key"})


def twice() -> bytes:
    """Good claims with the address given twice, which readers understand differently."""
    return json.dumps(claims(email="nobody@example.com")).encode()[:-1] + b',"email":"ada@example.com"}'


def options(*key_source: str | Path, audience: str = AUDIENCE) -> list[str | Path]:
    return [
        "--jwt-issuer",
        ISSUER,
        "--jwt-audience",
        audience,
        *key_source,
        "--failed-authentication-rate-limit",
        "off",
        "--rate-limit",
        "off",
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tokens")
    installation = Installation(folder / "data")
    installation.add_organization("Initech", "carol@example.com")
    installation.add_person("carol@example.com")
    (folder / "keys.json").write_text(json.dumps(key_set()))
    server = Server(installation.data, *options("--jwks-file", folder / "keys.json"))
    yield server
    server.stop()


def status(server: Server, token: str) -> int:
    with server.client(token) as client:
        return client.get("/v1/api_key").status_code


@pytest.mark.parametrize("algorithm", KEYS)
def test_token_of_the_issuer_is_its_person(server: Server, algorithm: str):
    """She makes a key with it, and the key is hers."""
    with server.client(sign(claims(), algorithm)) as client:
        assert client.post("/api/self/me").json()["email"] == "ada@example.com"
        made = client.post("/v1/api_key", json={"name": algorithm}).json()
    with server.client(made["key"]) as client:
        assert client.get(f"/v1/api_key/{made['id']}").json()["user_email"] == "ada@example.com"


def test_token_acts_in_all_of_the_persons_organizations(server: Server):
    with server.client(sign(claims(email="carol@example.com"))) as client:
        assert {found["name"] for found in client.post("/api/apikey/login").json()["org_info"]} == {"Acme", "Initech"}


GOOD = {
    "several audiences": lambda: sign(claims(aud=["other", AUDIENCE])),
    "no kid": lambda: sign(claims(), kid=None),
    "no nbf": lambda: sign(claims(nbf=None)),
    "no iat": lambda: sign(claims(iat=None)),
    "fractions of a second": lambda: sign(claims(exp=time.time() + 600.5)),
    "verified address": lambda: sign(claims(email_verified=True)),
    "typ at+jwt": lambda: sign(claims(), typ="at+jwt"),
    "clock that is a little fast": lambda: sign(claims(nbf=int(time.time()) + 20, iat=int(time.time()) + 20)),
    "address in capitals": lambda: sign(claims(email="Ada@Example.COM")),
}


@pytest.mark.parametrize("token", GOOD.values(), ids=GOOD.keys())
def test_good_token(server: Server, token):
    assert status(server, token()) == 200


def public_pem() -> bytes:
    return (
        KEYS["RS256"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def tampered() -> str:
    """Ada's signature under Carol's address."""
    header, _, signature = sign(claims()).split(".")
    return f"{header}.{base64url(json.dumps(claims(email='carol@example.com')).encode())}.{signature}"


NOW = int(time.time())
BAD = {
    "another audience": lambda: sign(claims(aud="other")),
    "no audience": lambda: sign(claims(aud=None)),
    "audience of other case": lambda: sign(claims(aud="Witan")),
    "no audience in the list": lambda: sign(claims(aud=["a", "b"])),
    "expired": lambda: sign(claims(exp=NOW - 1)),
    "no exp": lambda: sign(claims(exp=None)),
    "exp as a text": lambda: sign_raw(claims(exp="9999999999")),
    "not yet valid": lambda: sign(claims(nbf=NOW + 3_600)),
    "issued in the future": lambda: sign(claims(iat=NOW + 3_600)),
    "another issuer": lambda: sign(claims(iss="https://evil.example/")),
    "no issuer": lambda: sign(claims(iss=None)),
    "issuer without its slash": lambda: sign(claims(iss=ISSUER[:-1])),
    "the server as issuer": lambda: sign(claims(iss="witan")),
    "unknown address": lambda: sign(claims(email="nobody@example.com")),
    "no address": lambda: sign(claims(email=None)),
    "address as a list": lambda: sign(claims(email=["ada@example.com"])),
    "empty address": lambda: sign(claims(email="")),
    "unverified address": lambda: sign(claims(email_verified=False)),
    "stranger's RS256": lambda: sign(claims(), "RS256", STRANGERS["RS256"]),
    "stranger's ES256": lambda: sign(claims(), "ES256", STRANGERS["ES256"]),
    "stranger's EdDSA": lambda: sign(claims(), "EdDSA", STRANGERS["EdDSA"]),
    "unknown kid": lambda: sign(claims(), kid="another"),
    "kid of another algorithm": lambda: sign(claims(), kid="the RS256 key"),
    "none": lambda: assembled({"alg": "none"}, claims()),
    "None": lambda: assembled({"alg": "None", "kid": "the RS256 key"}, claims()),
    "no algorithm": lambda: assembled({"kid": "the RS256 key"}, claims()),
    "HS256 with the public key": lambda: assembled({"alg": "HS256", "kid": "the RS256 key"}, claims(), public_pem()),
    "HS256 as RS256": lambda: assembled({"alg": "RS256", "kid": "the RS256 key"}, claims(), public_pem()),
    "HS256 with the shared secret": lambda: assembled({"alg": "HS256", "kid": "shared"}, claims(), b"secret" * 8),
    "RS512": lambda: sign(claims(), "RS512", KEYS["RS256"], kid="the RS256 key"),
    "PS256": lambda: sign(claims(), "PS256", KEYS["RS256"], kid="the RS256 key"),
    "key of its own in the header": lambda: sign(
        claims(),
        "ES256",
        STRANGERS["ES256"],
        jwk=jwt.get_algorithm_by_name("ES256").to_jwk(STRANGERS["ES256"].public_key(), as_dict=True),
    ),
    "unknown critical header": lambda: sign(claims(), crit=["nope"], nope=1),
    "tampered": tampered,
    "no signature": lambda: sign(claims()).rpartition(".")[0] + ".",
    "two parts": lambda: sign(claims()).rpartition(".")[0],
    "four parts": lambda: sign(claims()) + ".a",
    "padding": lambda: sign(claims()) + "=",
    "claims as a list": lambda: sign_raw([claims()]),
    "a claim twice": lambda: sign_raw(twice()),
}


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_bad_token(server: Server, token):
    """With the one text for every bad credential."""
    with server.client(token()) as client:
        answer = client.get("/v1/api_key")
    assert answer.status_code == 401, answer.text
    assert answer.json()["Message"].startswith("The credential is malformed, unknown, expired or revoked")


def test_token_ends_when_it_says(server: Server):
    """Also when its check is kept in memory."""
    token = sign(claims(exp=time.time() + 3))
    assert status(server, token) == 200
    deadline = time.monotonic() + 30
    while status(server, token) == 200:
        assert time.monotonic() < deadline, "the token outlived its time"


def test_address_of_another_claim(installation: Installation, serve, tmp_path: Path):
    (tmp_path / "keys.json").write_text(json.dumps(key_set()))
    server = serve(installation.data, *options("--jwks-file", tmp_path / "keys.json"), "--jwt-email-claim", "upn")
    assert status(server, sign(claims(email=None, upn="ada@example.com"))) == 200
    assert status(server, sign(claims())) == 401


def test_own_token_is_no_good_elsewhere(installation: Installation, serve, tmp_path: Path):
    """Each installation signs with a key of its own."""
    token = installation.token("ada@example.com")
    server = serve(installation.data)
    assert status(server, token) == 200
    other = serve(Installation(tmp_path / "other").data)
    assert status(other, token) == 401


# Keys by URL


@pytest.fixture
def issuer():
    """A tiny issuer: the URL of its keys, what it serves there, and how often it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests += 1
            status, body = site.answer
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.requests, site.answer = 0, (200, json.dumps(key_set()).encode())
    site.url = f"http://127.0.0.1:{site.server_port}/keys"
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.mark.parametrize("algorithm", KEYS)
def test_keys_come_from_a_url(installation: Installation, serve, issuer, algorithm: str):
    server = serve(installation.data, *options("--jwks-url", issuer.url))
    assert status(server, sign(claims(), algorithm)) == 200
    assert status(server, sign(claims(), algorithm, STRANGERS[algorithm])) == 401


def test_issuer_is_not_asked_again_and_again(installation: Installation, serve, issuer):
    """Neither for good tokens nor for invented key ids, which cost a sender nothing."""
    server = serve(installation.data, *options("--jwks-url", issuer.url))
    for number in range(20):
        assert status(server, sign(claims(jti=str(number)))) == 200
        assert status(server, sign(claims(), kid=f"invented {number}")) == 401
    assert issuer.requests <= 2


@pytest.mark.parametrize("answer", [(500, b"{}"), (200, b"no JSON"), (200, b'{"keys":[]}'), (404, b"")], ids=str)
def test_issuer_without_keys_takes_nobody_in(installation: Installation, serve, issuer, answer):
    """Nor does it lock out those who have keys of the server's own."""
    issuer.answer = answer
    server = serve(installation.data, *options("--jwks-url", issuer.url))
    with server.client(sign(claims())) as client:
        refused = client.get("/v1/api_key")
        assert refused.status_code == 503 and refused.headers["retry-after"].isdigit()
    assert status(server, installation.ada.key) == 200
