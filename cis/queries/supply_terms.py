"""What is agreed for an account beside tariff and capacity, as a page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from psycopg2.extras import DateRange

from cis.models import CapacityPause, FreeEnergyRight, SupplyLoss, SupplyPart, Tariff
from config.shared.display_formats import format_energy
from config.shared.languages import in_language

__all__ = ["MODELS", "Term", "TermKind", "accounts_with_terms", "list_terms", "part_tariffs"]

TermKind = Literal["loss", "part", "free", "pause"]
MODELS: dict[TermKind, Any] = {"loss": SupplyLoss, "part": SupplyPart, "free": FreeEnergyRight, "pause": CapacityPause}


@dataclass(frozen=True, slots=True)
class Term:
    """One agreement in words."""

    kind: TermKind
    term_id: int
    name: str
    terms: str
    source: str
    from_on: date | None
    until_on: date | None
    is_current: bool
    """it holds today or will"""


def list_terms(account_id: int, *, today: date) -> tuple[Term, ...]:
    """Everything agreed for an account, what holds first; four statements."""
    found = [
        *(_term("loss", row, _("损耗"), _loss_words(row), row.source, today) for row in _rows(SupplyLoss, account_id)),
        *(
            _term("part", row, _(SupplyPart.Kind(row.kind).label), _part_words(row), row.source, today)
            for row in _rows(SupplyPart, account_id).select_related("tariff", "point")
        ),
        *(
            _term("free", row, _("免费电量"), _("每月 %(kwh)s 度") % {"kwh": row.kwh_per_month}, row.document, today)
            for row in _rows(FreeEnergyRight, account_id)
        ),
        *(
            _term("pause", row, pause_word(row.kind), _pause_words(row), row.source, today)
            for row in _rows(CapacityPause, account_id)
        ),
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_current, one.kind, one.term_id)))


def pause_word(kind: str) -> str:
    """What is done with capacity, in a word."""
    found = CapacityPause.Kind(kind)
    return pgettext("capacity", "暂停") if found == CapacityPause.Kind.SUSPENSION else _(found.label)


def accounts_with_terms(account_ids: Sequence[int], *, first: date, last: date) -> frozenset[int]:
    """The accounts of which anything of this holds on a day of [first, last); four statements."""
    asked = {"account_id__in": list(account_ids), "valid__overlap": DateRange(first, last)}
    return frozenset(
        account
        for model in MODELS.values()
        for account in model.objects.filter(**asked).values_list("account_id", flat=True)
    )


def _rows(model: Any, account_id: int) -> Any:
    return model.objects.filter(account_id=account_id).order_by("-valid")


def _term(kind: TermKind, row: Any, name: str, words: str, source: str, today: date) -> Term:
    return Term(
        kind=kind,
        term_id=row.pk,
        name=str(name),
        terms=words,
        source=source,
        from_on=row.valid.lower,
        until_on=row.valid.upper,
        is_current=row.valid.upper is None or row.valid.upper > today,
    )


def _loss_words(row: SupplyLoss) -> str:
    said = []
    if row.method == SupplyLoss.Method.TABLE:
        said.append(
            _("变压器每月有功 %(kwh)s 度、无功 %(kvarh)s 千乏时")
            % {"kwh": format_energy(row.month_kwh_e2), "kvarh": format_energy(row.month_kvarh_e2)}
        )
    elif row.method == SupplyLoss.Method.FORMULA:
        said.append(
            _("铁损 %(kw)s 千瓦、%(kvar)s 千乏，按小时计，另加抄见电量 × %(share)s（无功 × %(share_k)s）")
            % {
                "kw": _plain(row.iron_w, 3),
                "kvar": _plain(row.iron_var, 3),
                "share": _plain(row.coefficient_e6, 6),
                "share_k": _plain(row.coefficient_k_e6, 6),
            }
        )
    if row.line_loss_e6:
        said.append(_("线损 %(pct)s%%") % {"pct": _plain(row.line_loss_e6, 4)})
    return _("；").join(said)


def _pause_words(row: CapacityPause) -> str:
    first, last = row.valid.lower, row.valid.upper
    days = {"kva": row.off_kva, "days": (last - first).days if first and last else 0}
    if row.on_kva:
        return _("%(kva)s kVA 换成 %(on)s kVA，%(days)s 天") % (days | {"on": row.on_kva})
    if row.is_new_install:
        return _("停用 %(kva)s kVA，%(days)s 天；新装未满两年") % days
    return _("停用 %(kva)s kVA，%(days)s 天") % days


def _part_words(row: SupplyPart) -> str:
    tariff = in_language(row.tariff.name, row.tariff.name_en)
    if row.kind == SupplyPart.Kind.SUB_METER and row.point is not None:
        return _("计量点 %(no)s，按%(tariff)s") % {"no": row.point.point_no, "tariff": tariff}
    if row.kind == SupplyPart.Kind.FIXED:
        return _("每月 %(kwh)s 度，按%(tariff)s") % {"kwh": row.month_kwh, "tariff": tariff}
    return _("总表电量的 %(pct)s%%，按%(tariff)s") % {"pct": _plain(row.ratio_e6, 4), "tariff": tariff}


def _plain(value: int, places: int) -> str:
    return f"{Decimal(value).scaleb(-places).normalize():f}"


def part_tariffs(*, day: date) -> tuple[tuple[int, str], ...]:
    """The tariffs that a part may have on a day: id and name."""
    versions = (
        Tariff.objects.filter(versions__valid__contains=day)
        .order_by("province", "code")
        .values_list("pk", "code", "name", "name_en", "versions__rules")
    )
    whole = {"basic_charge", "power_factor", "free_energy"}
    return tuple(
        (pk, f"{in_language(name, name_en)}（{code}）")
        for pk, code, name, name_en, rules in versions
        if not any(rule.get("kind") in whole or rule.get("period") == "year" for rule in rules)
    )
