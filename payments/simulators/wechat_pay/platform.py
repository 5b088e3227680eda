"""The keys of the simulated WeChat Pay: a public key without end, and a platform certificate of the older way."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from payments.signing import rsa_sha256, wechat_v3

PUBLIC_KEY, CERTIFICATE = "public-key", "certificate"


@dataclass
class Platform:
    """What it signs with; `notices_by` says with which of the two notices are signed."""

    private_pem: str
    public_pem: str
    public_key_id: str
    certificate_private_pem: str
    certificate_pem: str
    serial: str
    notices_by: str = PUBLIC_KEY

    @classmethod
    def new(cls, *, at: datetime, keys: tuple[str, str] | None = None, key_id: str = "") -> Platform:
        """Fresh keys, or the given pair for the public-key way; the certificate holds for five years."""
        private, public = keys or rsa_sha256.new_key_pair()
        of_certificate = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign (simulated)")])
        number = x509.random_serial_number()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(of_certificate.public_key())
            .serial_number(number)
            .not_valid_before(at.astimezone(UTC) - timedelta(days=1))
            .not_valid_after(at.astimezone(UTC) + timedelta(days=5 * 365))
            .sign(of_certificate, hashes.SHA256())
        )
        return cls(
            private_pem=private,
            public_pem=public,
            public_key_id=key_id or f"PUB_KEY_ID_{uuid.uuid4().int % 10**28:028d}",
            certificate_private_pem=of_certificate.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ).decode(),
            certificate_pem=certificate.public_bytes(serialization.Encoding.PEM).decode(),
            serial=f"{number:X}",
        )

    def sign(self, text: str, asked_serial: str) -> tuple[str, str]:
        """The signature and its key's serial: by the public key where the caller asked for it, else the certificate."""
        if asked_serial == self.public_key_id:
            return rsa_sha256.sign(text, self.private_pem), self.public_key_id
        return rsa_sha256.sign(text, self.certificate_private_pem), self.serial

    def sign_notice(self, text: str) -> tuple[str, str]:
        """The same for a notice, which nobody asked for."""
        return self.sign(text, self.public_key_id if self.notices_by == PUBLIC_KEY else "")

    def sealed_certificate(self, api_key: str, at: datetime) -> dict[str, Any]:
        """The platform certificate as `/v3/certificates` hands it out."""
        nonce, associated = uuid.uuid4().hex[:12], "certificate"
        sealed = wechat_v3.seal(self.certificate_pem, key=api_key, nonce=nonce, associated=associated)
        return {
            "serial_no": self.serial,
            "effective_time": (at - timedelta(days=1)).isoformat(timespec="seconds"),
            "expire_time": (at + timedelta(days=5 * 365)).isoformat(timespec="seconds"),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": associated,
                "ciphertext": sealed,
            },
        }
