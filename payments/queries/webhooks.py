"""Webhooks as the console shows them: a client's endpoints, and what was sent to one of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.errors import NotFound
from config.shared.permissions import is_within
from payments.models import ChannelClient, WebhookEndpoint, WebhookKind, WebhookMessage

SHOWN = 50
FAILURES: dict[str, str | Promise] = {
    "name-unknown": gettext_lazy("域名查不到"),
    "address-refused": gettext_lazy("域名指向内部网络，没有发送"),
    "no-connection": gettext_lazy("连不上"),
    "tls": gettext_lazy("证书不可信或不匹配"),
    "timed-out": gettext_lazy("超时没有答复"),
    "no-answer": gettext_lazy("连接中断，没有答复"),
    "redirect": gettext_lazy("对方要求跳转，不跟随"),
    "status": gettext_lazy("对方答复失败"),
    WebhookMessage.OFF: gettext_lazy("地址停用期间，没有发送"),
}


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint in a list; `delivered_at` is when something last arrived."""

    endpoint_id: int
    url: str
    kinds: tuple[str, ...]
    is_on: bool
    off_reason: str
    failing_since: datetime | None
    waiting: int
    dead: int
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message; `about` is the serial or the day that it speaks of."""

    message_id: int
    uid: str
    kind: str
    word: str
    about: str
    happened_at: datetime
    state: str
    state_word: str
    tries: int
    why: str
    status: int | None
    due_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """An endpoint with its newest messages; `kinds` are its kinds as codes, `old_until` while two secrets are live."""

    code: str
    client_name: str
    row: EndpointRow
    kinds: tuple[str, ...]
    owner: str
    created_at: datetime
    off_at: datetime | None
    old_until: datetime | None
    rest_until: datetime | None
    messages: tuple[MessageRow, ...]
    is_dead_only: bool


@dataclass(frozen=True, slots=True)
class EndpointList:
    """All endpoints of a client."""

    code: str
    client_name: str
    rows: tuple[EndpointRow, ...]


def list_endpoints(code: str, *, within: Sequence[str]) -> EndpointList:
    """
    The endpoints of a client, the oldest first.

    :raises NotFound: there is no such client within
    """
    client = _client(code, within)
    return EndpointList(client.code, client.name, tuple(_row(one) for one in _counted().filter(client=client)))


def get_endpoint(
    code: str, endpoint_id: int, *, within: Sequence[str], at: datetime, is_dead_only: bool = False
) -> EndpointPage:
    """
    One endpoint with its fifty newest messages, or of those that were given up.

    :raises NotFound: there is none within
    """
    client = _client(code, within)
    endpoint = _counted().select_related("owner").filter(client=client, pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound(_("没有找到这个推送地址。"))
    found = WebhookMessage.objects.filter(endpoint=endpoint).annotate(tried=Count("tries")).order_by("-pk")
    if is_dead_only:
        found = found.filter(state=WebhookMessage.State.DEAD)
    is_old_live = endpoint.old_until is not None and endpoint.old_until > at
    return EndpointPage(
        code=client.code,
        client_name=client.name,
        row=_row(endpoint),
        kinds=tuple(endpoint.kinds),
        owner=endpoint.owner.display_name or endpoint.owner.username,
        created_at=endpoint.created_at,
        off_at=endpoint.off_at,
        old_until=endpoint.old_until if is_old_live else None,
        rest_until=endpoint.rest_until if endpoint.rest_until and endpoint.rest_until > at else None,
        messages=tuple(_message(one) for one in found[:SHOWN]),
        is_dead_only=is_dead_only,
    )


def kind_choices(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Kinds of events with their words."""
    return [(kind, f"{_(WebhookKind(kind).label)} {kind}") for kind in kinds]


def _counted() -> QuerySet[Any]:
    return WebhookEndpoint.objects.annotate(
        waiting=Count("messages", filter=Q(messages__state="waiting")),
        dead=Count("messages", filter=Q(messages__state="dead")),
        delivered_at=Max("messages__ended_at", filter=Q(messages__state="delivered")),
    ).order_by("pk")


def _row(endpoint: Any) -> EndpointRow:
    return EndpointRow(
        endpoint_id=endpoint.pk,
        url=endpoint.url,
        kinds=tuple(_(WebhookKind(kind).label) for kind in endpoint.kinds),
        is_on=endpoint.is_on,
        off_reason=_(WebhookEndpoint.OffReason(endpoint.off_reason).label) if endpoint.off_reason else "",
        failing_since=endpoint.failing_since,
        waiting=endpoint.waiting,
        dead=endpoint.dead,
        delivered_at=endpoint.delivered_at,
    )


def _message(message: Any) -> MessageRow:
    values = json.loads(message.body)["data"]
    return MessageRow(
        message_id=message.pk,
        uid=str(message),
        kind=message.kind,
        word=_(WebhookKind(message.kind).label),
        about=str(values.get("channel_serial") or values.get("bank_date") or ""),
        happened_at=message.created_at,
        state=message.state,
        state_word=_(WebhookMessage.State(message.state).label),
        tries=message.tried,
        why=str(FAILURES.get(message.failure, message.failure)),
        status=message.status,
        due_at=message.due_at,
        ended_at=message.ended_at,
    )


def _client(code: str, within: Sequence[str]) -> ChannelClient:
    client = ChannelClient.objects.filter(code=code).first()
    paths = client.areas.values_list("org_unit__path", flat=True) if client is not None else ()
    if client is None or not all(is_within(path, within) for path in paths):
        raise NotFound(_("没有找到这个接入方。"))
    return client
