"""Rooftop solar: plants and prices are entered, months computed, confirmed and papered; `payouts` pays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.feed_in import earned, exported_kwh_e2, is_card_no
from cis.models import Account, FeedInPayment, FeedInPrice, FeedInStep, SolarPlant
from cis.models.ledger import TransferKind
from cis.operations import ledger
from cis.queries.export_registers import Exported, exported
from cis.queries.feed_in import Due, due_plants
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.periods import is_cycle

State = FeedInPayment.State


class PlantRefused(BadInput):
    """The plant lacks something, or its card's number is wrong."""

    code = "plant-refused"


class PlantIsThere(Refused):
    """The account has a plant."""

    code = "plant-is-there"


class PriceRefused(BadInput):
    """The price lacks a source, or covers no days."""

    code = "feed-in-price-refused"


class PriceOverlaps(Refused):
    """There is a price for some of these plants and days."""

    code = "feed-in-price-overlaps"


class NotInThatState(Refused):
    """The payment is elsewhere on its road."""

    code = "feed-in-not-in-that-state"


class PaperRefused(BadInput):
    """The number of the invoice is missing or used."""

    code = "feed-in-paper-refused"


@dataclass(frozen=True)
class Computed:
    """How many payments were made, and of which accounts none could be, with the reason's code."""

    made: int
    left_out: Mapping[str, str]


def register_plant(
    *,
    account_id: int,
    kind: str,
    capacity_kw_e2: int,
    connected_on: date,
    payee: str,
    bank: str,
    card_no: str,
) -> int:
    """
    Register the plant behind an account and where its owner is paid; its id.

    :raises PlantRefused: a field is missing or the card's check digit is wrong
    :raises PlantIsThere: the account has one
    :raises NotFound: no such account
    """
    card_no = _card(card_no)
    if kind not in SolarPlant.Kind.values or capacity_kw_e2 <= 0 or not payee.strip() or not bank.strip():
        text = _("请填写种类、容量、收款人和开户银行。")
        raise PlantRefused(text, errors=[{"pointer": "/payee", "detail": text}])
    if not Account.objects.filter(pk=account_id).exists():
        raise NotFound(_("没有找到这个户号。"))
    try:
        with transaction.atomic():
            return SolarPlant.objects.create(
                account_id=account_id,
                kind=kind,
                capacity_kw_e2=capacity_kw_e2,
                connected_on=connected_on,
                payee=payee.strip()[:200],
                bank=bank.strip()[:200],
                card_no=card_no,
                card_last4=card_no[-4:],
            ).pk
    except IntegrityError as error:
        if "one_plant_per_account" not in str(error):
            raise
        raise PlantIsThere(_("这个户已经登记了光伏电站。")) from error


def change_card(*, plant_id: int, payee: str, bank: str, card_no: str) -> None:
    """
    Pay the owner to another card from the next batch on.

    :raises PlantRefused: a field is missing or the card's check digit is wrong
    :raises NotFound: no such plant
    """
    card_no = _card(card_no)
    if not payee.strip() or not bank.strip():
        text = _("请填写收款人和开户银行。")
        raise PlantRefused(text, errors=[{"pointer": "/payee", "detail": text}])
    with transaction.atomic():
        plant = SolarPlant.objects.select_for_update().filter(pk=plant_id).first()
        if plant is None:
            raise NotFound(_("没有这个光伏电站。"))
        plant.payee, plant.bank = payee.strip()[:200], bank.strip()[:200]
        plant.card_no, plant.card_last4 = card_no, card_no[-4:]
        plant.version += 1
        plant.save(update_fields=["payee", "bank", "card_no", "card_last4", "version"])


def _card(text: str) -> str:
    digits = text.replace(" ", "")
    if not is_card_no(digits):
        words = _("银行卡号不对，请逐位核对。")
        raise PlantRefused(words, errors=[{"pointer": "/card_no", "detail": words}])
    return digits


