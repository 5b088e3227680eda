"""What the clock starts in taking money: questions about orders of which nobody told us, and forgetting."""

from __future__ import annotations

import logging

from django.utils import timezone

from config.celery import app
from payments import operations
from payments.operations.agents import settle_days
from payments.operations.channel_requests import forget_requests

log = logging.getLogger(__name__)


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
def forget_channel_requests(**_future: object) -> None:
    """Forget nonces and first answers of connected clients that have outlived their purpose."""
    forget_requests(at=timezone.now())
    operations.forget_nonces(at=timezone.now())


@app.task(acks_late=True)
def settle_agents(**_future: object) -> None:
    """Reckon up the days of agents that are over; repeated, nothing is left to settle."""
    settle_days(at=timezone.now())
