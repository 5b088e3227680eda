"""Pure: the file of payouts the bank works off, and its answer; both with counts, totals and a digest at the end.

Orders: a head `DYX-PAYOUT,1,<batch>,<count>,<total fen>`, a line `<seq>,<reference>,<payee>,<bank>,<card>,<fen>` each,
and `END,<sha256 of all before, in hex>`. The answer: `DYX-PAYOUT-ANSWER,1,<batch>,<count>,<fen paid>`, lines
`<seq>,<reference>,<fen>,<paid|failed>,<reason>`, the same end. UTF-8, lines end in LF. A file that is not exactly so is
refused whole, with every reason and the line it stands on.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "AnswerLine",
    "BankFileRefused",
    "PayoutOrder",
    "read_answer",
    "read_orders",
    "write_answer",
    "write_orders",
]

_ORDERS, _ANSWER = "DYX-PAYOUT", "DYX-PAYOUT-ANSWER"


@dataclass(frozen=True, slots=True)
class PayoutOrder:
    """One sum to one card."""

    seq: int
    reference: str
    payee: str
    bank: str
    card_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What became of one order."""

    seq: int
    reference: str
    amount_fen: int
    is_paid: bool
    reason: str


class BankFileRefused(Exception):
    """The file is not what it must be; `faults` are (line, what) pairs, line 0 for the file as a whole."""

    def __init__(self, faults: Sequence[tuple[int, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"line {line}: {what}" for line, what in faults))


def write_orders(batch_no: str, orders: Sequence[PayoutOrder]) -> str:
    """Return the file of a batch."""
    rows = [(o.seq, o.reference, o.payee, o.bank, o.card_no, o.amount_fen) for o in orders]
    return _written((_ORDERS, 1, batch_no, len(orders), sum(o.amount_fen for o in orders)), rows)


def write_answer(batch_no: str, lines: Sequence[AnswerLine]) -> str:
    """Return an answer file."""
    rows = [(a.seq, a.reference, a.amount_fen, "paid" if a.is_paid else "failed", a.reason) for a in lines]
    return _written((_ANSWER, 1, batch_no, len(lines), sum(a.amount_fen for a in lines if a.is_paid)), rows)


def read_orders(text: str) -> tuple[str, list[PayoutOrder]]:
    """Return batch and orders; raises BankFileRefused."""
    batch_no, count, total, rows = _read(text, _ORDERS, 6)
    orders: list[PayoutOrder] = []
    faults: list[tuple[int, str]] = []
    for line, row in rows:
        if not row[0].isdecimal() or not row[5].isdecimal() or int(row[5]) == 0 or not all(row):
            faults.append((line, "a field is empty or not a number"))
            continue
        orders.append(PayoutOrder(int(row[0]), row[1], row[2], row[3], row[4], int(row[5])))
    _refuse_sums(faults, [(o.seq, o.reference) for o in orders], count, total, sum(o.amount_fen for o in orders))
    return batch_no, orders


def read_answer(text: str, *, batch_no: str, orders: Sequence[PayoutOrder] | Sequence[AnswerLine]) -> list[AnswerLine]:
    """
    Return what became of each order of the batch, in their order; raises BankFileRefused.

    Every order must be answered exactly once, with its own reference and amount; `orders` needs `seq`, `reference` and
    `amount_fen` only.
    """
    found_no, count, total, rows = _read(text, _ANSWER, 5)
    faults: list[tuple[int, str]] = []
    if found_no != batch_no:
        faults.append((1, f"it answers batch {found_no}, not {batch_no}"))
    expected = {order.seq: order for order in orders}
    lines: dict[int, AnswerLine] = {}
    for line, row in rows:
        if not row[0].isdecimal() or not row[2].isdecimal() or row[3] not in ("paid", "failed"):
            faults.append((line, "a field cannot be read"))
            continue
        answer = AnswerLine(int(row[0]), row[1], int(row[2]), row[3] == "paid", row[4])
        order = expected.get(answer.seq)
        if order is None or answer.seq in lines:
            faults.append((line, f"order {answer.seq} is unknown or answered twice"))
        elif (answer.reference, answer.amount_fen) != (order.reference, order.amount_fen):
            faults.append((line, f"order {answer.seq} has another reference or amount"))
        elif not answer.is_paid and not answer.reason:
            faults.append((line, f"order {answer.seq} failed without a reason"))
        lines.setdefault(answer.seq, answer)
    for seq in sorted(set(expected) - set(lines)):
        faults.append((0, f"order {seq} is not answered"))
    paid = sum(answer.amount_fen for answer in lines.values() if answer.is_paid)
    _refuse_sums(faults, [(a.seq, a.reference) for a in lines.values()], count, total, paid)
    return [lines[order.seq] for order in orders]


def _written(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    body = out.getvalue()
    return f"{body}END,{_digest(body)}\n"


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def _read(text: str, kind: str, width: int) -> tuple[str, int, int, list[tuple[int, list[str]]]]:
    body, _, end = text.rstrip("\n").rpartition("\n")
    whole = f"{body}\n"
    if not body or not end.startswith("END,"):
        raise BankFileRefused([(0, "the file does not end with END: it is cut short")])
    if end != f"END,{_digest(whole)}":
        raise BankFileRefused([(0, "the digest at the end is not that of the file")])
    rows = list(csv.reader(io.StringIO(body)))
    head = rows[0]
    if len(head) != 5 or head[:2] != [kind, "1"] or not head[3].isdecimal() or not head[4].isdecimal():
        raise BankFileRefused([(1, f"the head is not that of {kind} 1")])
    faults = [(line, f"{len(row)} fields, not {width}") for line, row in enumerate(rows[1:], 2) if len(row) != width]
    if faults:
        raise BankFileRefused(faults)
    return head[2], int(head[3]), int(head[4]), list(enumerate(rows[1:], 2))


def _refuse_sums(
    faults: list[tuple[int, str]], keys: Sequence[tuple[int, str]], count: int, total: int, found: int
) -> None:
    if len(keys) != count:
        faults.append((1, f"the head counts {count} lines, there are {len(keys)}"))
    if total != found:
        faults.append((1, f"the head says {total} fen, the lines {found}"))
    for place in (0, 1):
        if len({key[place] for key in keys}) != len(keys):
            faults.append((0, "a number or reference stands twice"))
    if faults:
        raise BankFileRefused(faults)
