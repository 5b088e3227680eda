"""One POST to an address that others named: what it refuses to reach, and what it does not wait for."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments.webhook_rules import Target
from payments.webhook_transport import Answer, Limits, post, resolve
from tests.factories.webhooks import Receiver, receiver

pytestmark = pytest.mark.acceptance("F152")
HERE = (ip_network("127.0.0.0/8"),)
NAME = "hooks.bank.example"


def limits(*, near: bool = True, ca_file: str = "", timeout_s: float = 10.0) -> Limits:
    return Limits(near=HERE if near else (), ca_file=ca_file, timeout_s=timeout_s)


def send(target: Target, *addresses: str, **how: object) -> Answer:
    return post(
        target, headers={"webhook-id": "msg_1"}, body=b"{}", limits=limits(**how),  # type: ignore[arg-type]
        resolver=lambda _host, _port: addresses,
    )  # fmt: skip


@pytest.fixture
def hooks() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


class TestWhereItGoes:
    @pytest.mark.parametrize(
        "addresses",
        [
            ("127.0.0.1",), ("0.0.0.0",), ("::1",), ("::ffff:127.0.0.1",), ("::",), ("10.1.2.3",), ("172.16.0.1",),
            ("192.168.0.1",), ("100.64.0.1",), ("169.254.169.254",), ("fe80::1%lo",), ("fd00::1",), ("224.0.0.1",),
            ("ff02::1",), ("64:ff9b::7f00:1",), ("2002:7f00:1::",), ("93.184.216.34", "127.0.0.1"),
            ("127.0.0.1", "93.184.216.34"), (), ("not an address",),
        ],
    )  # fmt: skip
    def test_invariant_31_a_name_that_leads_inside_is_never_called(
        self, hooks: Receiver, addresses: tuple[str, ...]
    ) -> None:
        answer = send(Target(NAME, hooks.port, "/", False), *addresses, near=False)

        assert answer == Answer(None, "address-refused") and hooks.received == []

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "::1"])
    def test_nor_is_one_that_the_system_itself_resolves_to_this_machine(self, hooks: Receiver, host: str) -> None:
        answer = post(
            Target(host, hooks.port, "/", False), headers={}, body=b"{}", limits=limits(near=False), resolver=resolve
        )

        assert answer.failure in ("address-refused", "name-unknown") and hooks.received == []

    def test_a_name_is_asked_for_once_and_the_checked_address_is_called(self, hooks: Receiver) -> None:
        asked: list[str] = []

        def rebinding(host: str, _port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

        answer = post(
            Target(NAME, hooks.port, "/a?b=c", False), headers={"webhook-id": "msg_1"}, body=b'{"a":1}',
            limits=limits(), resolver=rebinding,
        )  # fmt: skip

        assert answer == Answer(204, "") and asked == [NAME]
        assert hooks.received[0].headers["host"] == f"{NAME}:{hooks.port}"
        assert (hooks.received[0].path, hooks.received[0].body) == ("/a?b=c", b'{"a":1}')

    def test_a_proxy_of_the_environment_is_not_used(self, hooks: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

        assert send(Target(NAME, hooks.port, "/", False), "127.0.0.1").status == 204

    def test_a_redirect_is_an_answer_and_nothing_more(self, hooks: Receiver) -> None:
        hooks.answers = lambda _request: (302, {"Location": f"http://127.0.0.1:{hooks.port}/inside"})

        answer = send(Target(NAME, hooks.port, "/", False), "127.0.0.1")

        assert (answer.status, answer.failure, len(hooks.received)) == (302, "redirect", 1)

    def test_an_unknown_name_and_a_closed_port_are_failures(self) -> None:
        def unknown(_host: str, _port: int) -> list[str]:
            raise socket.gaierror("unknown")

        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))
        target = Target(NAME, nobody.getsockname()[1], "/", False)

        assert post(target, headers={}, body=b"", limits=limits(), resolver=unknown).failure == "name-unknown"
        assert send(target, "127.0.0.1").failure == "no-connection"
        nobody.close()


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for a name, and what a server shows it with."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(IPv4Address("127.0.0.9"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return chain, context


class TestTls:
    def test_the_certificate_and_the_server_name_are_the_names_though_an_address_is_called(
        self, tmp_path: Path
    ) -> None:
        chain, shown = certificate(tmp_path, NAME)
        with receiver(tls=shown) as hooks:
            good = send(Target(NAME, hooks.port, "/", True), "127.0.0.1", ca_file=str(chain))
            other = send(Target("other.bank.example", hooks.port, "/", True), "127.0.0.1", ca_file=str(chain))
            untrusted = send(Target(NAME, hooks.port, "/", True), "127.0.0.1")

            assert (good, hooks.names[0], hooks.received[0].headers["host"]) == (
                Answer(204, ""), NAME, f"{NAME}:{hooks.port}"
            )  # fmt: skip
            assert (other.failure, untrusted.failure, len(hooks.received)) == ("tls", "tls", 1)


@contextlib.contextmanager
def far_side(opening: bytes, drip: bytes) -> Iterator[int]:
    """A server that says something, then goes on saying something for ever; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def talk() -> None:
        with contextlib.suppress(OSError):
            connected, _address = server.accept()
            with connected:
                connected.sendall(opening)
                while not over.is_set():
                    connected.sendall(drip)
                    time.sleep(0.01)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield server.getsockname()[1]
    over.set()
    server.close()
    thread.join()


class TestWhatItDoesNotWaitFor:
    @pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
    def test_a_byte_now_and_then_keeps_nobody(self, is_tls: bool) -> None:
        # In TLS: the head of a record of which the rest never comes.
        opening = b"\x16\x03\x03\x40\x00\x02\x00" if is_tls else b"HTTP/1.1 200 OK\r\nX-Slow: "
        with far_side(opening, b"\x00" if is_tls else b"x") as port:
            answer = send(Target(NAME, port, "/", is_tls), "127.0.0.1", timeout_s=0.5)

        assert answer.status is None and answer.failure in ("timed-out", "tls" if is_tls else "timed-out")

    def test_an_endless_body_is_not_read(self) -> None:
        with far_side(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536) as port:
            assert send(Target(NAME, port, "/", False), "127.0.0.1") == Answer(200, "")

    def test_endless_heads_end(self) -> None:
        with far_side(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 200) as port:
            assert send(Target(NAME, port, "/", False), "127.0.0.1").failure == "no-answer"

    def test_an_interim_or_broken_answer_is_none(self) -> None:
        with far_side(b"NONSENSE\r\n\r\n", b"") as port:
            assert send(Target(NAME, port, "/", False), "127.0.0.1", timeout_s=2.0).failure == "no-answer"
