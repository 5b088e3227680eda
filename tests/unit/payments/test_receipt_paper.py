"""What a receipt's paper shows: every character drawn, whatever the name holds."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pypdf
import pytest
from fontTools.cffLib import CFFFontSet
from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont

from config.shared.errors import NotFound
from payments.queries import PaymentRow, Receipt, ReceiptPart
from payments.receipts import Paper, receipt_no_in, render_receipt, verification_token

RARE = "㐂𠮷龘"
URL = "https://example.test/receipts/token/"


def receipt(**changed: Any) -> Receipt:
    row = PaymentRow(
        payment_id=42,
        receipt_no="202602030000000042",
        account_no="4290000003",
        masked_name="张*",
        amount_fen=123_456,
        prepaid_fen=456,
        method="cash",
        method_word="现金",
        reference="",
        received_at=datetime(2026, 2, 3, 1, 0, tzinfo=UTC),
        business_date=date(2026, 2, 3),
        hall="东湖营业厅",
        clerk="陈静",
        clerk_id=3,
        is_reversed=False,
        reversal_reason="",
    )
    parts = (ReceiptPart("2026010000000007", "2026-01", 123_000),)
    return Receipt(payment=replace(row, **changed), account_id=7, name="张三", address="桂苑路1号", parts=parts)


def text_of(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def outline_of(pdf: bytes, character: str) -> str:
    """The drawing of a character in a face that lies in the file itself; empty where there is none but the box."""
    wanted = character.encode("utf-16-be").hex()
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for reference in page["/Resources"]["/Font"].values():  # type: ignore[index]
            font = reference.get_object()
            pairs = re.findall(rb"<([0-9a-f]+)> <([0-9a-f]+)>", font["/ToUnicode"].get_object().get_data())
            glyphs = [int(glyph, 16) for glyph, text in pairs if text.decode() == wanted]
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
            face = CFFFontSet()
            face.decompile(io.BytesIO(cff_of(descriptor["/FontFile3"].get_object().get_data())), None)
            outlines = face[0].CharStrings
            for glyph in glyphs:
                pen = SVGPathPen(None)
                name = f"cid{glyph:05d}"
                if glyph and name in outlines:
                    outlines[name].draw(pen)
                if pen.getCommands() and pen.getCommands() != box_of(outlines):
                    return pen.getCommands()
    return ""


def box_of(outlines: Any) -> str:
    """What a face draws for a character it does not have."""
    pen = SVGPathPen(None)
    outlines[".notdef"].draw(pen)
    return pen.getCommands()


def cff_of(data: bytes) -> bytes:
    """The outlines of an embedded face, bare or wrapped as OpenType."""
    if data[:4] != b"OTTO":
        return data
    return bytes(TTFont(io.BytesIO(data)).reader["CFF "])


class TestAReceipt:
    @pytest.mark.parametrize("paper", ["a4", "slip"])
    def test_says_what_was_paid_and_that_it_is_no_invoice(self, paper: Paper) -> None:
        text = text_of(render_receipt(receipt(), paper=paper, verify_url=URL))

        for words in ("不是发票", "202602030000000042", "4290000003", "张*", "东湖营业厅", "陈静", "现金"):
            assert words in text
        assert "1 234.56" in text.replace("\u2060", "").replace("\u2009", " ")

    @pytest.mark.parametrize("paper", ["a4", "slip"])
    def test_fits_one_page_and_stays_small(self, paper: Paper) -> None:
        pdf = render_receipt(receipt(), paper=paper, verify_url=URL)

        assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1
        assert len(pdf) < 300_000

    def test_draws_rare_characters_from_the_face_it_carries(self) -> None:
        pdf = render_receipt(receipt(clerk=RARE), paper="a4", verify_url=URL)

        drawings = {character: outline_of(pdf, character) for character in RARE}
        assert all(drawings.values()), drawings
        assert len(set(drawings.values())) == len(RARE)

    def test_draws_nothing_for_a_character_no_face_has(self) -> None:
        nowhere = "\U000e0f00"

        pdf = render_receipt(receipt(clerk=nowhere), paper="a4", verify_url=URL)

        assert not outline_of(pdf, nowhere)

    def test_says_that_it_is_void_once_the_payment_was_reversed(self) -> None:
        text = text_of(
            render_receipt(receipt(is_reversed=True, reversal_reason="金额录错"), paper="a4", verify_url=URL)
        )

        assert "作废" in text and "金额录错" in text

    def test_reads_nothing_that_a_text_in_it_names(self) -> None:
        pdf = render_receipt(receipt(hall='<img src="file:///etc/hostname">'), paper="a4", verify_url=URL)

        assert "file:///etc/hostname" in text_of(pdf)


class TestAVerificationToken:
    def test_gives_its_number_back_and_refuses_any_other(self) -> None:
        token = verification_token("202602030000000042")

        assert receipt_no_in(token) == "202602030000000042"
        with pytest.raises(NotFound):
            receipt_no_in(token.replace("42:", "43:"))
