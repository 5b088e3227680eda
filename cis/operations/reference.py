"""Reference data that every installation starts from; loading it again changes only what is missing."""

from __future__ import annotations

import json
from datetime import date, datetime
from importlib import resources

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import (
    ChargeKind,
    DisconnectionRule,
    LedgerAccount,
    Tariff,
    TariffVersion,
    TouWindows,
    ValidationThresholds,
)
from cis.models.ledger import ControlAccount
from cis.operations import public_holidays
from cis.operations.fee_control import load_fee_control_terms
from cis.rating import CHARGES
from cis.rating.catalogue import Catalogue, TariffRecord, read_catalogue
from config.shared.errors import Refused
from config.shared.messaging.brake import load_notice_limits
from config.shared.messaging.limits import load_limits
from config.shared.roles import load_roles

_NOT_OF_THE_RULE = {"province", "residential", "effective_from", "effective_to"}


class OverlappingValidity(Refused):
    """The tariff already has a version for some of these days."""

    code = "overlapping-validity"


def load_reference(*, at: datetime) -> None:
    """
    Charges with their legal basis, control accounts, published tariffs and windows, thresholds, starting roles, limits
    of messages, rules of disconnection, the holidays of this year and the next.

    Tariffs come from `cis/data/tariffs.json`: every table graded medium or better, and the Hubei residential table
    marked as a demonstration.
    """
    text = resources.files("cis").joinpath("data", "tariffs.json").read_text(encoding="utf-8")
    catalogue = read_catalogue(text)
    with transaction.atomic():
        load_roles()
        load_limits()
        load_notice_limits()
        _load_charges()
        _load_control_accounts()
        _load_disconnection_rules()
        load_fee_control_terms()
        public_holidays.keep(at=at)
        _load_windows(catalogue)
        for record in catalogue.records:
            _load_tariff(record)
        if not ValidationThresholds.objects.exists():
            ValidationThresholds.objects.create(
                valid=DateRange(date(2000, 1, 1), None),
                values={},
                source=f"billing-rules 3.5, 3.6: conventions to be confirmed by the utility; loaded {at.date()}",
            )


def _load_charges() -> None:
    ChargeKind.objects.bulk_create(
        [
            ChargeKind(
                code=int(code),
                text_code=charge.text,
                name=charge.name_zh,
                name_en=charge.name_en,
                ledger=charge.ledger,
                legal_basis=charge.legal_basis,
            )
            for code, charge in CHARGES.items()
        ],
        ignore_conflicts=True,
    )


def _load_control_accounts() -> None:
    LedgerAccount.objects.bulk_create(
        [LedgerAccount(id=-int(account), name=str(account.label)) for account in ControlAccount],
        ignore_conflicts=True,
    )


def _load_disconnection_rules() -> None:
    text = resources.files("cis").joinpath("data", "collection.json").read_text(encoding="utf-8")
    known = set(DisconnectionRule.objects.values_list("province", "is_residential"))
    for entry in json.loads(text)["disconnection"]:
        own = {name: value for name, value in entry.items() if name not in _NOT_OF_THE_RULE}
        province, is_residential = entry["province"] or "", entry["residential"]
        if (province, is_residential) in known:
            # Once loaded they are the utility's own.
            continue
        DisconnectionRule.objects.create(
            province=province,
            is_residential=is_residential,
            valid=DateRange(
                date.fromisoformat(entry["effective_from"]),
                date.fromisoformat(entry["effective_to"]) if entry["effective_to"] else None,
            ),
            **own,
        )


def _load_windows(catalogue: Catalogue) -> None:
    known = set(TouWindows.objects.values_list("code", flat=True))
    for window_set in catalogue.window_sets:
        if window_set["code"] in known:
            continue
        TouWindows.objects.create(
            code=window_set["code"],
            province=window_set.get("province") or "",
            document=(window_set.get("document") or "")[:200],
            valid=DateRange(date(2000, 1, 1), None),
            windows=window_set,
            source=window_set.get("source") or "",
            confidence=window_set.get("confidence") or "",
        )


def _load_tariff(record: TariffRecord) -> None:
    tariff, _created = Tariff.objects.get_or_create(
        code=record.code,
        defaults={
            "name": record.name,
            "name_en": record.name_en,
            "province": record.province,
            "category": record.category,
            "voltage": record.voltage or "",
        },
    )
    if record.name_en and not tariff.name_en:
        tariff.name_en = record.name_en
        tariff.save(update_fields=["name_en"])
    if tariff.versions.filter(source=record.source).exists():
        return
    TariffVersion.objects.create(
        tariff=tariff,
        valid=DateRange(record.valid_from, record.valid_to),
        rules=record.rules,
        windows=TouWindows.objects.filter(code=record.windows_ref).first() if record.windows_ref else None,
        source=record.source,
        confidence=record.confidence,
        note=record.note or "",
        is_demonstration=record.is_demonstration,
    )


def add_tariff_version(
    *,
    tariff_code: str,
    valid_from: date | None,
    valid_to: date | None,
    rules: list[dict[str, object]],
    source: str,
    confidence: str,
    note: str = "",
    windows_code: str = "",
    is_demonstration: bool = False,
) -> int:
    """
    Publish a further version of a tariff for [valid_from, valid_to); gives its id.

    :raises OverlappingValidity: another version covers some of these days
    """
    tariff = Tariff.objects.get(code=tariff_code)
    with transaction.atomic():
        Tariff.objects.select_for_update().get(pk=tariff.pk)
        wanted = DateRange(valid_from, valid_to)
        other = tariff.versions.filter(valid__overlap=wanted).first()
        if other is not None:
            raise OverlappingValidity(
                _("电价 %(code)s 在 %(days)s 已有版本，请先调整它的有效期。")
                % {"code": tariff_code, "days": f"{other.valid.lower or '…'} – {other.valid.upper or '…'}"}
            )
        version = TariffVersion.objects.create(
            tariff=tariff,
            valid=wanted,
            rules=rules,
            windows=TouWindows.objects.filter(code=windows_code).first() if windows_code else None,
            source=source,
            confidence=confidence,
            note=note,
            is_demonstration=is_demonstration,
        )
    return version.pk
