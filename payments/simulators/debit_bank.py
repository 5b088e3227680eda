"""A bank that debits: reads our file as strictly as a real one, answers every row, refuses by card."""

from __future__ import annotations

from collections.abc import Mapping

from payments.matching.debit_file import Answered, Layout, read_asked, write_answered

REFUSALS = {"0": "0001", "9": "0005"}
"""what the demonstration's bank answers cards that end so: money short, card blocked"""


def answer(
    layout: Layout,
    content: bytes,
    *,
    refused: Mapping[str, str] | None = None,
    done: str = "0000",
) -> bytes:
    """
    The bank's answer to a file. `refused`: the last digits of a card to the bank's code for it; else it is debited.

    :raises DebitFileUnusable: the file is not whole; nothing is debited
    """
    head, asked = read_asked(layout, content)
    refused = REFUSALS if refused is None else refused
    rows = []
    for row in asked:
        code = next((code for ending, code in refused.items() if row.card_no.endswith(ending)), done)
        serial = f"{head.bank.upper()}{row.seq:08d}" if code == done else ""
        rows.append(Answered(row.seq, row.amount_fen, code, serial))
    return write_answered(layout, head, rows, [done]).content
