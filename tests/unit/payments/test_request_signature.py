"""Signed requests of connected clients: what is signed, the header, the three algorithms."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payments.signing import request_signature as signing
from payments.signing.request_signature import ALGORITHMS, HMAC_SHA256, RSA2048_SHA256, SM2_SM3, SignedHeader

BODY = '{"channel_serial":"S1","amount_fen":18640,"teller":"陈静"}'.encode()
HEADER = SignedHeader(HMAC_SHA256, "icbc", "k_0123456789", "n" * 32, 1_780_000_000, "")
KEYS = {name: signing.new_key(name, random=b"r" * 32) for name in ALGORITHMS}


def text(method: str = "POST", target: str = "/api/v1/channel/payments", body: bytes = BODY) -> bytes:
    return signing.text_to_sign(method=method, target=target, timestamp=HEADER.timestamp, nonce=HEADER.nonce, body=body)


def test_the_text_is_five_lines_each_ended() -> None:
    assert text(body=b"{}") == b"POST\n/api/v1/channel/payments\n1780000000\n" + b"n" * 32 + b"\n{}\n"
    assert text("GET", "/a?b=1", b"").endswith(b"\n\n")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
class TestASignature:
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_invariant_16_fails_when_any_bit_of_what_is_signed_flips(self, algorithm: str, data: st.DataObject) -> None:
        private, kept = KEYS[algorithm]
        right = text()
        signature = signing.sign(algorithm, right, private)
        bit = data.draw(st.integers(0, len(right) * 8 - 1))
        flipped = bytearray(right)
        flipped[bit // 8] ^= 1 << bit % 8

        assert signing.is_signed(algorithm, right, signature, kept=kept)
        assert not signing.is_signed(algorithm, bytes(flipped), signature, kept=kept)

    @settings(max_examples=60, deadline=None)
    @given(drawn=st.integers(0, 2**16))
    def test_invariant_16_fails_when_any_bit_of_itself_flips(self, algorithm: str, drawn: int) -> None:
        private, kept = KEYS[algorithm]
        signature = bytearray(signing.sign(algorithm, text(), private).encode())
        # Signatures of SM2 differ in length from one to the next: which bit is told apart from how many there are.
        bit = drawn % (len(signature) * 8)
        signature[bit // 8] ^= 1 << bit % 8

        assert not signing.is_signed(algorithm, text(), signature.decode("latin-1"), kept=kept)

    def test_of_another_key_is_none(self, algorithm: str) -> None:
        private, _kept = KEYS[algorithm]
        _other, kept = signing.new_key(algorithm, random=b"s" * 32)

        assert not signing.is_signed(algorithm, text(), signing.sign(algorithm, text(), private), kept=kept)


def test_lines_cannot_be_moved_between_path_and_body() -> None:
    """A path never holds a line feed, so that no body can pretend to be another request."""
    assert text("GET", "/a", b"x") != text("GET", "/a\nx", b"")


class TestTheHeader:
    def test_is_read_as_it_was_written(self) -> None:
        header = replace(HEADER, signature=signing.sign(HMAC_SHA256, text(), KEYS[HMAC_SHA256][0]))

        assert signing.read_header(signing.write_header(header)) == header

    @pytest.mark.parametrize(
        "change",
        [
            lambda line: "",
            lambda line: line.replace("DAYINGXIAO-HMAC-SHA256", "DAYINGXIAO-NONE"),
            lambda line: line.replace("DAYINGXIAO-HMAC-SHA256", "Key"),
            lambda line: line + ",",
            lambda line: line + " ",
            lambda line: line.replace(",key=", ", key="),
            lambda line: line.replace('client="icbc"', 'nonce="nnnnnnnnnnnnnnnn"'),
            lambda line: line.replace('timestamp="1780000000"', 'timestamp="-1"'),
            lambda line: line.replace('timestamp="1780000000"', 'timestamp="1780000000.5"'),
            lambda line: line.replace("n" * 32, "n" * 15),
            lambda line: line + ',extra="1"',
            lambda line: line.replace("icbc", "icbc\n"),
            lambda line: line + "x" * 3000,
        ],
    )
    def test_of_another_shape_is_not_read(self, change) -> None:
        header = replace(HEADER, signature=signing.sign(HMAC_SHA256, text(), KEYS[HMAC_SHA256][0]))

        with pytest.raises(signing.UnreadableHeader):
            signing.read_header(change(signing.write_header(header)))


class TestPublicKeys:
    def test_are_kept_as_they_are_meant(self) -> None:
        for algorithm in (RSA2048_SHA256, SM2_SM3):
            public = KEYS[algorithm][1]
            assert signing.check_public_key(algorithm, f"  {public}\n").strip() == public.strip()
        assert signing.check_public_key(SM2_SM3, "04" + KEYS[SM2_SM3][1].upper()) == KEYS[SM2_SM3][1]

    @pytest.mark.parametrize(
        ("algorithm", "public"),
        [
            (RSA2048_SHA256, "x"),
            (RSA2048_SHA256, KEYS[RSA2048_SHA256][0]),
            (SM2_SM3, "00" * 64),
            (SM2_SM3, "zz" * 64),
            (SM2_SM3, KEYS[SM2_SM3][1][:-2]),
            (HMAC_SHA256, "secret"),
        ],
    )
    def test_that_are_none_are_refused(self, algorithm: str, public: str) -> None:
        with pytest.raises(signing.UnusableKey):
            signing.check_public_key(algorithm, public)


@pytest.mark.parametrize(("apart", "is_right"), [(-301, False), (-299, True), (0, True), (299, True), (301, False)])
def test_invariant_17_the_time_window_is_five_minutes_either_way(apart: int, is_right: bool) -> None:
    assert signing.is_in_time(HEADER.timestamp, now=HEADER.timestamp + apart) is is_right
