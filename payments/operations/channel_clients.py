"""
Connect a client: open it, give it keys, say where it collects, switch it on and off.

A sandbox is ready at once, and there is none where real money is booked. A productive client is opened switched off;
switching it on, and every key it gets, needs a second person. Switching off, a part of its area too, and revoking a key
is done by one person at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.permissions import is_within
from config.shared.personal_data import decrypt, encrypt
from payments.models import AgentContract, ChannelArea, ChannelClient, ClientKey
from payments.models.channels import OWN_CHANNELS
from payments.operations.channel_agreements import agreement_of, unit_above, words_of
from payments.operations.taking import next_id
from payments.signing import request_signature

MANAGE, APPROVE = "payments.manage_channels", "payments.approve_channels"
SWITCH_ON, ADD_KEY = "payments.switch-on-channel", "payments.add-channel-key"
OPEN_AREA = "payments.open-channel-area"
EVERYWHERE = ("0.0.0.0/0", "::/0")
# A few halves or quarters of everything are everything: what a productive client calls from is at most so large.
WIDEST_PREFIX = {4: 8, 6: 16}


class CodeTaken(Refused):
    """Another client, or a channel of our own, has the code."""

    code = "client-code-taken"


class NoSandboxHere(Refused):
    """A sandbox is let in by one person, so it is made where nothing real can be booked or asked for."""

    code = "no-sandbox-here"


class UnusableNetwork(BadInput):
    """A network or certificate that is none."""

    code = "network-unusable"


class UnusableClientKey(BadInput):
    """The public key is none, or the algorithm is not offered here."""

    code = "client-key-unusable"


class TwoLiveKeys(Refused):
    """There are two live keys already; one must go first."""

    code = "two-live-keys"


class StillOn(Refused):
    """A productive client is changed only while it is switched off."""

    code = "client-still-on"


class KindIsFixed(Refused):
    """Who sells against a deposit goes on doing so."""

    code = "client-kind-fixed"


class NoKeyYet(Refused):
    """Without a live key, or without an area, there is nothing to switch on."""

    code = "client-incomplete"


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed with a client; defaults where nothing was."""

    name: str
    kind: str
    networks: Sequence[str]
    area_ids: Sequence[int]
    fingerprints: Sequence[str] = field(default_factory=tuple)
    cutoff_time: time | None = None
    days_apart: int = 1
    reversal_days: int = 0
    blackout_from: time | None = None
    blackout_until: time | None = None
    queries_per_minute: int = 600
    payments_per_minute: int = 1200
    account_queries_per_hour: int = 60


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was made here; `private` is shown once and kept nowhere. `approval_id` while it waits for somebody."""

    key_id: str
    algorithm: str
    private: str
    approval_id: int | None = None


def open_client(
    *, code: str, contract: Contract, is_sandbox: bool, by_id: int, within: Sequence[str] | None, at: datetime
) -> int:
    """
    Open a client with a clearing account of its own; its id. A sandbox is on at once, a productive one is off.

    `within`: the organisation paths that the actor connects clients for.

    :raises NoSandboxHere: a sandbox on a productive installation
    :raises CodeTaken: the code is in use
    :raises UnusableNetwork, NotFound: a network, a certificate or a unit is none
    """
    with transaction.atomic():
        if is_sandbox:
            _check_sandbox_may_be()
        if code in OWN_CHANNELS or ChannelClient.objects.filter(code=code).exists():
            raise CodeTaken(_("代号 %(code)s 已经有人用，请换一个。") % {"code": code})
        client_id = next_id("payments_channel_client")
        clearing_id = ledger.open_clearing(client_id, f"在途资金：{contract.name}")
        ChannelClient(
            id=client_id,
            code=code,
            is_sandbox=is_sandbox,
            is_on=is_sandbox,
            clearing_id=clearing_id,
            created_at=at,
            created_by_id=by_id,
            **_columns(contract, is_sandbox=is_sandbox),
        ).save(force_insert=True)
        _set_areas(client_id, contract.area_ids, within)
    return client_id


def connect(
    *, code: str, contract: Contract, algorithm: str | None, by_id: int, within: Sequence[str] | None, at: datetime
) -> MadeKey | None:
    """
    Open a sandbox with a key made here, ready to call; without an algorithm a productive client, switched off.

    :raises CodeTaken, UnusableNetwork, NotFound: see `open_client`
    """
    with transaction.atomic():
        open_client(code=code, contract=contract, is_sandbox=algorithm is not None, by_id=by_id, within=within, at=at)
        if algorithm is None:
            return None
        return add_key(code=code, algorithm=algorithm, public_key="", reason="", by_id=by_id, within=within, at=at)


def change_contract(*, code: str, contract: Contract, within: Sequence[str] | None) -> None:
    """
    Write down what was agreed anew.

    :raises NotFound, UnusableNetwork: see `open_client`
    :raises KindIsFixed: an agent with a deposit stays one
    :raises StillOn: a productive client is on; what a second person approved is not changed behind their back
    """
    with transaction.atomic():
        client = _lock(code, within)
        if client.is_on and not client.is_sandbox:
            raise StillOn(_("接入方在用时不能改约定。请先停用，改好后再申请启用。"))
        if AgentContract.objects.filter(client=client).exists() and (
            contract.kind != ChannelClient.Kind.AGENT or contract.reversal_days
        ):
            raise KindIsFixed(_("它有备付金，只能是代收点，也只能当日冲正。"))
        for name, value in _columns(contract, is_sandbox=client.is_sandbox).items():
            setattr(client, name, value)
        client.save()
        _set_areas(client.pk, contract.area_ids, within)


def switch_off(*, code: str, within: Sequence[str] | None) -> None:
    """Let the client in no more, from its next request on."""
    with transaction.atomic():
        client = _lock(code, within)
        client.is_on = False
        client.save(update_fields=["is_on"])


def switch_on(*, code: str, reason: str, by_id: int, within: Sequence[str] | None, at: datetime) -> int | None:
    """
    Let the client in: a sandbox at once, a productive client when somebody else approves; the approval's id.

    :raises NoKeyYet: it has no live key, or no area
    :raises NoSandboxHere: a sandbox on a productive installation
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        client = _lock(code, within)
        _check_complete(client, at)
        if client.is_sandbox:
            _check_sandbox_may_be()
            client.is_on = True
            client.save(update_fields=["is_on"])
            return None
        return approvals.request(
            kind=SWITCH_ON,
            payload={"code": client.code, "agreed": agreement_of(client, at=at)},
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=_unit_of(client),
            subject=f"channel:{client.pk}",
        )


