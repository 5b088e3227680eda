"""
What was agreed with Alipay: from the settings, or made once into a file where the simulator is Alipay.

In production the settings must hold all of it, or the channel is not offered.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from payments.channels import made_keys
from payments.channels.alipay_client import Agreement
from payments.signing import rsa2

SIMULATED_APP, SIMULATED_SELLER = "2021000000000001", "2088101122136241"


def are_there() -> bool:
    """Whether the channel can sign and check."""
    said = settings.ALIPAY
    if not said["private_pem"]:
        return bool(said["gateway"] and settings.SIMULATORS)
    return all(said[name] for name in ("gateway", "app_id", "seller_id", "public_pem"))


@cache
def agreement() -> Agreement:
    """Read once per process."""
    said = settings.ALIPAY
    if said["private_pem"]:
        return Agreement(said["app_id"], said["seller_id"], said["private_pem"], said["public_pem"], said["gateway"])
    made = simulated()
    return Agreement(
        SIMULATED_APP, SIMULATED_SELLER, made["merchant_private"], made["provider_public"], said["gateway"]
    )


def simulated() -> dict[str, str]:
    """What this house and the simulator know of each other."""
    return made_keys.make_or_read(settings.ALIPAY["key_file"], _new)


def _new() -> dict[str, str]:
    merchant_private, merchant_public = rsa2.new_key_pair()
    provider_private, provider_public = rsa2.new_key_pair()
    return {
        "merchant_private": merchant_private,
        "merchant_public": merchant_public,
        "provider_private": provider_private,
        "provider_public": provider_public,
    }
