"""Threads at one start line, transfers booked by hand, and a superuser who switches the ledger's law off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import count
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connections, transaction

from cis.operations import ledger
from cis.operations.ledger import Posting, TransferKind

_documents = count(10**9)


def book(
    account_id: int, fen: int, *, on: date, at: datetime, debit: int = 0, credit: int = 0, document: int = 0
) -> None:
    """One transfer in a transaction of its own; money paid ahead in cash unless it says otherwise."""
    with transaction.atomic():
        ledger.post(
            [
                Posting(
                    kind=TransferKind.PAYMENT_RECEIVED,
                    document_id=document or next(_documents),
                    leg=0,
                    account_id=account_id,
                    debit_id=debit or ledger.control_id("CASH"),
                    credit_id=credit or ledger.prepayment_id(account_id),
                    amount_fen=fen,
                )
            ],
            booked_at=at,
            business_date=on,
        )


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """What each act gave or raised, all begun at the same moment in threads with connections of their own."""
    line = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        try:
            line.wait()
            results[place] = act()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "an act never ended"
    return results


@contextmanager
def lawless() -> Iterator[Any]:
    """A superuser's cursor on the test's database for which no trigger and no foreign key holds."""
    url = settings.DATABASE_SUPERUSER_URL.rsplit("/", 1)[0] + "/" + settings.DATABASES["default"]["NAME"]
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            yield cursor
    finally:
        connection.close()
