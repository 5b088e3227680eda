"""What the clock starts in taking money: questions about orders of which nobody told us, and forgetting."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone

from config.celery import app
from config.shared.events import send_task
from payments import operations
from payments.operations.agents import settle_days
from payments.operations.channel_requests import forget_requests
from payments.operations.day_files import days_to_fetch, fetch_day
from payments.operations.debit_batches import answered_batches, book_answers
from payments.operations.paybacks import paybacks_to_pursue, pursue_payback
from payments.operations.webhook_sending import forget_messages, send_next

log = logging.getLogger(__name__)

# A worker stays so long with webhooks before it looks what else there is.
TURN = timedelta(seconds=5)


@app.task(acks_late=True)
def ask_about_orders(**_future: object) -> None:
    """A notice was lost or never sent: whoever paid is credited all the same, what is too late is closed."""
    silent: set[str] = set()
    for out_trade_no, channel in operations.orders_to_ask_about(at=timezone.now()):
        # A provider that does not answer is not asked about all the others now.
        if channel in silent:
            continue
        try:
            operations.ask_about_order(out_trade_no=out_trade_no, at=timezone.now())
        except operations.ProviderSilent:
            silent.add(channel)
        except Exception:
            # One order that nobody understands keeps no other from being asked about.
            log.exception("asking about an order failed", extra={"order": out_trade_no})


@app.task(acks_late=True)
def send_refunds(**_future: object) -> None:
    """Send what was approved to its provider, and ask about what the provider has not told the end of."""
    silent: set[str] = set()
    for payback_id, channel in paybacks_to_pursue(at=timezone.now()):
        # A provider that does not answer is not asked about all the others now.
        if channel in silent:
            continue
        try:
            pursue_payback(payback_id=payback_id, at=timezone.now())
        except operations.ProviderSilent:
            silent.add(channel)
        except Exception:
            # One refund that nobody understands keeps no other from its way.
            log.exception("pursuing a refund failed", extra={"payback": payback_id})


@app.task(acks_late=True)
def forget_channel_requests(**_future: object) -> None:
    """Forget nonces and first answers of connected clients that have outlived their purpose."""
    forget_requests(at=timezone.now())
    operations.forget_nonces(at=timezone.now())


@app.task(acks_late=True)
def settle_agents(**_future: object) -> None:
    """Reckon up the days of agents that are over; repeated, nothing is left to settle."""
    settle_days(at=timezone.now())


@app.task(acks_late=True)
def send_webhooks(**_future: object) -> None:
    """Send what connected clients are to hear, for one turn; what is left then rings again."""
    until = timezone.now() + TURN
    while send_next(now=timezone.now()):
        if timezone.now() > until:
            send_task("payments.tasks.send_webhooks", expires_s=60)
            return


@app.task(acks_late=True)
def forget_webhooks(**_future: object) -> None:
    """Forget webhooks that arrived, or were given up, long ago."""
    forget_messages(at=timezone.now())


@app.task(acks_late=True)
def fetch_days(**_future: object) -> None:
    """What providers say of the last days is here before somebody looks for it; what is not there is asked later."""
    silent: set[str] = set()
    for channel, day in days_to_fetch(at=timezone.now()):
        if channel in silent:
            continue
        try:
            fetch_day(channel=channel, day=day, by_id=None, at=timezone.now())
        except operations.ProviderSilent:
            silent.add(channel)
        except Exception:
            # One day that nobody understands keeps no other from being fetched.
            log.exception("fetching a day failed", extra={"channel": channel, "day": day.isoformat()})


@app.task(acks_late=True)
def book_debit_answers(**_future: object) -> None:
    """Book what banks debited and nobody has booked yet: an answer is long, or its booking was killed."""
    for batch_id in answered_batches():
        try:
            book_answers(batch_id=batch_id, at=timezone.now())
        except Exception:
            # One batch that nobody understands keeps no other from being booked.
            log.exception("booking a debit batch failed", extra={"batch": batch_id})
