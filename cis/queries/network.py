"""The network as service needs it: transformer districts, and who lives behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import connection

from cis.models import Account, MeteringPoint, Premise, TransformerDistrict
from config.shared.permissions import in_scope
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class TransformerDistrictRow:
    """A transformer district (台区) with the feeder it hangs on and the county whose substation feeds it."""

    transformer_district_id: int
    code: str
    name: str
    feeder_name: str
    county_id: int
    is_dedicated: bool


@dataclass(frozen=True, slots=True)
class PersonBehind:
    """
    Somebody who is supplied behind a transformer district: the customer, or a person of the portal who lives there.

    `person_key` is the same for the same telephone, however many accounts, customers or portal users share it.
    `sealed_phone` is still encrypted; empty where none is known.
    """

    account_id: int
    transformer_district_id: int
    person_key: str
    customer_id: int | None
    user_id: int | None
    language: str
    sealed_phone: str


def list_transformer_districts(
    *, ids: Iterable[int] | None = None, within: Sequence[str] | None = None
) -> list[TransformerDistrictRow]:
    """Transformer districts in the order of their codes: those of `ids`, those of the organisation paths `within`."""
    rows = TransformerDistrict.objects.filter(in_scope("feeder__substation__org_unit", within))
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return [
        TransformerDistrictRow(
            row.pk, row.code, row.name, row.feeder.name, row.feeder.substation.org_unit_id, row.is_dedicated
        )
        for row in rows.select_related("feeder__substation").order_by("code")
    ]


def transformers_by_code(codes: Iterable[str]) -> dict[str, int]:
    """Code to id of these transformer districts; those that do not exist are left out; one statement."""
    return dict(TransformerDistrict.objects.filter(code__in=list(codes)).values_list("code", "pk"))


def addresses_behind(transformer_district_ids: Iterable[int]) -> dict[int, str]:
    """One supply address behind each of these transformer districts; those with none are left out."""
    rows = Premise.objects.filter(transformer_district_id__in=list(transformer_district_ids))
    return dict(rows.order_by("-pk").values_list("transformer_district_id", "address"))


def transformers_of_accounts(account_ids: Iterable[int]) -> dict[int, int]:
    """Account id to the transformer district its premise hangs on; one statement."""
    rows = Account.objects.filter(pk__in=list(account_ids))
    return dict(rows.values_list("pk", "premise__transformer_district_id"))


def transformers_of_points(point_ids: Iterable[int]) -> dict[int, int]:
    """Metering point id to the transformer district its premise hangs on; one statement."""
    rows = MeteringPoint.objects.filter(pk__in=list(point_ids))
    return dict(rows.values_list("pk", "premise__transformer_district_id"))


def accounts_behind(transformer_district_ids: Iterable[int]) -> dict[int, int]:
    """How many open accounts hang on each of these transformer districts; those with none are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.transformer_district_id, count(*) FROM cis_account a JOIN cis_premise p ON p.id = a.premise_id "
            "WHERE a.state = 'open' AND p.transformer_district_id = ANY(%s) GROUP BY 1",
            [list(transformer_district_ids)],
        )
        return dict(cursor.fetchall())


# Who lives or works behind a transformer: the customer of each open account, and whoever of the portal is bound to it
# as somebody who is there. Who only pays for it elsewhere is not concerned. A customer whose telephone is that of a
# person of the portal is that person, and has an inbox.
_PEOPLE = """
WITH homes AS (
    SELECT a.id, a.customer_id, p.transformer_district_id
    FROM cis_account a JOIN cis_premise p ON p.id = a.premise_id
    WHERE a.state = 'open' AND p.transformer_district_id = ANY(%(transformers)s)
), people AS (
    SELECT h.id AS account_id, h.transformer_district_id, h.customer_id, u.id AS user_id,
           c.phone_index AS telephone_index, c.phone
    FROM homes h JOIN cis_customer c ON c.id = h.customer_id
    LEFT JOIN cis_portal_person pp ON pp.telephone_index = c.phone_index
    LEFT JOIN shared_user u ON u.id = pp.user_id AND u.is_active
    UNION ALL
    SELECT h.id, h.transformer_district_id, NULL, pa.user_id, pp.telephone_index, pp.telephone
    FROM homes h
    JOIN cis_portal_access pa ON pa.account_id = h.id AND pa.ended_at IS NULL AND pa.role <> 'payer'
         AND (pa.from_on IS NULL OR pa.from_on <= %(today)s) AND (pa.until_on IS NULL OR pa.until_on >= %(today)s)
    JOIN cis_portal_person pp ON pp.user_id = pa.user_id
    JOIN shared_user u ON u.id = pa.user_id AND u.is_active
), told AS (
    SELECT account_id, transformer_district_id, customer_id, user_id, phone, telephone_index,
           CASE WHEN telephone_index IS NULL THEN 'c' || customer_id ELSE 't' || encode(telephone_index, 'hex') END
             AS person_key
    FROM people
)
SELECT t.account_id, t.transformer_district_id, t.person_key, max(t.customer_id), max(t.user_id),
       max(coalesce(u.language, '')), coalesce(max(t.phone) FILTER (WHERE t.telephone_index IS NOT NULL), '')
FROM told t LEFT JOIN shared_user u ON u.id = t.user_id
GROUP BY 1, 2, 3
ORDER BY 1, 3
"""