def add_price(
    *,
    province: str,
    kind: str,
    regime: str,
    connected_from: date | None,
    connected_until: date | None,
    valid_from: date,
    valid_until: date | None,
    price_e8: int,
    subsidy_e8: int,
    source: str,
) -> int:
    """
    Enter what plants connected in [connected_from, connected_until) earn a kWh in [valid_from, valid_until); its id.

    :raises PriceRefused: no source, unknown kind or regime, a negative price, no days
    :raises PriceOverlaps: there is one for some of these plants and days
    """
    known = kind in SolarPlant.Kind.values and regime in FeedInPrice.Regime.values
    if not known or not source.strip() or not province.strip() or price_e8 < 0 or subsidy_e8 < 0:
        text = _("请填写省份、种类、价格和出处。")
        raise PriceRefused(text, errors=[{"pointer": "/source", "detail": text}])
    if (valid_until and valid_until <= valid_from) or (
        connected_from and connected_until and connected_until <= connected_from
    ):
        text = _("结束日期须在开始日期之后。")
        raise PriceRefused(text, errors=[{"pointer": "/valid_until", "detail": text}])
    try:
        with transaction.atomic():
            return FeedInPrice.objects.create(
                province=province.strip(),
                kind=kind,
                regime=regime,
                connected=DateRange(connected_from, connected_until),
                valid=DateRange(valid_from, valid_until),
                price_e8=price_e8,
                subsidy_e8=subsidy_e8,
                source=source.strip(),
            ).pk
    except IntegrityError as error:
        if "one_feed_in_price_at_a_time" not in str(error):
            raise
        raise PriceOverlaps(_("这些电站在这段时间已有上网电价，请先调整它的起止。")) from error


def compute_month(*, cycle: int, by_id: int | None, at: datetime) -> Computed:
    """
    Compute what every plant fed in in its period of the cycle earns; plants that are computed stay as they are.

    A fixed number of statements, whatever the number of plants.

    :raises PlantRefused: not a month
    """
    if not is_cycle(cycle):
        text = _("月份请写成 202602 这样的六位数字。")
        raise PlantRefused(text, errors=[{"pointer": "/cycle", "detail": text}])
    left_out: dict[str, str] = {}
    with transaction.atomic():
        due = due_plants(cycle=cycle, lock=True)
        fed = exported({one.account_id: (one.start, one.end) for one in due})
        rows: list[FeedInPayment] = []
        for one in due:
            why_not = _why_not(one, fed[one.account_id])
            if why_not:
                left_out[one.account_no] = why_not
                continue
            rows.append(_payment(one, fed[one.account_id], cycle, at))
        made = FeedInPayment.objects.bulk_create(rows, batch_size=1000)
        note_steps(made, by_id=by_id, at=at)
    return Computed(len(made), left_out)


def _why_not(one: Due, fed: Exported) -> str:
    if fed.why_not:
        return fed.why_not
    if not one.price_id:
        return "no-price"
    try:
        exported_kwh_e2(fed.stretches)
    except ValueError:
        return "register-went-back"
    return ""


def _payment(one: Due, fed: Exported, cycle: int, at: datetime) -> FeedInPayment:
    energies = exported_kwh_e2(fed.stretches)
    energy = sum(energies)
    money = earned(energy, price_e8=one.price_e8, subsidy_e8=one.subsidy_e8)
    return FeedInPayment(
        plant_id=one.plant_id,
        account_id=one.account_id,
        cycle=cycle,
        period_start=one.start,
        period_end=one.end,
        stretches=[
            {
                "installation_id": s.installation_id,
                "from_on": s.from_on.isoformat(),
                "to_on": s.to_on.isoformat(),
                "from_value_e4": s.from_value_e4,
                "to_value_e4": s.to_value_e4,
                "multiplier": s.multiplier,
                "is_rollover": s.is_rollover,
                "energy_kwh_e2": kwh,
            }
            for s, kwh in zip(fed.stretches, energies, strict=True)
        ],
        energy_kwh_e2=energy,
        price_id=one.price_id,
        price_e8=one.price_e8,
        subsidy_e8=one.subsidy_e8,
        energy_fen=money.energy_fen,
        subsidy_fen=money.subsidy_fen,
        total_fen=money.total_fen,
        state=State.COMPUTED if money.total_fen else State.NOTHING,
        computed_at=at,
    )


