"""An OpenID Connect provider that checks what a client sends, and misbehaves where a test tells it to.

    with Provider() as provider:
        provider.people["ada"] = {"email": "ada@example.com", "email_verified": True, "name": "Ada"}
        ... start the server with provider.settings, follow /signin/oidc to the provider's page ...
        callback = provider.agree(authorization_url, "ada")   # or post {"person": "ada"} to that URL in a browser
        provider.wrong.nonce = True                           # from now on
"""

from __future__ import annotations

import base64
import hashlib
import html
import http.server
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = rsa.generate_private_key(65_537, 2_048)
STRANGER = rsa.generate_private_key(65_537, 2_048)
MAXIMUM_BODY = 64 << 10
PAGE = """<!doctype html><title>Provider</title><form method="post">
<input name="person" value="{person}"><button type="submit">Agree</button>
<button type="submit" name="deny" value="1">Deny</button></form>"""


@dataclass
class Wrong:
    """What the provider does otherwise than it should; each may be set at any time."""

    nonce: bool = False
    """The ID token has another nonce."""
    audience: bool = False
    """The ID token is for another service."""
    issuer: bool = False
    """The ID token is another issuer's."""
    signature: bool = False
    """The ID token is signed by a key that is not published."""
    unsigned: bool = False
    """The ID token has the algorithm none."""
    expired_token: bool = False
    """The ID token has expired."""
    expired_code: bool = False
    """No code is taken, as if it had expired."""
    user_info_subject: bool = False
    """The user info is about somebody else."""
    away: bool = False
    """Every answer is 503."""
    claims_in_user_info: bool = False
    """Not wrong, but allowed: e-mail address and name are in the user info alone."""


@dataclass
class Grant:
    """What a code stands for."""

    person: str
    nonce: str | None
    challenge: str
    redirect: str
    ends: float


