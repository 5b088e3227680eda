"""Rooftop solar as pages show it, and which plants a month's computation is of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from cis.feed_in import masked
from cis.models import FeedInPayment, FeedInPrice, FeedInStep, PayoutBatch, PayoutLine, SolarPlant
from cis.queries.due_accounts import routes_due
from config.shared.errors import NotFound
from config.shared.periods import add_months, reading_date


@dataclass(frozen=True, slots=True)
class Due:
    """A plant that a cycle's payment is due for, with the price that holds for it, if there is one."""

    plant_id: int
    account_id: int
    account_no: str
    start: date
    end: date
    price_id: int
    """0 where none holds"""
    price_e8: int
    subsidy_e8: int


# The price is that of the province, the plant's kind and its day of connection; it must hold for the whole period.
_DUE = """
SELECT p.id, a.id, a.account_no, GREATEST(r.start_on, p.connected_on), LEAST(r.end_on, p.closed_on),
       coalesce(price.id, 0), coalesce(price.price_e8, 0), coalesce(price.subsidy_e8, 0)
FROM unnest(%(routes)s::bigint[], %(starts)s::date[], %(ends)s::date[]) AS r(route_id, start_on, end_on)
JOIN cis_account a ON a.route_id = r.route_id
JOIN cis_solar_plant p ON p.account_id = a.id AND p.connected_on < r.end_on
     AND (p.closed_on IS NULL OR p.closed_on > r.start_on)
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> (LEAST(r.end_on, p.closed_on) - 1)
LEFT JOIN cis_tariff t ON t.id = c.tariff_id
LEFT JOIN LATERAL (
    SELECT f.id, f.price_e8, f.subsidy_e8 FROM cis_feed_in_price f
    WHERE f.kind = p.kind AND f.connected @> p.connected_on AND f.province = t.province
      AND f.valid @> daterange(GREATEST(r.start_on, p.connected_on), LEAST(r.end_on, p.closed_on))) price ON true
WHERE NOT EXISTS (SELECT 1 FROM cis_feed_in_payment done WHERE done.plant_id = p.id
                  AND done.period_start = GREATEST(r.start_on, p.connected_on))
ORDER BY a.id
"""