def confirm_month(*, cycle: int, by_id: int, at: datetime) -> int:
    """
    Confirm what was computed for a cycle: it is owed and booked, households get the utility's own invoice number.

    Gives how many. Nothing else in the ledger moves: no bill knows of it.
    """
    with transaction.atomic():
        payments = list(
            FeedInPayment.objects.select_for_update(of=("self",))
            .select_related("plant")
            .filter(cycle=cycle, state=State.COMPUTED)
            .order_by("pk")
        )
        if not payments:
            return 0
        _post_owed(payments, by_id=by_id, at=at)
        FeedInPayment.objects.filter(pk__in=[p.pk for p in payments]).update(state=State.CONFIRMED)
        note_steps(payments, by_id=by_id, at=at, state=State.CONFIRMED)
        own = [p for p in payments if p.plant.kind == SolarPlant.Kind.HOUSEHOLD]
        for payment in own:
            payment.state, payment.paper_no = State.PAPERED, f"DK{payment.cycle}{payment.pk:08d}"
        FeedInPayment.objects.bulk_update(own, ["state", "paper_no"], batch_size=1000)
        note_steps(own, by_id=by_id, at=at, state=State.PAPERED, note=_("代开发票"))
    return len(payments)


def _post_owed(payments: Sequence[FeedInPayment], *, by_id: int, at: datetime) -> None:
    payable = ledger.control_id("FEED_IN_PAYABLE")
    legs = ((1, "FEED_IN_COST", "energy_fen"), (2, "SUBSIDY_RECEIVABLE", "subsidy_fen"))
    ledger.post(
        [
            ledger.Posting(
                kind=TransferKind.FEED_IN_OWED,
                document_id=payment.pk,
                leg=leg,
                account_id=payment.account_id,
                debit_id=ledger.control_id(control),
                credit_id=payable,
                amount_fen=getattr(payment, field),
            )
            for payment in payments
            for leg, control, field in legs
            if getattr(payment, field)
        ],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=by_id,
    )


def take_paper(*, payment_id: int, paper_no: str, by_id: int, at: datetime) -> None:
    """
    Note the invoice that a business issued for a payment; then it can be paid.

    :raises NotFound: no such payment
    :raises NotInThatState: it does not wait for an invoice
    :raises PaperRefused: no number, or it was used
    """
    paper_no = paper_no.strip()
    if not 0 < len(paper_no) <= 64:
        text = _("请填写发票号码。")
        raise PaperRefused(text, errors=[{"pointer": "/paper_no", "detail": text}])
    with transaction.atomic():
        payment = locked_payment(payment_id)
        if payment.state != State.CONFIRMED:
            raise NotInThatState(_("这笔上网电费不在等发票，不用再登记。"))
        payment.state, payment.paper_no = State.PAPERED, paper_no
        try:
            with transaction.atomic():
                payment.save(update_fields=["state", "paper_no"])
        except IntegrityError as error:
            text = _("这张发票已经用于另一笔上网电费。")
            raise PaperRefused(text, errors=[{"pointer": "/paper_no", "detail": text}]) from error
        note_steps([payment], by_id=by_id, at=at, note=paper_no)


def locked_payment(payment_id: int) -> FeedInPayment:
    """
    The payment, locked.

    :raises NotFound: there is none
    """
    payment = FeedInPayment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise NotFound(_("没有这笔上网电费。"))
    return payment


def note_steps(
    payments: Sequence[FeedInPayment], *, by_id: int | None, at: datetime, state: str = "", note: str = ""
) -> None:
    """Write what happened to each of these payments; without a state, the one it has."""
    steps: list[Any] = [
        FeedInStep(payment=payment, state=state or payment.state, note=note[:200], by_id=by_id, at=at)
        for payment in payments
    ]
    FeedInStep.objects.bulk_create(steps, batch_size=1000)
