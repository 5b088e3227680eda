"""Connected clients as the console shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from config.shared import approval_queries
from config.shared.errors import NotFound
from config.shared.permissions import is_within
from payments.models import ChannelClient, Payment, RefusedNotice, Reversal
from payments.words import METHODS


@dataclass(frozen=True, slots=True)
class AreaRow:
    """A part of the organisation where a client collects, or was switched off."""

    org_unit_id: int
    name: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key without its secret."""

    key_id: str
    algorithm: str
    valid_from: datetime
    valid_until: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client in a list, with what it collected on a day and did not take back."""

    code: str
    name: str
    kind: str
    is_sandbox: bool
    is_on: bool
    areas: tuple[AreaRow, ...]
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class ClientPage:
    """All of a client: its contract, areas, keys, and what waits for a second person."""

    row: ClientRow
    contract: ChannelClient
    keys: tuple[KeyRow, ...]
    waiting: tuple[approval_queries.ApprovalRow, ...]


def list_clients(*, within: Sequence[str], day: date) -> tuple[ClientRow, ...]:
    """Every client all of whose area lies within, by code; three statements."""
    clients = list(ChannelClient.objects.prefetch_related("areas__org_unit").order_by("code"))
    return _rows([client for client in clients if _is_inside(client, within)], day)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Notices of one hour that said they were a provider's and were not believed."""

    channel_word: str
    reason: str
    hour: datetime
    count: int
    last_at: datetime
    last_address: str


def refused_notices(*, at: datetime) -> tuple[RefusedRow, ...]:
    """Those of the last seven days by hour, the newest first, fifty at most; one statement."""
    rows = RefusedNotice.objects.filter(hour__gt=at - timedelta(days=7)).order_by("-hour", "channel", "reason")[:50]
    return tuple(
        RefusedRow(str(METHODS[row.channel]), row.reason, row.hour, row.count, row.last_at, row.last_address)
        for row in rows
    )


def get_client(code: str, *, within: Sequence[str], day: date) -> ClientPage:
    """
    One client.

    :raises NotFound: there is none of this code, or it is not the asker's
    """
    client = ChannelClient.objects.prefetch_related("areas__org_unit", "keys").filter(code=code).first()
    if client is None or not _is_inside(client, within):
        raise NotFound(_("没有找到这个接入方。"))
    subjects = (f"channel:{client.pk}", f"channel-key:{client.pk}", f"channel-area:{client.pk}")
    found = [row for subject in subjects for row in approval_queries.list_about(subject, limit=1)]
    return ClientPage(
        row=_rows([client], day)[0],
        contract=client,
        keys=tuple(
            KeyRow(key.key_id, key.algorithm, key.valid_from, key.valid_until, key.revoked_at)
            for key in sorted(client.keys.all(), key=lambda key: -key.pk)
        ),
        waiting=tuple(row for row in found if row.state == "waiting"),
    )


def _is_inside(client: ChannelClient, within: Sequence[str]) -> bool:
    return all(is_within(area.org_unit.path, within) for area in client.areas.all())


def _rows(clients: list[ChannelClient], day: date) -> tuple[ClientRow, ...]:
    kept = Payment.objects.filter(business_date=day, channel__in=[client.code for client in clients]).exclude(
        pk__in=Reversal.objects.filter(payment__business_date=day).values("payment_id")
    )
    sums = {
        channel: (count, fen)
        for channel, count, fen in kept.values("channel")
        .annotate(count=Count("pk"), fen=Sum("amount_fen"))
        .values_list("channel", "count", "fen")
    }
    return tuple(
        ClientRow(
            code=client.code,
            name=client.name,
            kind=str(_(client.get_kind_display())),
            is_sandbox=client.is_sandbox,
            is_on=client.is_on,
            areas=tuple(
                AreaRow(area.org_unit_id, area.org_unit.shown_name, area.is_on)
                for area in sorted(client.areas.all(), key=lambda area: area.org_unit.path)
            ),
            count=sums.get(client.code, (0, 0))[0],
            fen=sums.get(client.code, (0, 0))[1],
        )
        for client in clients
    )
