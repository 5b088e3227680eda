"""RSA2 signatures: what is signed, and that nothing else passes."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st

from payments.signing import rsa2

PRIVATE, PUBLIC = rsa2.new_key_pair()
OTHER_PRIVATE, _OTHER_PUBLIC = rsa2.new_key_pair()
NOTICE = {
    "app_id": "dayingxiao",
    "out_trade_no": "W0001",
    "total_amount": "186.40",
    "timestamp": "1770080400",
    "nonce": "n-1",
}
SIGNATURE = rsa2.sign(NOTICE, PRIVATE)


class TestTheSignedText:
    def test_is_sorted_and_leaves_out_signature_and_empty_values(self) -> None:
        fields = {"b": "2", "a": "1", "sign": "x", "sign_type": "RSA2", "c": ""}

        assert rsa2.text_to_sign(fields) == "a=1&b=2"

    def test_keeps_values_as_they_are(self) -> None:
        assert rsa2.text_to_sign({"subject": "电费 100%"}) == "subject=电费 100%"


class TestASignature:
    def test_passes_for_the_fields_it_was_made_of(self) -> None:
        assert rsa2.is_signed(NOTICE, SIGNATURE, PUBLIC)

    def test_of_somebody_else_fails(self) -> None:
        assert not rsa2.is_signed(NOTICE, rsa2.sign(NOTICE, OTHER_PRIVATE), PUBLIC)

    @settings(max_examples=60, deadline=None)
    @given(name=st.sampled_from(sorted(NOTICE)), place=st.integers(0, 30), character=st.characters(codec="utf-8"))
    def test_fails_when_any_character_changes(self, name: str, place: int, character: str) -> None:
        value = NOTICE[name]
        at = place % len(value)
        changed = {**NOTICE, name: value[:at] + character + value[at + 1 :]}

        assert rsa2.is_signed(changed, SIGNATURE, PUBLIC) == (changed == NOTICE)

    @settings(max_examples=30, deadline=None)
    @given(place=st.integers(0, 255), bit=st.integers(0, 7))
    def test_fails_when_any_bit_of_it_changes(self, place: int, bit: int) -> None:
        raw = bytearray(base64.b64decode(SIGNATURE))
        raw[place] ^= 1 << bit

        assert not rsa2.is_signed(NOTICE, base64.b64encode(bytes(raw)).decode(), PUBLIC)

    def test_that_is_no_base64_or_empty_fails(self) -> None:
        for wrong in ("", "###", "AAAA", "电"):
            assert not rsa2.is_signed(NOTICE, wrong, PUBLIC)

    def test_fails_when_a_field_is_added_or_taken_away(self) -> None:
        assert not rsa2.is_signed({**NOTICE, "more": "1"}, SIGNATURE, PUBLIC)
        assert not rsa2.is_signed({k: v for k, v in NOTICE.items() if k != "nonce"}, SIGNATURE, PUBLIC)


def test_another_writing_of_the_same_signature_is_none() -> None:
    """The last character before the padding holds bits that say nothing: they must be as they were."""
    private, public = rsa2.new_key_pair()
    signature = rsa2.sign({"a": "1"}, private)
    assert signature.endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(signature[-3]) ^ 1]

    assert rsa2.is_signed({"a": "1"}, signature, public)
    assert not rsa2.is_signed({"a": "1"}, f"{signature[:-3]}{other}==", public)