def _words_of_switching_on(payload: Mapping[str, Any]) -> str:
    if "agreed" in payload:
        return words_of(payload["agreed"])
    # Asked before the whole of it was kept; such a request is carried out no more.
    return _("%(name)s（%(code)s）可以从 %(networks)s 查询欠费、缴费和冲正。") % {
        "name": payload["name"],
        "code": payload["code"],
        "networks": "、".join(payload["networks"]),
    }


@approvals.carries_out(
    SWITCH_ON,
    label=gettext_lazy("启用代收渠道"),
    ask=MANAGE,
    decide=APPROVE,
    consequence=_words_of_switching_on,
)
def _switch_on(act: approvals.Act) -> dict[str, Any]:
    client = _lock(str(act.payload["code"]), None)
    if agreement_of(client, at=act.at) != act.payload.get("agreed"):
        raise StillOn(_("申请以后约定改过了，请驳回并重新申请。"))
    _check_complete(client, act.at)
    client.is_on = True
    client.save(update_fields=["is_on"])
    return {"url": reverse("payments:channel", args=[client.code])}


def switch_area(
    *,
    code: str,
    org_unit_id: int,
    is_on: bool,
    reason: str,
    by_id: int,
    within: Sequence[str] | None,
    at: datetime,
) -> int | None:
    """
    Collect from the customers of a unit and all below it, or no more; the approval's id where somebody else decides.

    Another area of a productive client that is in use needs a second person, as switching it on did.

    :raises NotFound: the unit is not the actor's, or there is no such client
    :raises AreasApart: no unit stands above this area and the others
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        client = _lock(code, within)
        unit = _units([org_unit_id], within)[0]
        if ChannelArea.objects.filter(client=client, org_unit=unit, is_on=is_on).exists():
            return None
        if is_on and client.is_on and not client.is_sandbox:
            return approvals.request(
                kind=OPEN_AREA,
                payload={"code": client.code, "name": client.name, "org_unit_id": unit.pk, "unit": unit.name},
                asked_by_id=by_id,
                reason=reason,
                at=at,
                org_unit_id=_unit_of(client, unit.path),
                subject=f"channel-area:{client.pk}",
            )
        ChannelArea.objects.update_or_create(client=client, org_unit=unit, defaults={"is_on": is_on})
        return None


def _words_of_area(payload: Mapping[str, Any]) -> str:
    return _("%(name)s（%(code)s）可以向%(unit)s和它下级的客户查询欠费、缴费和冲正。") % {
        "name": payload["name"],
        "code": payload["code"],
        "unit": payload["unit"],
    }


@approvals.carries_out(
    OPEN_AREA, label=gettext_lazy("代收渠道开通地区"), ask=MANAGE, decide=APPROVE, consequence=_words_of_area
)
def _open_area(act: approvals.Act) -> dict[str, Any]:
    client = _lock(str(act.payload["code"]), None)
    unit = _units([int(act.payload["org_unit_id"])], None)[0]
    ChannelArea.objects.update_or_create(client=client, org_unit=unit, defaults={"is_on": True})
    return {"url": reverse("payments:channel", args=[client.code])}


def add_key(
    *,
    code: str,
    algorithm: str,
    public_key: str,
    reason: str,
    by_id: int,
    within: Sequence[str] | None,
    at: datetime,
) -> MadeKey:
    """
    Give a client a key: its own public key, or where that is empty one made here, whose private half is shown once.

    A sandbox has it at once. For a productive client it waits for a second person; its key is of RSA or SM2 and made by
    the client itself, so that nobody here ever saw what signs.

    :raises UnusableClientKey: not a key, or the algorithm is not offered here or not to this client
    :raises TwoLiveKeys: two are live
    """
    if not request_signature.is_offered(algorithm):
        raise UnusableClientKey(_("本系统没有启用这种签名算法，请选别的。"))
    with transaction.atomic():
        client = _lock(code, within)
        _free_slot(client.pk, at)
        made_here = not public_key.strip()
        if not client.is_sandbox and (made_here or algorithm == ClientKey.Algorithm.HMAC):
            raise UnusableClientKey(_("正式接入方的 RSA 或 SM2 密钥由对方自己生成，请填写对方发来的公钥。"))
        if algorithm == ClientKey.Algorithm.HMAC or made_here:
            private, kept = request_signature.new_key(algorithm, random=secrets.token_bytes(32))
        else:
            private, kept = "", _checked_key(algorithm, public_key)
        key_id = f"k_{secrets.token_hex(8)}"
        if client.is_sandbox:
            _keep_key(client.pk, key_id, algorithm, kept, at)
            return MadeKey(key_id, algorithm, private)
        approval_id = approvals.request(
            kind=ADD_KEY,
            payload={
                "code": client.code,
                "name": client.name,
                "key_id": key_id,
                "algorithm": algorithm,
                "digest": request_signature.digest_of(algorithm, kept),
                "sealed": encrypt(kept),
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=_unit_of(client),
            subject=f"channel-key:{client.pk}",
        )
    return MadeKey(key_id, algorithm, private, approval_id)


def _words_of_key(payload: Mapping[str, Any]) -> str:
    return _("%(name)s（%(code)s）可以用新密钥 %(key)s（%(algorithm)s）签名，公钥的 SHA-256 是 %(digest)s。") % {
        "name": payload["name"],
        "code": payload["code"],
        "key": payload["key_id"],
        "algorithm": payload["algorithm"],
        "digest": payload.get("digest", ""),
    }


@approvals.carries_out(
    ADD_KEY, label=gettext_lazy("代收渠道新密钥"), ask=MANAGE, decide=APPROVE, consequence=_words_of_key
)
def _add_key(act: approvals.Act) -> dict[str, Any]:
    client = _lock(str(act.payload["code"]), None)
    kept = decrypt(str(act.payload["sealed"]))
    if act.payload.get("digest") != request_signature.digest_of(str(act.payload["algorithm"]), kept):
        raise UnusableClientKey(_("申请里没有写明这把公钥的摘要，请驳回并重新申请。"))
    _keep_key(client.pk, str(act.payload["key_id"]), str(act.payload["algorithm"]), kept, act.at)
    return {"url": reverse("payments:channel", args=[client.code])}


def revoke_key(*, code: str, key_id: str, within: Sequence[str] | None, at: datetime) -> None:
    """
    Believe a key no more, from the next request on.

    :raises NotFound: the client has no such live key
    """
    with transaction.atomic():
        client = _lock(code, within)
        if not ClientKey.objects.filter(client=client, key_id=key_id, revoked_at=None).update(revoked_at=at):
            raise NotFound(_("没有找到这把在用的密钥，刷新页面看最新的列表。"))


def _keep_key(client_id: int, key_id: str, algorithm: str, kept: str, at: datetime) -> None:
    is_secret = algorithm == ClientKey.Algorithm.HMAC
    ClientKey.objects.create(
        client_id=client_id,
        key_id=key_id,
        algorithm=algorithm,
        public_key="" if is_secret else kept,
        secret=kept if is_secret else "",
        slot=_free_slot(client_id, at),
        valid_from=at,
    )


def _free_slot(client_id: int, at: datetime) -> int:
    """One of the two places for live keys; a key that has expired gives its place up."""
    ClientKey.objects.filter(client_id=client_id, revoked_at=None, valid_until__lte=at).update(revoked_at=at)
    taken = set(ClientKey.objects.filter(client_id=client_id, revoked_at=None).values_list("slot", flat=True))
    free = [slot for slot in ClientKey.SLOTS if slot not in taken]
    if not free:
        raise TwoLiveKeys(_("已有两把在用的密钥。请先作废旧的一把，再换新的。"))
    return int(free[0])


def _checked_key(algorithm: str, public_key: str) -> str:
    try:
        return request_signature.check_public_key(algorithm, public_key)
    except request_signature.UnusableKey as error:
        raise UnusableClientKey(_("公钥不对：RSA 要 2048 到 4096 位的 PEM，SM2 要 128 位十六进制的点。")) from error


def _check_sandbox_may_be() -> None:
    if not settings.SIMULATORS:
        raise NoSandboxHere(_("正式系统里不建、不启用沙箱，请到测试系统上建。"))


def _check_complete(client: ChannelClient, at: datetime) -> None:
    keys = ClientKey.objects.filter(client=client, revoked_at=None).exclude(valid_until__lte=at)
    if not keys.exists() or not client.areas.filter(is_on=True).exists():
        raise NoKeyYet(_("还不能启用：至少要有一把在用的密钥和一个开通的地区。"))
    if client.kind == ChannelClient.Kind.AGENT and not AgentContract.objects.filter(client=client).exists():
        raise NoKeyYet(_("还不能启用：请先登记代收点的合同、限额和手续费。"))


def _columns(contract: Contract, *, is_sandbox: bool) -> dict[str, Any]:
    fingerprints = [one.replace(":", "").lower() for one in contract.fingerprints]
    try:
        parsed = [ip_network(network.strip()) for network in contract.networks]
    except ValueError as error:
        raise UnusableNetwork(_("来源网络不对，请写成 203.0.113.0/24 这样。")) from error
    if not is_sandbox and any(_is_too_wide(network) for network in parsed):
        raise UnusableNetwork(
            _("正式接入方不能从任何地址进来，请登记对方的来源网络：IPv4 不大于 /8，IPv6 不大于 /16。")
        )
    if not parsed:
        raise UnusableNetwork(_("请至少登记一个来源网络，例如 203.0.113.0/24。"))
    if any(len(one) != 64 or set(one) - set("0123456789abcdef") for one in fingerprints):
        raise UnusableNetwork(_("证书指纹是 64 位十六进制的 SHA-256，请核对。"))
    if (contract.blackout_from is None) != (contract.blackout_until is None):
        raise UnusableNetwork(_("批量代扣的起止时间要么都填，要么都不填。"))
    return {
        "name": contract.name,
        "kind": contract.kind,
        "networks": [str(network) for network in parsed],
        "fingerprints": fingerprints,
        "cutoff_time": contract.cutoff_time,
        "days_apart": contract.days_apart,
        "reversal_days": contract.reversal_days,
        "blackout_from": contract.blackout_from,
        "blackout_until": contract.blackout_until,
        "queries_per_minute": contract.queries_per_minute,
        "payments_per_minute": contract.payments_per_minute,
        "account_queries_per_hour": contract.account_queries_per_hour,
    }


def _is_too_wide(network: IPv4Network | IPv6Network) -> bool:
    return network.prefixlen < WIDEST_PREFIX[network.version]


def _set_areas(client_id: int, unit_ids: Sequence[int], within: Sequence[str] | None) -> None:
    units = _units(unit_ids, within)
    ChannelArea.objects.filter(client_id=client_id).exclude(org_unit__in=units).delete()
    for unit in units:
        ChannelArea.objects.get_or_create(client_id=client_id, org_unit=unit)


def _units(unit_ids: Sequence[int], within: Sequence[str] | None) -> list[OrgUnit]:
    units = list(OrgUnit.objects.filter(pk__in=list(unit_ids)).order_by("pk"))
    outside = [unit for unit in units if within is not None and not is_within(unit.path, within)]
    if outside or len(units) != len(set(unit_ids)) or not units:
        raise NotFound(_("没有找到这个单位，请重新选择地区。"))
    return units


def _lock(code: str, within: Sequence[str] | None) -> ChannelClient:
    """The client under its lock, all of whose area the actor answers for."""
    client = ChannelClient.objects.select_for_update().filter(code=code).first()
    paths = list(client.areas.values_list("org_unit__path", flat=True)) if client is not None else []
    if client is None or (within is not None and not all(is_within(path, within) for path in paths)):
        raise NotFound(_("没有找到这个接入方。"))
    return client


def _unit_of(client: ChannelClient, *more: str) -> int:
    """The unit that decides on the client: the nearest one above all of its areas, and above more paths."""
    return unit_above([*client.areas.values_list("org_unit__path", flat=True), *more])
