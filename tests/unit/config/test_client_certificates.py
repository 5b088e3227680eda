"""The certificate that the proxy names is believed from the proxy alone."""

from __future__ import annotations

from typing import Any

import pytest

from config.client_certificates import HEADER, without_forged_certificates


@pytest.mark.parametrize(
    ("trusted", "address", "is_believed"),
    [
        ([], "203.0.113.9", False),
        (["10.0.0.1"], "203.0.113.9", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["*"], "x", True),
    ],
)
def test_it_is_believed_from_the_proxy_alone(trusted: list[str], address: str, is_believed: bool) -> None:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    without_forged_certificates(application, trusted)({"REMOTE_ADDR": address, HEADER: "ab" * 32}, None)

    assert (HEADER in seen) is is_believed
