"""A passkey in a few lines, which answers whatever it is asked: what a stolen key does without its owner's finger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from config.shared.models import User

_HOST = "testserver"
_ID = b"a passkey of a test"
_RP = hashlib.sha256(_HOST.encode()).digest()
_FLAG = AuthenticatorData.FLAG


@dataclass(frozen=True)
class SoftPasskey:
    """A passkey of a user."""

    user_id: int
    key: ec.EllipticCurvePrivateKey

    def answer(self, question: dict[str, Any], *, is_verified: bool) -> str:
        """What the browser posts; `is_verified`: the owner's finger, face or number was asked for."""
        asked = question.get("publicKey", question)["challenge"]
        flags = _FLAG.UP | _FLAG.UV if is_verified else _FLAG.UP
        signed = AuthenticatorData.create(_RP, flags, 1)
        client = _client_data("webauthn.get", asked if isinstance(asked, str) else websafe_encode(asked))
        signature = self.key.sign(signed + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            _credential(
                clientDataJSON=websafe_encode(client),
                authenticatorData=websafe_encode(signed),
                signature=websafe_encode(signature),
                userHandle=websafe_encode(str(self.user_id).encode()),
            )
        )


def give_passkey(user: User) -> SoftPasskey:
    """A passkey for a user, as if it had been made on their page."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = AttestedCredentialData.create(b"\0" * 16, _ID, ES256.from_cryptography_key(key.public_key()))
    data = AuthenticatorData.create(_RP, _FLAG.UP | _FLAG.UV | _FLAG.AT, 0, made)
    offered = AttestationObject.create("none", data, {})
    Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={
            "name": "test",
            "credential": _credential(
                clientDataJSON=websafe_encode(_client_data("webauthn.create", websafe_encode(b"0" * 32))),
                attestationObject=websafe_encode(offered),
            ),
        },
    )
    return SoftPasskey(user.pk, key)


def _client_data(kind: str, challenge: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": f"https://{_HOST}"}).encode()


def _credential(**response: str) -> dict[str, Any]:
    return {"id": websafe_encode(_ID), "rawId": websafe_encode(_ID), "type": "public-key", "response": response}
