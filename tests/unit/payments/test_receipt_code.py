"""The code on a receipt: nothing in it can be changed, it can be written in one way only."""

from __future__ import annotations

import string
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.signing.receipt_code import (
    ReceiptFacts,
    is_signed,
    key_id_of,
    mask_account,
    new_key_pair,
    read_code,
    write_code,
)

PRIVATE, PUBLIC = new_key_pair()
ADDRESS = "https://95598.example.test/verify/"
PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " \n\u3000户０"


def facts(**changed: Any) -> ReceiptFacts:
    values = {
        "key_id": key_id_of(PUBLIC),
        "receipt_no": "202611220000000042",
        "amount_fen": 18_640,
        "paid_on": date(2026, 11, 22),
        "account": mask_account("4290000003"),
        "method": "wechat",
        "issuer": "湖北省电力公司",
        **changed,
    }
    return ReceiptFacts(**values)


CODE = write_code(facts(), address=ADDRESS, private_key=PRIVATE)


def is_genuine(text: str) -> bool:
    code = read_code(text)
    return code is not None and is_signed(code, PUBLIC)


class TestACode:
    def test_gives_back_what_it_says(self) -> None:
        code = read_code(CODE)

        assert code is not None and code.facts == facts() and is_signed(code, PUBLIC)
        assert CODE.startswith(f"{ADDRESS}DYX1.") and CODE.endswith("/") and len(CODE) < 260

    @pytest.mark.parametrize("place", range(len(CODE)))
    def test_with_any_one_character_changed_is_refused(self, place: int) -> None:
        others = [one for one in PRINTABLE if one != CODE[place]]

        assert not [one for one in others if is_genuine(f"{CODE[:place]}{one}{CODE[place + 1 :]}")]

    @given(st.integers(0, len(CODE) - 1), st.characters())
    def test_with_any_character_of_the_world_in_any_place_is_refused(self, place: int, other: str) -> None:
        changed = f"{CODE[:place]}{other}{CODE[place + 1 :]}"

        assert is_genuine(changed) == (changed == CODE)

    @given(st.integers(0, len(CODE)), st.text(max_size=4))
    def test_with_anything_added_or_cut_off_is_refused(self, place: int, more: str) -> None:
        assert is_genuine(f"{CODE[:place]}{more}{CODE[place:]}") == (not more)
        assert is_genuine(CODE[:place]) == (place == len(CODE))

    def test_of_another_key_is_refused(self) -> None:
        theirs, _public = new_key_pair()

        assert not is_genuine(write_code(facts(), address=ADDRESS, private_key=theirs))

    @given(
        st.integers(1, 10**13),
        st.dates(date(2000, 1, 1), date(2099, 12, 31)),
        st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable()),
    )
    def test_carries_any_amount_day_and_issuer(self, fen: int, day: date, issuer: str) -> None:
        said = facts(amount_fen=fen, paid_on=day, issuer=issuer)

        code = read_code(write_code(said, address=ADDRESS, private_key=PRIVATE))

        assert code is not None and code.facts == said and is_signed(code, PUBLIC)

    def test_shows_four_characters_of_an_account(self) -> None:
        assert mask_account("4290000003") == "xxxxxx0003" and mask_account("0003") == "x0003"