def due_plants(*, cycle: int, lock: bool = False) -> list[Due]:
    """The plants whose period of the cycle has no payment yet; `lock` keeps the plants until the transaction ends."""
    routes = routes_due(cycle)
    with connection.cursor() as cursor:
        cursor.execute(
            _DUE + (" FOR UPDATE OF p" if lock else ""),
            {
                "routes": [r.pk for r in routes],
                "starts": [reading_date(add_months(cycle, -r.cycle_months), r.reading_day) for r in routes],
                "ends": [reading_date(cycle, r.reading_day) for r in routes],
            },
        )
        return [Due(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment; money in fen, prices in 1e-8 yuan, energy in 0.01 kWh."""

    payment_id: int
    account_no: str
    payee: str
    card: str
    cycle: int
    period_start: date
    period_end: date
    energy_kwh_e2: int
    price_e8: int
    subsidy_e8: int
    energy_fen: int
    subsidy_fen: int
    total_fen: int
    state: str
    state_word: str
    paper_no: str
    reason: str
    """why it failed or was returned"""

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return date.fromordinal(self.period_end.toordinal() - 1)


@dataclass(frozen=True, slots=True)
class StepRow:
    """What happened to a payment."""

    state_word: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PlantRow:
    """A plant as an account's page shows it."""

    plant_id: int
    kind_word: str
    capacity_kw_e2: int
    connected_on: date
    payee: str
    bank: str
    card: str


@dataclass(frozen=True, slots=True)
class MonthSums:
    """What a cycle comes to, by state: (state, words, count, energy in 0.01 kWh, fen)."""

    by_state: tuple[tuple[str, str, int, int, int], ...]
    energy_kwh_e2: int
    total_fen: int


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A feed-in price with what it holds for."""

    kind_word: str
    regime_word: str
    connected_from: date | None
    connected_until: date | None
    valid_from: date
    valid_until: date | None
    price_e8: int
    subsidy_e8: int
    source: str


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch of payouts."""

    batch_id: int
    number: str
    state: str
    state_word: str
    count: int
    total_fen: int
    paid_fen: int
    failed: int
    asked_by: str
    approved_by: str
    made_at: datetime


def month_sums(cycle: int) -> MonthSums:
    """What a cycle comes to."""
    rows = {
        row["state"]: row
        for row in FeedInPayment.objects.filter(cycle=cycle)
        .values("state")
        .annotate(n=Count("pk"), kwh=Sum("energy_kwh_e2"), fen=Sum("total_fen"))
    }
    by_state = tuple(
        (state.value, _(state.label), rows[state]["n"], rows[state]["kwh"], rows[state]["fen"])
        for state in FeedInPayment.State
        if state in rows
    )
    return MonthSums(by_state, sum(row[3] for row in by_state), sum(row[4] for row in by_state))


def list_payments(*, cycle: int | None = None, account_id: int | None = None, limit: int = 200) -> list[PaymentRow]:
    """Payments of a cycle by account, or of an account newest first."""
    rows = FeedInPayment.objects.select_related("plant", "account")
    if cycle is not None:
        rows = rows.filter(cycle=cycle).order_by("account__account_no")
    if account_id is not None:
        rows = rows.filter(account_id=account_id).order_by("-period_start")
    page = list(rows[:limit])
    reasons: dict[int, str] = {}
    for payment_id, reason in (
        PayoutLine.objects.filter(payment__in=[p.pk for p in page]).order_by("pk").values_list("payment", "reason")
    ):
        reasons[payment_id] = reason
    return [_row(payment, reasons.get(payment.pk, "")) for payment in page]


def get_payment(payment_id: int) -> tuple[PaymentRow, list[StepRow]]:
    """
    One payment with all that happened to it.

    :raises NotFound: there is none
    """
    payment = FeedInPayment.objects.select_related("plant", "account").filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("没有这笔上网电费。"))
    reason = PayoutLine.objects.filter(payment=payment).order_by("-pk").values_list("reason", flat=True).first()
    steps = FeedInStep.objects.select_related("by").filter(payment=payment).order_by("pk")
    return _row(payment, reason or ""), [
        StepRow(_(FeedInPayment.State(s.state).label), s.note, s.by.display_name if s.by else "", s.at) for s in steps
    ]


def plant_of(account_id: int) -> PlantRow | None:
    """The plant behind an account, if there is one."""
    plant = SolarPlant.objects.filter(account_id=account_id, closed_on=None).first()
    if plant is None:
        return None
    return PlantRow(
        plant.pk,
        _(SolarPlant.Kind(plant.kind).label),
        plant.capacity_kw_e2,
        plant.connected_on,
        plant.payee,
        plant.bank,
        masked(plant.card_last4),
    )


def list_prices() -> list[PriceRow]:
    """Every feed-in price, newest first."""
    return [
        PriceRow(
            _(SolarPlant.Kind(row.kind).label),
            _(FeedInPrice.Regime(row.regime).label),
            row.connected.lower,
            row.connected.upper,
            row.valid.lower or date.min,
            row.valid.upper,
            row.price_e8,
            row.subsidy_e8,
            row.source,
        )
        for row in FeedInPrice.objects.order_by("-valid", "kind")
    ]


def list_batches(*, limit: int = 30) -> list[BatchRow]:
    """Batches, newest first."""
    rows = list(PayoutBatch.objects.select_related("asked_by", "approved_by").order_by("-pk")[:limit])
    sums = {
        (row["batch"], row["state"]): (row["n"], row["fen"])
        for row in PayoutLine.objects.filter(batch__in=[r.pk for r in rows])
        .values("batch", "state")
        .annotate(n=Count("pk"), fen=Sum("amount_fen"))
    }
    return [
        BatchRow(
            row.pk,
            row.number,
            row.state,
            _(PayoutBatch.State(row.state).label),
            row.count,
            row.total_fen,
            sums.get((row.pk, "paid"), (0, 0))[1],
            sums.get((row.pk, "failed"), (0, 0))[0] + sums.get((row.pk, "returned"), (0, 0))[0],
            row.asked_by.display_name,
            row.approved_by.display_name,
            row.made_at,
        )
        for row in rows
    ]


def left_out_in_words(code: str) -> str:
    """Why a plant's month could not be computed, and what to do."""
    return {
        "reading-missing": _("缺少反向总示数，请补抄。"),
        "reading-pending": _("反向总示数还没有审核。"),
        "reading-doubtful": _("反向总示数存疑，请先处理。"),
        "register-went-back": _("反向总示数变小了，请核对。"),
        "no-price": _("没有适用于整个计费期的上网电价，请先维护。"),
    }[code]


def _row(payment: FeedInPayment, reason: str) -> PaymentRow:
    plant = payment.plant
    is_wrong = payment.state in (FeedInPayment.State.FAILED, FeedInPayment.State.RETURNED)
    return PaymentRow(
        payment.pk,
        payment.account.account_no,
        plant.payee,
        masked(plant.card_last4),
        payment.cycle,
        payment.period_start,
        payment.period_end,
        payment.energy_kwh_e2,
        payment.price_e8,
        payment.subsidy_e8,
        payment.energy_fen,
        payment.subsidy_fen,
        payment.total_fen,
        payment.state,
        _(FeedInPayment.State(payment.state).label),
        payment.paper_no,
        reason if is_wrong else "",
    )