@dataclass
class Provider:
    """A provider on a port of its own, for as long as the context lasts; `stop` ends it earlier, `start` resumes it."""

    client: str = "witan-test"
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    people: dict[str, dict] = field(default_factory=dict)
    wrong: Wrong = field(default_factory=Wrong)
    requests: list[str] = field(default_factory=list)
    """The paths that were asked for, in their order."""

    def __post_init__(self) -> None:
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, str] = {}
        self.lock = threading.Lock()
        self.port = 0
        self.server: http.server.ThreadingHTTPServer | None = None

    def __enter__(self) -> Provider:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The variables that let a server sign people in here."""
        return {
            "WITAN_OIDC_ISSUER": self.issuer,
            "WITAN_OIDC_CLIENT_ID": self.client,
            "WITAN_OIDC_CLIENT_SECRET": self.secret,
            "WITAN_OIDC_NAME": "Example",
        }

    def start(self) -> None:
        """Listens, after a `stop` on the same port."""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler(self))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Listens no more: connections are refused."""
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def agree(self, url: str, person: str) -> str:
        """Where the browser is sent back to when this person agrees."""
        query = self.checked(urlsplit(url).query)
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.grants[code] = Grant(
                person, query.get("nonce"), query["code_challenge"], query["redirect_uri"], time.time() + 60
            )
        return self.back(query, {"code": code})

    def deny(self, url: str, description: str = "The person said no.") -> str:
        """Where the browser is sent back to when the person does not agree."""
        error = {"error": "access_denied", "error_description": description}
        return self.back(self.checked(urlsplit(url).query), error)

    def back(self, query: dict[str, str], answer: dict[str, str]) -> str:
        return query["redirect_uri"] + "?" + urlencode(answer | {"state": query["state"], "iss": self.issuer})

    def checked(self, text: str) -> dict[str, str]:
        """The parameters of an authorization request, each of which may be there once."""
        pairs = parse_qsl(text, strict_parsing=True)
        query = dict(pairs)
        assert len(query) == len(pairs), "a parameter is there twice"
        assert query["response_type"] == "code" and query["client_id"] == self.client
        assert "openid" in query["scope"].split(" ")
        assert query["code_challenge_method"] == "S256" and len(query["code_challenge"]) == 43
        assert len(query["state"]) >= 43 and len(query["nonce"]) >= 43
        return query

    # What is answered: a status and a document.

    def metadata(self) -> tuple[int, dict]:
        return 200, {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "userinfo_endpoint": self.issuer + "/userinfo",
            "jwks_uri": self.issuer + "/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def keys(self) -> tuple[int, dict]:
        key = jwt.get_algorithm_by_name("RS256").to_jwk(KEY.public_key(), as_dict=True)
        return 200, {"keys": [key | {"kid": "1", "use": "sig", "alg": "RS256"}]}

    def user_info(self, authorization: str) -> tuple[int, dict]:
        person = self.tokens.get(authorization.removeprefix("Bearer "))
        if person is None:
            return 401, {"error": "invalid_token"}
        return 200, self.people[person] | {"sub": "somebody else" if self.wrong.user_info_subject else person}

    def exchange(self, authorization: str, form: dict[str, str]) -> tuple[int, dict]:
        """Takes a code (RFC 6749, 4.1.3; RFC 7636, 4.6), which counts once."""
        scheme, _, pair = authorization.partition(" ")
        name, _, secret = base64.b64decode(pair).decode().partition(":") if scheme == "Basic" else ("", "", "")
        if (unquote(name), unquote(secret)) != (self.client, self.secret):
            return 401, {"error": "invalid_client"}
        with self.lock:
            grant = self.grants.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            form.get("grant_type") != "authorization_code"
            or grant is None
            or self.wrong.expired_code
            or time.time() >= grant.ends
            or form.get("redirect_uri") != grant.redirect
            or challenge.rstrip(b"=").decode() != grant.challenge
        ):
            return 400, {"error": "invalid_grant", "error_description": "The code has expired."}
        token = secrets.token_urlsafe(24)
        self.tokens[token] = grant.person
        return 200, {"access_token": token, "token_type": "Bearer", "id_token": self.identity_token(grant)}

    def identity_token(self, grant: Grant) -> str:
        now = int(time.time())
        claims = {} if self.wrong.claims_in_user_info else dict(self.people[grant.person])
        claims |= {
            "iss": "https://elsewhere.example" if self.wrong.issuer else self.issuer,
            "aud": "another service" if self.wrong.audience else self.client,
            "sub": grant.person,
            "nonce": secrets.token_urlsafe(32) if self.wrong.nonce else grant.nonce,
            "iat": now - 600 if self.wrong.expired_token else now,
            "exp": now - 300 if self.wrong.expired_token else now + 300,
        }
        if self.wrong.unsigned:
            return jwt.encode(claims, None, algorithm="none", headers={"kid": "1"})
        return jwt.encode(claims, STRANGER if self.wrong.signature else KEY, algorithm="RS256", headers={"kid": "1"})


def handler(provider: Provider) -> type[http.server.BaseHTTPRequestHandler]:
    """What answers for a provider."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.begin()
            if path == "/authorize" and not provider.wrong.away:
                query = provider.checked(urlsplit(self.path).query)
                person = html.escape(query.get("login_hint", next(iter(provider.people), "")), quote=True)
                self.answer(200, PAGE.format(person=person).encode(), "text/html; charset=utf-8")
                return
            self.document(
                {
                    "/.well-known/openid-configuration": provider.metadata,
                    "/keys": provider.keys,
                    "/userinfo": lambda: provider.user_info(self.headers.get("Authorization", "")),
                }.get(path, lambda: (404, {}))
            )

        def do_POST(self) -> None:
            path = self.begin()
            length = int(self.headers.get("Content-Length", "0"))
            assert length <= MAXIMUM_BODY
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            if path == "/authorize" and not provider.wrong.away:
                back = provider.deny(self.path) if "deny" in form else provider.agree(self.path, form["person"])
                self.answer(303, b"", "text/plain", location=back)
            elif path == "/token":
                self.document(lambda: provider.exchange(self.headers.get("Authorization", ""), form))
            else:
                self.document(lambda: (404, {}))

        def begin(self) -> str:
            path = urlsplit(self.path).path
            provider.requests.append(path)
            return path

        def document(self, make) -> None:
            status, document = (503, {}) if provider.wrong.away else make()
            self.answer(status, json.dumps(document).encode(), "application/json")

        def answer(self, status: int, body: bytes, kind: str, location: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            # A stopped provider must be away, and not answer on a connection that was left open.
            self.send_header("Connection", "close")
            if location:
                self.send_header("Location", location)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: the test does."""

    return Handler
