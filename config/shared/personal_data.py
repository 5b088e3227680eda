"""
Personal data at rest: encrypted fields, the blind index that finds them, and the masks that show them.

The cipher is a setting: AES-256-GCM by default, SM4-GCM (and SM3 for the index) where Chinese commercial
cryptography is required. A stored value starts with its cipher and the position-free key id, so that keys can be
rotated and ciphers changed while old rows stay readable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.conf import settings
from django.db import models

_NONCE_BYTES = 12
_TAG_BYTES = 16


class CannotDecrypt(Exception):
    """None of the configured keys opens the stored value."""


def _key_bytes(cipher: str, secret: str) -> bytes:
    digest = hashlib.sha256(secret.encode()).digest()
    return digest[:16] if cipher == "sm4" else digest


def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key-id:" + secret.encode()).hexdigest()[:8]


def _algorithm(cipher: str, secret: str) -> algorithms.AES | algorithms.SM4:
    key = _key_bytes(cipher, secret)
    return algorithms.SM4(key) if cipher == "sm4" else algorithms.AES(key)


def encrypt(text: str) -> str:
    """The stored form of a personal value; every call gives another one."""
    cipher, secret = settings.PERSONAL_DATA_CIPHER, settings.PERSONAL_DATA_KEYS[0]
    nonce = os.urandom(_NONCE_BYTES)
    encryptor = Cipher(_algorithm(cipher, secret), modes.GCM(nonce)).encryptor()
    sealed = encryptor.update(text.encode()) + encryptor.finalize()
    token = base64.b64encode(nonce + encryptor.tag + sealed).decode()
    return f"{cipher}:{_key_id(secret)}:{token}"


def decrypt(stored: str) -> str:
    """
    The personal value of a stored form.

    :raises CannotDecrypt: the key it was sealed with is not configured, or the value was altered
    """
    try:
        cipher, key_id, token = stored.split(":", 2)
        raw = base64.b64decode(token)
    except ValueError as error:
        raise CannotDecrypt("not a sealed value") from error
    nonce, tag, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES : _NONCE_BYTES + _TAG_BYTES], raw[28:]
    for secret in settings.PERSONAL_DATA_KEYS:
        if _key_id(secret) != key_id:
            continue
        decryptor = Cipher(_algorithm(cipher, secret), modes.GCM(nonce, tag)).decryptor()
        try:
            return (decryptor.update(sealed) + decryptor.finalize()).decode()
        except InvalidTag as error:
            raise CannotDecrypt("the sealed value was altered") from error
    raise CannotDecrypt("no configured key has the id of this value")


def blind_index(text: str) -> bytes:
    """A keyed digest (32 bytes) of a normalised value: equal values meet, nothing else can be read from it."""
    normal = "".join(text.split()).replace("-", "").upper().encode()
    name = "sm3" if settings.PERSONAL_DATA_CIPHER == "sm4" and "sm3" in hashlib.algorithms_available else "sha256"
    return hmac.new(settings.BLIND_INDEX_KEY.encode(), normal, name).digest()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is sealed in the database and plain in Python; empty text stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        """Seal on the way in."""
        text = super().get_prep_value(value)
        return encrypt(text) if text else text

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str | None:
        """Open on the way out."""
        return decrypt(value) if value else value


# --- Masks: the one place where personal data is hidden -------------------------------------

_IDENTITY = r"(?P<identity>[1-9][0-9]{5}(?:18|19|20)[0-9]{9}[0-9Xx])"
_MOBILE = r"(?P<phone>1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4})"
_NUMBERS_IN_TEXT = re.compile(rf"(?<![0-9A-Za-z])(?:{_IDENTITY}|{_MOBILE})(?![0-9A-Za-z])")


def mask_numbers_in(text: str) -> str:
    """Free text with every mobile number and identity number in it masked; what else looks like a number stays."""

    def mask(found: re.Match[str]) -> str:
        identity = found["identity"]
        return mask_identity_no(identity) if identity else mask_phone(re.sub("[ -]", "", found["phone"]))

    return _NUMBERS_IN_TEXT.sub(mask, text)


def mask_email(address: str) -> str:
    """z***@example.com: the first letter and the house."""
    name, at, house = address.partition("@")
    return f"{name[:1]}***@{house}" if at and name else "****"


def mask_door(door: str) -> str:
    """Building and room stay hidden; only that there is one is said."""
    return "***" if door else ""


def mask_phone(phone: str) -> str:
    """138****1234."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"


def mask_identity_no(number: str) -> str:
    """1101**********1237."""
    return f"{number[:4]}{'*' * max(len(number) - 8, 4)}{number[-4:]}" if len(number) >= 10 else "****"


def mask_name(name: str) -> str:
    """张**: the first character only, for places where strangers can look on."""
    return name[:1] + "*" * max(len(name) - 1, 1)
