"""
One box that finds an account by anything people know about it.

Nothing here asks in which area the searcher works: every account of the utility is found in every hall. The area is
part of the answer. Only who answers for some places and no others (`behind`) finds those alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from config.shared.languages import in_language
from config.shared.names import grams_to_find, normal_text
from config.shared.personal_data import blind_index

# How many rows a branch of the search may bring before they are ranked: a family name alone matches thousands.
_PER_BRANCH = 400


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """One account that fits; `matched_by` is number, meter, phone, identity, name, initials or address."""

    account_id: int
    account_no: str
    customer_name: str
    is_enterprise: bool
    address: str
    area: str
    is_open: bool
    phone_masked: str
    meter_no: str
    open_fen: int
    matched_by: str


@dataclass(frozen=True, slots=True)
class _Branch:
    """One way to match: SQL that gives (account id, rank, how), its parameters, and which rows are cut off last."""

    sql: str
    parameters: tuple[Any, ...]
    order: str = ""

    def cut(self) -> str:
        """The statement of all accounts."""
        return f"({self.sql}{self.order} LIMIT {_PER_BRANCH})"

    def cut_behind(self) -> str:
        """The statement of the accounts behind transformer districts, one parameter more: cut after it is narrowed."""
        return (
            f"(SELECT m.id, m.rank, m.how FROM ({self.sql}) m "  # noqa: S608 - no input
            "JOIN cis_account b ON b.id = m.id JOIN cis_premise h ON h.id = b.premise_id "
            f"WHERE h.transformer_district_id = ANY(%s){self.order} LIMIT {_PER_BRANCH})"
        )


def find(
    text: str, limit: int = 20, *, today: date | None = None, behind: Collection[int] | None = None
) -> list[FoundAccount]:
    """
    Accounts that fit what somebody typed, best first: exact numbers, then exact names, then parts.

    Runs one statement to find and one to describe, whatever is found. `today` chooses the meter that hangs now; the
    latest one is named without it. `behind`: only accounts behind these transformer districts, as somebody of a service
    district looks for them.
    """
    branches = _branches(unicodedata.normalize("NFKC", text).strip())
    if not branches:
        return []
    narrowed: tuple[Any, ...] = () if behind is None else (list(behind),)
    union = " UNION ALL ".join(branch.cut() if behind is None else branch.cut_behind() for branch in branches)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, min(rank), (array_agg(how ORDER BY rank))[1] FROM ({union}) f "  # noqa: S608 - no input
            "GROUP BY id ORDER BY 2, 1 LIMIT %s",
            [value for branch in branches for value in (*branch.parameters, *narrowed)] + [limit],
        )
        hits = cursor.fetchall()
        if not hits:
            return []
        cursor.execute(_DESCRIBE, {"ids": [hit[0] for hit in hits], "today": today or date.max})
        described = {row[0]: row for row in cursor.fetchall()}
    return [_found(described[hit[0]], hit[2]) for hit in hits if hit[0] in described]


def _found(row: tuple[Any, ...], how: str) -> FoundAccount:
    account_id, account_no, name, kind, address, area, area_en, state, last4, meter_no, open_fen = row
    return FoundAccount(
        account_id=account_id,
        account_no=account_no,
        customer_name=name,
        is_enterprise=kind == "enterprise",
        address=address,
        area=in_language(area, area_en),
        is_open=state == "open",
        phone_masked=f"*******{last4}" if last4 else "",
        meter_no=meter_no or "",
        open_fen=open_fen or 0,
        matched_by=how,
    )


_DESCRIBE = """
SELECT a.id, a.account_no, c.name, c.kind, p.address, u.name, u.name_en, a.state, c.phone_last4,
       (SELECT m.meter_no FROM cis_account_point ap
        JOIN cis_meter_installation i ON i.point_id = ap.point_id JOIN cis_meter m ON m.id = i.meter_id
        WHERE ap.account_id = a.id AND lower(i.valid) <= %(today)s
        ORDER BY lower(ap.valid) DESC, lower(i.valid) DESC LIMIT 1),
       (SELECT b.debit_fen - b.credit_fen FROM cis_ledger_balance b WHERE b.ledger_account_id = a.id * 10 + 1)
