"""The certificate that the proxy names is believed from the proxy alone; the shipped proxy always names it."""

from __future__ import annotations

import re
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.client_certificates import CERTIFICATE_HEADER, HEADER, without_forged_certificates

ROOT = Path(__file__).parents[3]


def passed(trusted: list[str], address: str, **headers: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    without_forged_certificates(application, trusted)({"REMOTE_ADDR": address, **headers}, None)
    return seen


@pytest.mark.parametrize(
    ("trusted", "address", "is_believed"),
    [
        ([], "203.0.113.9", False),
        (["10.0.0.1"], "203.0.113.9", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["10.0.0.0/24", "fd00::/8"], "10.0.0.200", True),
        (["10.0.0.0/24", "fd00::/8"], "fd00::7", True),
        (["10.0.0.0/24"], "10.0.1.1", False),
        (["10.0.0.0/24"], "", False),
        (["proxy"], "proxy", True),
        (["10.0.0.1/24"], "10.0.0.7", False),
        (["*"], "x", True),
    ],
)
def test_it_is_believed_from_the_proxy_alone(trusted: list[str], address: str, is_believed: bool) -> None:
    assert (HEADER in passed(trusted, address, **{HEADER: "ab" * 32})) is is_believed


def test_a_certificate_is_reckoned_and_stands_before_what_is_only_said() -> None:
    certificate = _certificate()
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    headers = {CERTIFICATE_HEADER: quote(pem, safe=""), HEADER: "ab" * 32}

    near, far = passed(["10.0.0.1"], "10.0.0.1", **headers), passed(["10.0.0.1"], "203.0.113.9", **headers)

    assert near[HEADER] == certificate.fingerprint(hashes.SHA256()).hex() and CERTIFICATE_HEADER not in near
    assert HEADER not in far and CERTIFICATE_HEADER not in far
    assert ssl.PEM_cert_to_DER_cert(pem)


@pytest.mark.parametrize("certificate", ["x", "-----BEGIN CERTIFICATE-----", "%00"])
def test_what_is_no_certificate_is_none(certificate: str) -> None:
    assert passed(["*"], "x", **{CERTIFICATE_HEADER: certificate, HEADER: "ab" * 32})[HEADER] == ""


def test_the_shipped_proxy_passes_on_nothing_that_anybody_could_write() -> None:
    """In every place that leads to the web containers: no header of the caller's, a certificate of TLS alone."""
    text = (ROOT / "config" / "deploy" / "nginx.conf").read_text()
    places = dict(re.findall(r"^    location (\S.*?) \{\n(.*?)^    \}", text, re.MULTILINE | re.DOTALL))
    web = {where: lines for where, lines in places.items() if "http://$web:" in lines}

    assert set(web) == {"/", "/api/v1/channel/"}
    for where, lines in web.items():
        told = "$ssl_client_escaped_cert" if where == "/api/v1/channel/" else '""'
        assert 'proxy_set_header X-Client-Certificate-SHA256 "";' in lines
        assert f"proxy_set_header X-Client-Certificate {told};" in lines
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in lines


def test_the_shipped_system_believes_its_proxy_and_nobody_else() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    [trusted] = re.findall(r"TRUSTED_PROXIES: (\S+)", text)

    assert f"ipv4_address: {trusted}\n" in text


def _certificate() -> x509.Certificate:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
