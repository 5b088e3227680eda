"""
What a client is let in on, all of it in plain values: what a second person reads, and what must still be so when the
approval is carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from itertools import takewhile
from typing import Any

from django.utils.translation import gettext as _

from config.shared.errors import Refused
from payments.models import ChannelClient, ClientKey
from payments.signing import request_signature


class AreasApart(Refused):
    """No unit stands above all areas of the client, so nobody can decide on all of it."""

    code = "areas-apart"


def agreement_of(client: ChannelClient, *, at: datetime) -> dict[str, Any]:
    """The contract, areas and live keys of a client as values of JSON; the same client gives the same values."""
    keys = ClientKey.objects.filter(client=client, revoked_at=None).exclude(valid_until__lte=at).order_by("key_id")
    areas = client.areas.select_related("org_unit").order_by("org_unit__path")
    return {
        "code": client.code,
        "name": client.name,
        "kind": client.kind,
        "networks": list(client.networks),
        "fingerprints": list(client.fingerprints),
        "areas": [[area.org_unit_id, area.org_unit.name, area.is_on] for area in areas],
        "keys": [[key.key_id, key.algorithm, digest_of(key)] for key in keys],
        "cutoff_time": _clock(client.cutoff_time),
        "days_apart": client.days_apart,
        "reversal_days": client.reversal_days,
        "blackout_from": _clock(client.blackout_from),
        "blackout_until": _clock(client.blackout_until),
        "queries_per_minute": client.queries_per_minute,
        "payments_per_minute": client.payments_per_minute,
        "account_queries_per_hour": client.account_queries_per_hour,
    }


def words_of(agreed: Mapping[str, Any]) -> str:
    """The agreement in words, nothing left out."""
    areas = [name if is_on else _("%(unit)s除外") % {"unit": name} for _id, name, is_on in agreed["areas"]]
    keys = [f"{key_id} {algorithm} {digest}" for key_id, algorithm, digest in agreed["keys"]]
    blackout = f"{agreed['blackout_from']}–{agreed['blackout_until']}" if agreed["blackout_from"] else _("没有")
    return _(
        "%(name)s（%(code)s）可以查询欠费、缴费和冲正。地区：%(areas)s。来源网络：%(networks)s。客户端证书：%(certificates)s。"
        "密钥和它的 SHA-256：%(keys)s。"
        "日切 %(cutoff)s，账务日期相差 %(apart)s 天以内，%(reversal)s 天内可以冲正，批量代扣 %(blackout)s。"
        "每分钟查询 %(queries)s 次、缴费和冲正 %(payments)s 次，同一户号每小时查询 %(account)s 次。"
    ) % {
        "name": agreed["name"],
        "code": agreed["code"],
        "areas": "、".join(areas),
        "networks": "、".join(agreed["networks"]),
        "certificates": "、".join(agreed["fingerprints"]) or _("不核对"),
        "keys": "、".join(keys),
        "cutoff": agreed["cutoff_time"] or "00:00",
        "apart": agreed["days_apart"],
        "reversal": agreed["reversal_days"],
        "blackout": blackout,
        "queries": agreed["queries_per_minute"],
        "payments": agreed["payments_per_minute"],
        "account": agreed["account_queries_per_hour"],
    }


def digest_of(key: ClientKey) -> str:
    """SHA-256 of the public half, for comparing with the client; empty for a shared secret."""
    return request_signature.digest_of(key.algorithm, key.public_key) if key.public_key else ""


def unit_above(paths: Iterable[str]) -> int:
    """
    The unit that decides for all of these organisation paths: the nearest one above, or one of them.

    :raises AreasApart: there is none
    """
    levels = zip(*(path.strip("/").split("/") for path in paths), strict=False)
    above = [level[0] for level in takewhile(lambda level: len(set(level)) == 1, levels)]
    if not above:
        raise AreasApart(_("这些地区没有共同的上级单位，没有人能一起审批，请分开建接入方。"))
    return int(above[-1])


def _clock(moment: time | None) -> str:
    return f"{moment:%H:%M:%S}" if moment is not None else ""