def people_behind(transformer_district_ids: Iterable[int], *, today: date) -> list[PersonBehind]:
    """
    Everybody who is supplied behind these transformer districts on a day, one row an account and person; one statement.

    The customer of each open account, and those who are bound to it in the portal as owner, tenant, family or agent.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"transformers": list(transformer_district_ids), "today": today})
        return [
            PersonBehind(account, transformer, key, customer, user, language or settings.LANGUAGE_CODE, phone)
            for account, transformer, key, customer, user, language, phone in cursor.fetchall()
        ]


@dataclass(frozen=True, slots=True)
class AccountBrief:
    """An account in one line of a list: what it is called, hidden as it may be shown to whoever looks on."""

    account_id: int
    account_no: str
    masked_name: str
    address: str
    phone_masked: str
    open_fen: int
    oldest_due_on: date | None


# Of a long name no more stars are shown than tell that there is more of it.
_SHOWN_OF_NAME = 3

_BRIEFS = """
SELECT a.id, a.account_no, c.name, p.address, c.phone_last4, coalesce(b.open_fen, 0), b.oldest
FROM cis_account a
JOIN cis_customer c ON c.id = a.customer_id
JOIN cis_premise p ON p.id = a.premise_id
LEFT JOIN LATERAL (SELECT sum(x.open_fen)::bigint AS open_fen, min(x.due_on) AS oldest
                   FROM cis_bill x WHERE x.account_id = a.id AND x.open_fen > 0) b ON true
"""


def briefs_of(account_ids: Iterable[int]) -> dict[int, AccountBrief]:
    """Accounts by id; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_BRIEFS} WHERE a.id = ANY(%s)", [list(account_ids)])
        return {row[0]: _brief(row) for row in cursor.fetchall()}


def arrears_behind(
    transformer_district_ids: Iterable[int], *, today: date, limit: int
) -> tuple[list[AccountBrief], int, int]:
    """
    Accounts behind these transformer districts with bills past their day, the largest sums first.

    Gives at most `limit` of them, how many there are, and what all of them owe together in fen.
    """
    overdue = (
        f"{_BRIEFS} WHERE p.transformer_district_id = ANY(%(places)s) AND b.oldest < %(today)s "
        "ORDER BY b.open_fen DESC, a.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(overdue, {"places": list(transformer_district_ids), "today": today})
        rows = [_brief(row) for row in cursor.fetchall()]
    return rows[:limit], len(rows), sum(row.open_fen for row in rows)


def _brief(row: tuple[Any, ...]) -> AccountBrief:
    account_id, account_no, name, address, last4, open_fen, oldest = row
    return AccountBrief(
        account_id,
        account_no,
        mask_name(name[:_SHOWN_OF_NAME]),
        address,
        f"*******{last4}" if last4 else "",
        open_fen,
        oldest,
    )


def sealed_phones(*, customer_ids: Iterable[int], user_ids: Iterable[int]) -> tuple[dict[int, str], dict[int, str]]:
    """Telephones, still encrypted, of customers and of people of the portal; two statements."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, phone FROM cis_customer WHERE id = ANY(%s) AND phone <> ''", [list(customer_ids)])
        customers = dict(cursor.fetchall())
        cursor.execute("SELECT user_id, telephone FROM cis_portal_person WHERE user_id = ANY(%s)", [list(user_ids)])
        return customers, dict(cursor.fetchall())


def names_behind(transformer_district_ids: Iterable[int]) -> set[str]:
    """The names of the customers behind these transformer districts, for checking that a text names none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.name FROM cis_account a JOIN cis_premise p ON p.id = a.premise_id "
            "JOIN cis_customer c ON c.id = a.customer_id "
            "WHERE a.state = 'open' AND p.transformer_district_id = ANY(%s)",
            [list(transformer_district_ids)],
        )
        return {row[0] for row in cursor.fetchall()}
