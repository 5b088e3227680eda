"""
What was agreed with WeChat Pay: from the settings, or made once into a file where the simulator is WeChat Pay.

In production the settings must hold all of it, or the channel is not offered.
"""

from __future__ import annotations

import secrets
from functools import cache

from django.conf import settings

from payments.channels import made_keys
from payments.channels.wechat_client import Agreement
from payments.signing import rsa_sha256

SIMULATED_MCHID = "1900000109"


def are_there() -> bool:
    """Whether the channel can sign and check."""
    said = settings.WECHAT_PAY
    if not said["private_pem"]:
        return _is_simulated()
    has_key = bool(said["certificates"]) or bool(said["public_key_id"] and said["public_pem"])
    own = all(said[name] for name in ("gateway", "app_id", "mchid", "serial"))
    return own and has_key and len(said["api_key"]) == 32


def _is_simulated() -> bool:
    return bool(settings.SIMULATORS and settings.WECHAT_PAY["gateway"])


@cache
def agreement() -> Agreement:
    """Read once per process."""
    said = settings.WECHAT_PAY
    if said["private_pem"]:
        return Agreement(
            app_id=said["app_id"],
            mchid=said["mchid"],
            serial=said["serial"],
            private_pem=said["private_pem"],
            api_key=said["api_key"],
            public_key_id=said["public_key_id"],
            public_pem=said["public_pem"],
            certificates=said["certificates"],
            gateway=said["gateway"],
            mini_app_id=said["mini_app_id"],
        )
    made = simulated()
    return Agreement(
        app_id=said["app_id"],
        mchid=SIMULATED_MCHID,
        serial=made["serial"],
        private_pem=made["merchant_private"],
        api_key=made["api_key"],
        public_key_id=made["public_key_id"],
        public_pem=made["provider_public"],
        gateway=said["gateway"],
        mini_app_id=said["mini_app_id"],
    )


def simulated() -> dict[str, str]:
    """What this house and the simulator know of each other."""
    return made_keys.make_or_read(settings.WECHAT_PAY["key_file"], _new)


def _new() -> dict[str, str]:
    merchant_private, merchant_public = rsa_sha256.new_key_pair()
    provider_private, provider_public = rsa_sha256.new_key_pair()
    return {
        "merchant_private": merchant_private,
        "merchant_public": merchant_public,
        "serial": secrets.token_hex(20).upper(),
        "api_key": secrets.token_hex(16),
        "provider_private": provider_private,
        "provider_public": provider_public,
        "public_key_id": f"PUB_KEY_ID_{secrets.randbelow(10**28):028d}",
    }
