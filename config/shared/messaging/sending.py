"""Asking for messages: rows in the caller's transaction; workers send them after the commit."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.shared.bulk_copy import copy_rows
from config.shared.errors import Refused
from config.shared.events import send_task
from config.shared.messaging import brake, templates
from config.shared.messaging.channels import CHANNELS
from config.shared.messaging.channels.base import Recipient
from config.shared.messaging.quiet import after_quiet
from config.shared.models import Message, NoticeCount
from config.shared.personal_data import blind_index, encrypt

SEND_TASK = "config.shared.tasks.send_messages"


class AskedOutsideTransaction(RuntimeError):
    """A message was asked for where no transaction is open: it could be sent of something that never happened."""


class Unreachable(Refused):
    """None of the template's channels leads to the recipient."""

    code = "unreachable"


@dataclass(frozen=True)
class BulkMessage:
    """One of many messages of the same template. `is_outlier`: what it says is far beyond what is usual there."""

    to: Recipient
    parameters: Mapping[str, str]
    dedupe_key: str
    account_id: int | None = None
    is_outlier: bool = False


def can_reach(*, template: str, to: Recipient) -> bool:
    """Whether some channel of the template leads to the recipient."""
    return bool(_ways(templates.get(template), to))


def send(
    *,
    template: str,
    to: Recipient,
    parameters: Mapping[str, str],
    dedupe_key: str,
    at: datetime,
    not_before: datetime | None = None,
    account_id: int | None = None,
) -> int:
    """
    Send one message once, by the first channel of its template that leads to the recipient; gives its id.

    A repeated `dedupe_key` is the same message, whatever else is said. It goes after the commit of the caller's
    transaction, not before `not_before` and, unless the template is urgent, not in quiet hours. Templates that are
    kept in the inbox leave a copy there for a recipient who has one.

    :raises AskedOutsideTransaction: no transaction is open
    :raises Unreachable: none of the template's channels leads there
    :raises WrongParameters: the parameters are not those the template names
    """
    if not connection.in_atomic_block:
        raise AskedOutsideTransaction(dedupe_key)
    form = templates.get(template)
    form.check(parameters)
    ways = _ways(form, to)
    if not ways:
        raise Unreachable(_("没有可用的联系方式。请先登记手机号码，再发送。"))
    asked = [(dedupe_key, ways)]
    if form.in_inbox and to.user_id is not None and ways[0][0] != "in_app":
        asked.append((f"{dedupe_key}/in_app", [("in_app", CHANNELS["in_app"].address(to))]))
    rows = [
        build(form, key, some, parameters, to, at=at, not_before=not_before or at, account_id=account_id)
        for key, some in asked
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    nudge_after_commit()
    return Message.objects.values_list("pk", flat=True).get(dedupe_key=dedupe_key)


def send_many(*, template: str, channel: str, messages: Iterable[BulkMessage], at: datetime) -> int:
    """
    Ask for many messages of one template by one channel, in a fixed number of statements; gives how many are new.

    Those whom the channel does not reach are left out; repeated keys are the same messages. The brake on mass notices
    may hold them (`config.shared.messaging.brake`): they are written and wait until somebody lets them go.

    :raises AskedOutsideTransaction: no transaction is open
    """
    if not connection.in_atomic_block:
        raise AskedOutsideTransaction(template)
    form = templates.get(template)
    names = [field.attname for field in Message._meta.concrete_fields if field.name != "id"]
    way = CHANNELS[channel]

    def rows() -> Iterable[tuple[object, ...]]:
        for one in messages:
            address = way.address(one.to)
            if not address:
                continue
            form.check(one.parameters)
            row = build(
                form,
                one.dedupe_key,
                [(channel, address)],
                one.parameters,
                one.to,
                at=at,
                not_before=at,
                account_id=one.account_id,
            )
            values = (getattr(row, field.attname) for field in Message._meta.concrete_fields if field.name != "id")
            sealed = ("recipient", "alternatives", "parameters")
            yield (
                *(
                    encrypt(value) if name in sealed and isinstance(value, str) and value else value
                    for name, value in zip(names, values, strict=True)
                ),
                one.is_outlier,
            )

    listed = ", ".join(names)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE asked_messages (LIKE shared_message) ON COMMIT DROP")
        cursor.execute("ALTER TABLE asked_messages ALTER id DROP NOT NULL, ADD is_outlier boolean NOT NULL")
        copy_rows(cursor, "asked_messages", [*names, "is_outlier"], rows())
        cursor.execute(_ONLY_NEW)
        asked, outliers = cursor.fetchone()
        verdict = brake.judge(form, channel, messages=asked, outliers=outliers, at=at) if asked else brake.Verdict()
        paced = _apply(verdict, cursor)
        cursor.execute(
            f"INSERT INTO shared_message ({listed}) SELECT {listed} FROM asked_messages "  # noqa: S608 - our own columns
            "ON CONFLICT (dedupe_key) DO NOTHING"
        )
        new = int(cursor.rowcount)
        cursor.execute("DROP TABLE asked_messages")
    if new and form.kind == templates.Kind.NOTICE:
        NoticeCount.objects.create(
            template=template,
            channel=channel,
            at=at,
            messages=new,
            outliers=outliers,
            paced=paced,
            stop_id=verdict.stop_id,
        )
    if new:
        nudge_after_commit()
    return new


_ONLY_NEW = """
DELETE FROM asked_messages a USING shared_message m WHERE m.dedupe_key = a.dedupe_key;
SELECT count(DISTINCT dedupe_key), count(DISTINCT dedupe_key) FILTER (WHERE is_outlier) FROM asked_messages
"""
_HOLD = """
UPDATE asked_messages SET stop_id = %s, state = 'waiting', due_at = NULL, sent_at = NULL, delivered_at = NULL
"""
# Beyond the limit of an hour they go in the hours after it, in the order of their keys.
_PACE = """
UPDATE asked_messages a
SET due_at = due_at + p.hours * interval '1 hour', expires_at = expires_at + p.hours * interval '1 hour'
FROM (SELECT dedupe_key, (%(ahead)s + row_number() OVER (ORDER BY dedupe_key) - 1) / %(most)s AS hours
      FROM asked_messages WHERE due_at IS NOT NULL) p
WHERE p.dedupe_key = a.dedupe_key AND p.hours > 0
"""


def _apply(verdict: brake.Verdict, cursor: Any) -> int:
    """Hold the messages asked for, or let those beyond the limit go later; how many go later."""
    if verdict.stop_id is not None:
        cursor.execute(_HOLD, [verdict.stop_id])
        return 0
    if not verdict.most_an_hour:
        return 0
    cursor.execute(_PACE, {"ahead": verdict.ahead, "most": verdict.most_an_hour})
    return int(cursor.rowcount)


def build(
    form: templates.Template,
    dedupe_key: str,
    ways: list[tuple[str, str]],
    parameters: Mapping[str, str],
    to: Recipient,
    *,
    at: datetime,
    not_before: datetime,
    account_id: int | None,
) -> Message:
    """The row of a message that takes the first of `ways` and keeps the others for when it fails."""
    (name, address), others = ways[0], ways[1:]
    channel = CHANNELS[name]
    due_at: datetime | None = not_before
    if channel.rings and not form.is_urgent:
        due_at = after_quiet(not_before)
    if channel.is_immediate or channel.is_by_hand:
        due_at = None
    return Message(
        uid=uuid.uuid4(),
        dedupe_key=dedupe_key,
        template=form.code,
        kind=form.kind,
        language="en" if to.language == "en" else "zh-hans",
        channel=name,
        is_urgent=form.is_urgent,
        recipient="" if channel.is_immediate else address,
        recipient_index=blind_index(address),
        alternatives=json.dumps(others, ensure_ascii=False) if others else "",
        user_id=to.user_id if channel.is_immediate else None,
        account_id=account_id,
        parameters=json.dumps(dict(parameters), ensure_ascii=False),
        state=Message.State.DELIVERED if channel.is_immediate else Message.State.WAITING,
        created_at=at,
        not_before=not_before,
        expires_at=max(not_before, due_at or not_before) + form.lasts,
        due_at=due_at,
        sent_at=not_before if channel.is_immediate else None,
        delivered_at=not_before if channel.is_immediate else None,
    )


def nudge_after_commit() -> None:
    """Tell the workers once, however many messages one transaction asked for."""
    if not any(hook[1] is nudge for hook in connection.run_on_commit):
        transaction.on_commit(nudge)


def nudge() -> None:
    """Tell the workers that there are messages to send; a lost bell costs seconds, the sweep finds the rows."""
    send_task(SEND_TASK)


def _ways(form: templates.Template, to: Recipient) -> list[tuple[str, str]]:
    return [(name, address) for name in form.channels if (address := CHANNELS[name].address(to))]
