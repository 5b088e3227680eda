"""What the clock starts in customer information: close the day, check the books, make room for curves."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from cis.operations import (
    advances,
    agreements,
    bill_accuracy,
    bill_alerts,
    budget_plans,
    collecting,
    credit,
    disputes,
    fee_control_acts,
    fee_control_commands,
    fee_control_days,
    generation,
    integrity,
    ledger,
    partitions,
    public_holidays,
    reading_photos,
    reminders,
    settlement,
    use_drops,
    use_limits,
)
from config.celery import app
from config.shared.periods import add_months, cycle_of

log = logging.getLogger(__name__)


@app.task(acks_late=True)
def close_yesterday(**_future: object) -> None:
    """Close every business day that is over, oldest first, where the utility has not switched that off."""
    if not settings.LEDGER_AUTO_CLOSE:
        return
    for day in ledger.close_days(closed_by_id=None, at=timezone.now()):
        log.info("business day closed", extra={"day": day.isoformat()})


@app.task(acks_late=True)
def check_books(**_future: object) -> None:
    """Verify the ledger and the bulk tables; what is found stands in the log as an error."""
    found = ledger.verify_snapshot()
    for fault in found.faults:
        log.error("ledger fault", extra={"fault": fault})
    log.info("ledger verified", extra={"transfers": found.transfers, "faults": len(found.faults)})
    integrity.check_integrity()


@app.task(acks_late=True)
def make_interval_partitions(**_future: object) -> None:
    """Make the partitions of interval curves for the months ahead."""
    made = partitions.make_ahead(at=timezone.now())
    if made:
        log.info("interval partitions made", extra={"made": made})


@app.task(acks_late=True)
def open_arrears_cases(**_future: object) -> None:
    """
    Keep the holidays for the law of cuts; end agreements missed or paid off, pay what is open out of what was paid
    ahead; then open a case for every account
    with an overdue bill, close those that paid.
    """
    log.info("holidays kept", extra={"changed": public_holidays.keep(at=timezone.now())})
    log.info("budget plans looked at", extra=budget_plans.look_at_plans(at=timezone.now()))
    log.info("agreements looked at", extra=agreements.look_at_agreements(at=timezone.now()))
    log.info("prepayment applied", extra={"accounts": settlement.apply_all(at=timezone.now())})
    log.info("arrears looked at", extra=collecting.open_cases(at=timezone.now()))
    log.info("credit looked at", extra={"accounts": credit.propose(at=timezone.now())})


@app.task(acks_late=True)
def remind_of_bills(**_future: object) -> None:
    """Remind those who pay late of bills that will fall due; who pays on time hears nothing."""
    log.info("reminded of bills", extra={"messages": reminders.remind_of_bills(at=timezone.now())})


@app.task(acks_late=True)
def demand_advances(**_future: object) -> None:
    """Ask for the settlements within a month that fall due in the next days."""
    log.info("advances asked for", extra={"advances": advances.demand_advances(at=timezone.now())})


@app.task(acks_late=True)
def estimate_fee_control(**_future: object) -> None:
    """Estimate the balance of the day of everybody under fee control."""
    log.info("fee control estimated", extra={"estimate_job": fee_control_days.start_day(at=timezone.now())})


@app.task(acks_late=True)
def watch_fee_control(**_future: object) -> None:
    """Warn, stop and reconnect what is due now, and look at commands that nobody was told of."""
    done = fee_control_acts.watch(at=timezone.now())
    if done:
        log.info("fee control watched", extra=done)
    send_meter_commands()


@app.task(acks_late=True)
def send_meter_commands(**_future: object) -> None:
    """Send what is due to meters, ask for what nobody answered."""
    until = timezone.now() + timedelta(seconds=30)
    while timezone.now() < until and fee_control_commands.send_next(now=timezone.now()):
        pass


@app.task(acks_late=True)
def look_for_drops(**_future: object) -> None:
    """Look for uses that fell and stay down."""
    now = timezone.now()
    opened = use_drops.look_for_drops(until=timezone.localdate() - timedelta(days=1), at=now)
    log.info("uses judged", extra={"doubts": opened})


@app.task(acks_late=True)
def watch_bills(**_future: object) -> None:
    """Tell those who asked of running bills that pass their limits, and of prices that will change."""
    at = timezone.now()
    log.info("bills watched", extra={"messages": bill_alerts.watch_running_bills(at=at)})
    log.info("prices watched", extra={"messages": bill_alerts.tell_of_prices(at=at)})


@app.task(acks_late=True)
def watch_limits(**_future: object) -> None:
    """Tell of limits on use that are near or passed, and judge the plants' last days, for some come late."""
    now = timezone.now()
    log.info("limits watched", extra={"notices": use_limits.watch(at=now)})
    for back in (3, 2, 1):
        day = timezone.localdate() - timedelta(days=back)
        log.info("plants judged", extra={"day": day.isoformat(), "alerts": generation.watch(day=day, at=now)})


@app.task(acks_late=True)
def let_photos_go(**_future: object) -> None:
    """Delete photographs of meters whose time is over."""
    log.info("photographs let go", extra={"photos": reading_photos.let_go(at=timezone.now())})


@app.task(acks_late=True)
def watch_disputes(**_future: object) -> None:
    """Warn of customers' questions whose time runs out, and of those whose time is over."""
    told = disputes.watch(at=timezone.now())
    if told:
        log.info("answers watched", extra={"told": told})


@app.task(acks_late=True)
def publish_bill_accuracy(**_future: object) -> None:
    """Publish how many of last month's bills had to be cancelled or corrected."""
    cycle = add_months(cycle_of(timezone.localdate()), -1)
    log.info(
        "bill accuracy published",
        extra={"cycle": cycle, "units": bill_accuracy.publish_accuracy(cycle=cycle, at=timezone.now())},
    )
