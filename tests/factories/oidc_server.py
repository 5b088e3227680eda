"""A company's sign-in for tests: a small, strict OpenID Connect provider on a port of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "dayingxiao", "a-secret-of-the-client"


class OidcServer:
    """`issuer`; `username` is who signs in; `forge` may spoil what is signed; `key` and `algorithm` sign it."""

    def __init__(self) -> None:
        self.key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.published = self.key.public_key()
        self.algorithm = "RS256"
        self.username = "clerk"
        self.forge: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.redirect_uris: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.said_no: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.get(self)

            def do_POST(self) -> None:
                server.post(self)

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self.http.shutdown()
        self.http.server_close()

    def get(self, request: BaseHTTPRequestHandler) -> None:
        """Discovery, keys, and the page where people sign in (who always do, at once)."""
        parts = urlsplit(request.path)
        if parts.path == "/.well-known/openid-configuration":
            self._answer(
                request,
                200,
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                },
            )
        elif parts.path == "/keys":
            numbers = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.published))
            self._answer(request, 200, {"keys": [{**numbers, "kid": "k1", "use": "sig", "alg": "RS256"}]})
        elif parts.path == "/authorize":
            self._authorize(request, {name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self._answer(request, 404, {})

    def _authorize(self, request: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        wrong = [name for name, value in wanted.items() if asked.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if len(asked.get(name, "")) < 32]
        wrong += ["scope"] if "openid" not in asked.get("scope", "").split() else []
        wrong += ["redirect_uri"] if asked.get("redirect_uri") not in self.redirect_uris else []
        if wrong:
            self.said_no += wrong
            self._answer(request, 400, {"error": "invalid_request", "wrong": wrong})
            return
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        request.send_response(302)
        request.send_header("Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}")
        request.end_headers()

    def post(self, request: BaseHTTPRequestHandler) -> None:
        """A code for a signed id_token: once, by our client, with the verifier of the challenge."""
        length = int(request.headers.get("Content-Length", 0))
        sent = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = (
            urlsplit(request.path).path == "/token"
            and request.headers.get("Authorization") == f"Basic {basic}"
            and sent.get("grant_type") == "authorization_code"
            and asked is not None
            and asked["redirect_uri"] == sent.get("redirect_uri")
            and asked["code_challenge"] == challenge
        )
        if not is_right or asked is None:
            self.said_no.append("token")
            self._answer(request, 400, {"error": "invalid_grant"})
            return
        now = int(time())
        claims = {
            "iss": self.issuer,
            "sub": f"id-of-{self.username}",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "preferred_username": self.username,
        }
        token = jwt.encode(self.forge(claims), self.key, algorithm=self.algorithm, headers={"kid": "k1"})
        self._answer(request, 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token})

    def _answer(self, request: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)