FROM cis_account a
JOIN cis_customer c ON c.id = a.customer_id
JOIN cis_premise p ON p.id = a.premise_id
JOIN shared_org_unit u ON u.id = a.org_unit_id
WHERE a.id = ANY(%(ids)s)
"""


def _branches(text: str) -> list[_Branch]:
    compact = normal_text(text)
    if not compact:
        return []
    chosen: list[_Branch] = []
    for applies, make in _WAYS:
        if applies(compact):
            chosen += make(text, compact)
    return chosen


def _is_ascii(compact: str) -> bool:
    return compact.isascii()


def _by_account_no(_text: str, compact: str) -> list[_Branch]:
    pattern = _prefix(compact)
    return [
        _Branch("SELECT id, 0 AS rank, 'number' AS how FROM cis_account WHERE account_no = %s", (compact.upper(),)),
        _Branch(
            "SELECT id, 20 AS rank, 'number' AS how FROM cis_account WHERE account_no LIKE %s",
            (pattern.upper(),),
            order=" ORDER BY account_no",
        ),
    ]


def _by_meter_no(text: str, compact: str) -> list[_Branch]:
    meter = (
        "SELECT ap.account_id AS id, {rank} AS rank, 'meter' AS how FROM cis_meter m "
        "JOIN cis_meter_installation i ON i.meter_id = m.id "
        "JOIN cis_account_point ap ON ap.point_id = i.point_id AND ap.valid && i.valid WHERE m.meter_no {test}"
    )
    typed = "".join(text.split()).upper()
    return [
        _Branch(meter.format(rank="CASE WHEN upper_inf(i.valid) AND upper_inf(ap.valid) THEN 1 ELSE 30 END",
                             test="IN (%s, %s)"), (typed, compact.upper())),
        _Branch(meter.format(rank="25", test="LIKE %s"), (_prefix(typed),)),
    ]  # fmt: skip


_BY_CUSTOMER = (
    "SELECT a.id, {rank} AS rank, '{how}' AS how FROM cis_customer c JOIN cis_account a ON a.customer_id = c.id"
)


def _by_phone(_text: str, compact: str) -> list[_Branch]:
    sql = _BY_CUSTOMER.format(rank=2, how="phone") + " WHERE c.phone_index = %s"
    return [_Branch(sql, (blind_index(compact),))]


def _by_last_digits(_text: str, compact: str) -> list[_Branch]:
    return [_Branch(_BY_CUSTOMER.format(rank=10, how="phone") + " WHERE c.phone_last4 = %s", (compact,))]


def _by_identity_no(_text: str, compact: str) -> list[_Branch]:
    sql = _BY_CUSTOMER.format(rank=3, how="identity") + " WHERE c.identity_index = %s"
    return [_Branch(sql, (blind_index(compact),))]


def _by_initials(_text: str, compact: str) -> list[_Branch]:
    rank = "CASE WHEN c.name_initials = %s THEN 12 ELSE 22 END"
    sql = _BY_CUSTOMER.format(rank=rank, how="initials") + " WHERE c.name_initials LIKE %s"
    return [_Branch(sql, (compact, _prefix(compact)))]


def _by_name(text: str, compact: str) -> list[_Branch]:
    wanted = list(grams_to_find(text))
    contains = " WHERE c.name_grams @> %s::varchar[]"
    branches = [
        _Branch(
            _BY_CUSTOMER.format(rank="CASE WHEN starts_with(c.name, %s) THEN 14 ELSE 24 END", how="name") + contains,
            ("".join(text.split()), wanted),
        )
    ]
    if len(compact) > 1:
        # The exact name on its own, so that a limit on the parts can never hide it.
        exact = _BY_CUSTOMER.format(rank=4, how="name") + contains + " AND c.name = %s"
        branches.append(_Branch(exact, (wanted, text)))
    return branches


def _by_address(text: str, _compact: str) -> list[_Branch]:
    sql = (
        "SELECT a.id, CASE WHEN starts_with(p.address, %s) THEN 16 ELSE 26 END AS rank, 'address' AS how "
        "FROM cis_premise p JOIN cis_account a ON a.premise_id = p.id WHERE p.address_grams @> %s::varchar[]"
    )
    return [_Branch(sql, (text, list(grams_to_find(text))))]


def _prefix(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _is_phone(compact: str) -> bool:
    return compact.isdigit() and 7 <= len(compact) <= 13


def _is_identity_no(compact: str) -> bool:
    return len(compact) in (15, 18) and compact[:-1].isdigit()


_WAYS: tuple[tuple[Callable[[str], bool], Callable[[str, str], list[_Branch]]], ...] = (
    (lambda compact: _is_ascii(compact) and len(compact) >= 3, _by_account_no),
    (lambda compact: _is_ascii(compact) and len(compact) >= 4, _by_meter_no),
    (_is_phone, _by_phone),
    (lambda compact: compact.isdigit() and len(compact) == 4, _by_last_digits),
    (_is_identity_no, _by_identity_no),
    (lambda compact: _is_ascii(compact) and not compact.isdigit() and len(compact) >= 2, _by_initials),
    (lambda compact: not compact.isdigit(), _by_name),
    (lambda compact: not _is_ascii(compact) and len(compact) >= 2, _by_address),
)
