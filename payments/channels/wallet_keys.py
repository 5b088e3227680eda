"""
The keys of the wallet channel: from the settings, or made once into a file where the simulator is the wallet.

In production the settings must hold real keys, or the channel is not offered.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from payments.channels import made_keys
from payments.signing import rsa2


def are_there() -> bool:
    """Whether the channel can sign and check."""
    return bool(settings.WALLET_MERCHANT_PRIVATE_KEY and settings.WALLET_PUBLIC_KEY) or settings.SIMULATORS


def merchant_private() -> str:
    """Our own key, which signs orders."""
    return settings.WALLET_MERCHANT_PRIVATE_KEY or _made(settings.WALLET_KEY_FILE)["merchant_private"]


def provider_public() -> str:
    """The wallet's key, which checks its notices."""
    return settings.WALLET_PUBLIC_KEY or _made(settings.WALLET_KEY_FILE)["provider_public"]


def merchant_public() -> str:
    """What the simulated wallet checks our orders with."""
    return _made(settings.WALLET_KEY_FILE)["merchant_public"]


def provider_private() -> str:
    """What the simulated wallet signs its notices with."""
    return _made(settings.WALLET_KEY_FILE)["provider_private"]


class NoWalletKeys(RuntimeError):
    """The wallet was used without keys."""


@cache
def _made(place: str) -> dict[str, str]:
    """The simulator's keys, read once per process."""
    if not settings.SIMULATORS:
        raise NoWalletKeys("Set WALLET_MERCHANT_PRIVATE_KEY and WALLET_PUBLIC_KEY.")
    return make_or_read(place)


def make_or_read(place: str) -> dict[str, str]:
    """The keys in the file; made there, readable by its owner only, by whoever finds none."""
    return made_keys.make_or_read(place, _new)


def _new() -> dict[str, str]:
    merchant_private, merchant_public = rsa2.new_key_pair()
    provider_private, provider_public = rsa2.new_key_pair()
    return {
        "merchant_private": merchant_private,
        "merchant_public": merchant_public,
        "provider_private": provider_private,
        "provider_public": provider_public,
    }
