"""
Endpoints of connected clients: made, changed, their secrets rotated, switched on and off, tried out, told again.

One person does all of it: what is sent says numbers and sums of the client's own payments and nothing of a customer.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.permissions import is_within
from payments.models import ChannelClient, WebhookEndpoint, WebhookKind, WebhookMessage
from payments.models.webhooks import OFFERED_KINDS
from payments.signing import standard_webhook
from payments.webhook_rules import UnusableUrl, read_url

MOST_ENDPOINTS = 5
OLD_SECRET_LASTS = timedelta(hours=24)


class UnusableEndpoint(BadInput):
    """An address that webhooks are not sent to, or no kind of event was chosen."""

    code = "webhook-unusable"


class EndpointTaken(Refused):
    """The client has this address already, or as many as it may have."""

    code = "webhook-taken"


class TwoLiveSecrets(Refused):
    """The secret before is still live; it ends by itself or is dropped first."""

    code = "two-live-secrets"


class EndpointOff(Refused):
    """Nothing is sent to an endpoint that is off."""

    code = "webhook-off"


class NothingToReplay(Refused):
    """The message is on its way still."""

    code = "webhook-waiting"


@dataclass(frozen=True, slots=True)
class MadeEndpoint:
    """An endpoint and the secret that is shown once."""

    endpoint_id: int
    secret: str


def add_endpoint(
    *, code: str, url: str, kinds: Sequence[str], by_id: int, within: Sequence[str] | None, at: datetime
) -> MadeEndpoint:
    """
    Give a client an address to which its events go from now on.

    `within`: the organisation paths that the actor connects clients for.

    :raises NotFound: there is no such client within
    :raises UnusableEndpoint: no address for webhooks, or no kind of event
    :raises EndpointTaken: the client has the address, or five others
    """
    _check(url, kinds)
    with transaction.atomic():
        client = _lock_client(code, within)
        known = list(WebhookEndpoint.objects.filter(client=client).values_list("url", flat=True))
        if url in known or len(known) >= MOST_ENDPOINTS:
            raise EndpointTaken(
                _("这个接入方已经有这个地址，或已有 %(most)s 个地址。请改已有的。") % {"most": MOST_ENDPOINTS}
            )
        secret = _new_secret()
        endpoint = WebhookEndpoint.objects.create(
            client=client, url=url, kinds=_in_order(kinds), secret=secret, created_at=at, owner_id=by_id
        )
    return MadeEndpoint(endpoint.pk, secret)


def change_endpoint(
    *, code: str, endpoint_id: int, url: str, kinds: Sequence[str], within: Sequence[str] | None
) -> None:
    """
    Send to another address, or of other kinds of events; what waits goes to the new address.

    :raises NotFound, UnusableEndpoint, EndpointTaken: see `add_endpoint`
    """
    _check(url, kinds)
    with transaction.atomic():
        endpoint = lock_endpoint(code, endpoint_id, within)
        if WebhookEndpoint.objects.filter(client_id=endpoint.client_id, url=url).exclude(pk=endpoint_id).exists():
            raise EndpointTaken(_("这个接入方已经有这个地址，请改已有的。"))
        endpoint.url, endpoint.kinds = url, _in_order(kinds)
        endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
        endpoint.save(update_fields=["url", "kinds", "failures", "failing_since", "rest_until"])


def rotate_secret(*, code: str, endpoint_id: int, within: Sequence[str] | None, at: datetime) -> str:
    """
    Make another secret; for a day everything is signed with both. The new one is shown once.

    :raises NotFound: there is no such endpoint within
    :raises TwoLiveSecrets: the one before is live
    """
    with transaction.atomic():
        endpoint = lock_endpoint(code, endpoint_id, within)
        if endpoint.old_until is not None and endpoint.old_until > at:
            raise TwoLiveSecrets(_("上一把密钥还有效。请等它到期，或先作废它，再换新的。"))
        endpoint.old_secret, endpoint.old_until = endpoint.secret, at + OLD_SECRET_LASTS
        endpoint.secret = made = _new_secret()
        endpoint.save(update_fields=["secret", "old_secret", "old_until"])
    return made


def drop_old_secret(*, code: str, endpoint_id: int, within: Sequence[str] | None) -> None:
    """
    Sign with the newest secret alone from now on.

    :raises NotFound: there is no such endpoint within
    """
    with transaction.atomic():
        endpoint = lock_endpoint(code, endpoint_id, within)
        endpoint.old_secret, endpoint.old_until = "", None
        endpoint.save(update_fields=["old_secret", "old_until"])


def switch_endpoint(*, code: str, endpoint_id: int, is_on: bool, within: Sequence[str] | None, at: datetime) -> None:
    """
    Send to it, or no more. What waits when it is switched off, and what happens meanwhile, is kept to be replayed.

    :raises NotFound: there is no such endpoint within
    """
    with transaction.atomic():
        endpoint = lock_endpoint(code, endpoint_id, within)
        if endpoint.is_on == is_on:
            return
        if not is_on:
            stop_endpoint(endpoint, WebhookEndpoint.OffReason.PERSON, at=at)
            return
        endpoint.is_on, endpoint.off_reason, endpoint.off_at = True, "", None
        endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
        endpoint.save()


def stop_endpoint(endpoint: WebhookEndpoint, why: str, *, at: datetime) -> None:
    """Switch a locked endpoint off and give up what waits for it."""
    endpoint.is_on, endpoint.off_reason, endpoint.off_at = False, why, at
    endpoint.save()
    WebhookMessage.objects.filter(endpoint=endpoint, state=WebhookMessage.State.WAITING).update(
        state=WebhookMessage.State.DEAD, due_at=None, claim=None, failure=WebhookMessage.OFF, ended_at=at
    )


def send_test(*, code: str, endpoint_id: int, within: Sequence[str] | None, at: datetime) -> int:
    """
    Send an event that says nothing, whatever kinds the endpoint hears of; the message's id.

    :raises NotFound, EndpointOff: there is none, or it is off
    """
    with transaction.atomic():
        endpoint = _lock_on(code, endpoint_id, within)
        return WebhookMessage.objects.create(
            uid=uuid.uuid4(),
            endpoint=endpoint,
            kind=WebhookKind.TEST,
            document_id=0,
            body=body_of(WebhookKind.TEST, at, {"client": code}),
            created_at=at,
            due_at=at,
        ).pk


def replay(*, code: str, endpoint_id: int, message_id: int, within: Sequence[str] | None, at: datetime) -> None:
    """
    Send one message once more, under its own id, with fresh tries.

    :raises NotFound, EndpointOff: there is no such message, or its endpoint is off
    :raises NothingToReplay: it is on its way still
    """
    with transaction.atomic():
        endpoint = _lock_on(code, endpoint_id, within)
        message = WebhookMessage.objects.select_for_update().filter(pk=message_id, endpoint=endpoint).first()
        if message is None:
            raise NotFound(_("没有找到这条事件，它可能已经过了保存期。"))
        if message.state == WebhookMessage.State.WAITING:
            raise NothingToReplay(_("这条事件还在发送，不用重发。请刷新后再看。"))
        _revive([message.pk], at)


def replay_dead(*, code: str, endpoint_id: int, since: datetime, within: Sequence[str] | None, at: datetime) -> int:
    """
    Send everything once more that was given up and happened since a moment; how many messages.

    :raises NotFound, EndpointOff: there is no such endpoint, or it is off
    """
    with transaction.atomic():
        endpoint = _lock_on(code, endpoint_id, within)
        dead = WebhookMessage.objects.filter(
            endpoint=endpoint, state=WebhookMessage.State.DEAD, created_at__gte=since
        ).order_by("pk")
        return _revive(list(dead.select_for_update().values_list("pk", flat=True)), at)


def body_of(kind: str, happened_at: datetime, values: dict[str, object]) -> str:
    """What is sent: compact JSON, always the same for the same event."""
    said = {"type": str(kind), "timestamp": happened_at.astimezone(settings.BILLING_TIME_ZONE).isoformat()}
    return json.dumps({**said, "data": values}, ensure_ascii=False, separators=(",", ":"))


def lock_endpoint(code: str, endpoint_id: int, within: Sequence[str] | None) -> WebhookEndpoint:
    """
    An endpoint of a client under its lock.

    :raises NotFound: there is none within
    """
    client = _client(code, within)
    endpoint = WebhookEndpoint.objects.select_for_update().filter(pk=endpoint_id, client=client).first()
    if endpoint is None:
        raise NotFound(_("没有找到这个推送地址。"))
    return endpoint


def _lock_on(code: str, endpoint_id: int, within: Sequence[str] | None) -> WebhookEndpoint:
    endpoint = lock_endpoint(code, endpoint_id, within)
    if not endpoint.is_on:
        raise EndpointOff(_("这个推送地址已停用，请先启用。"))
    return endpoint


def _revive(message_ids: list[int], at: datetime) -> int:
    return WebhookMessage.objects.filter(pk__in=message_ids).update(
        state=WebhookMessage.State.WAITING, attempts=0, due_at=at, claim=None, status=None, failure="", ended_at=None
    )


def _check(url: str, kinds: Sequence[str]) -> None:
    try:
        read_url(url, ports=settings.WEBHOOK_PORTS, may_be_plain=settings.WEBHOOK_PLAIN, near=settings.WEBHOOK_NEAR)
    except UnusableUrl as unusable:
        raise UnusableEndpoint(_why(unusable.why)) from unusable
    if not kinds or set(kinds) - set(OFFERED_KINDS):
        raise UnusableEndpoint(_("请至少选一种事件。"))


def _why(why: str) -> str:
    if why == "https":
        return _("地址要以 https:// 开头。")
    if why == "port":
        return _("只能用端口 %(ports)s。") % {"ports": "、".join(str(port) for port in settings.WEBHOOK_PORTS)}
    if why == "private":
        return _("这是内部网络的地址，不能推送。请用公网域名。")
    return _("地址不对，请写成 https://hooks.example.com/dayingxiao 这样，只用英文字母、数字和符号。")


def _in_order(kinds: Sequence[str]) -> list[str]:
    return [kind for kind in OFFERED_KINDS if kind in kinds]


def _new_secret() -> str:
    return standard_webhook.new_secret(secrets.token_bytes(standard_webhook.SECRET_BYTES))


def _client(code: str, within: Sequence[str] | None) -> ChannelClient:
    client = ChannelClient.objects.filter(code=code).first()
    paths = list(client.areas.values_list("org_unit__path", flat=True)) if client is not None else []
    if client is None or (within is not None and not all(is_within(path, within) for path in paths)):
        raise NotFound(_("没有找到这个接入方。"))
    return client


def _lock_client(code: str, within: Sequence[str] | None) -> ChannelClient:
    return ChannelClient.objects.select_for_update().get(pk=_client(code, within).pk)
