"""Trials of draft tariffs as pages need them: what a draft begins with, how far a trial is, what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from cis.laboratory import BINS, STEPS_PERCENT, Figure, draft_from, list_figures
from cis.models import Tariff, TariffTrial, TariffVersion, TrialAccount
from cis.models.customers import SupplyContract
from cis.queries.billing import source_in_words
from cis.rating import CannotPrice, compile_rules
from config.shared.display_formats import format_count
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.languages import in_language
from config.shared.models import Job, OrgUnit
from config.shared.permissions import in_scope


@dataclass(frozen=True, slots=True)
class TariffChoice:
    """A tariff that a draft can be made from."""

    tariff_id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class BaseVersion:
    """The version a draft begins with, and its figures."""

    version_id: int
    tariff_id: int
    tariff_name: str
    valid_from: date | None
    source: str
    is_demonstration: bool
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial in a list; the sums are None until it is finished."""

    trial_id: int
    name: str
    tariff_name: str
    org_name: str
    class_name: str
    first_cycle: int
    last_cycle: int
    created_at: datetime
    created_by: str
    state: str
    state_label: str
    done_units: int
    total_units: int
    accounts: int | None
    billed_fen: int | None
    draft_fen: int | None

    @property
    def difference_fen(self) -> int | None:
        """How much more the population would have paid; negative: less."""
        return None if self.billed_fen is None or self.draft_fen is None else self.draft_fen - self.billed_fen


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group of accounts of a trial: who pays less, who pays more, and how much."""

    place: int
    grouping: str
    name: str
    accounts: int
    winners: int
    losers: int
    bills: int
    energy_kwh_e2: int
    billed_fen: int
    draft_fen: int
    saved_fen: int
    added_fen: int

    @property
    def difference_fen(self) -> int:
        """How much more the group pays; negative: less."""
        return self.draft_fen - self.billed_fen


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the histogram: accounts whose bills change by this much."""

    name: str
    accounts: int


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of the draft that differs from its version."""

    figure: Figure
    drafted: str


@dataclass(frozen=True, slots=True)
class TrialPage:
    """A whole trial; without a result, no groups and no bars."""

    trial: TrialRow
    job_id: int | None
    tariff_id: int
    own_tariff_only: bool
    is_demonstration: bool
    changes: tuple[FigureChange, ...]
    whole: GroupRow | None
    groups: tuple[GroupRow, ...]
    bars: tuple[Bar, ...]
    left_out: tuple[tuple[str, int], ...]
    unknown_in_list: int


@dataclass(frozen=True, slots=True)
class AccountChange:
    """An account that saves or pays much more under a draft."""

    row_id: int
    account_no: str
    class_name: str
    unit: str
    bills: int
    energy_kwh_e2: int
    billed_fen: int
    draft_fen: int
    difference_fen: int


def list_tariffs() -> list[TariffChoice]:
    """Every tariff that has a version, by code."""
    versions = TariffVersion.objects.filter(tariff=OuterRef("pk"))
    tariffs = Tariff.objects.filter(Exists(versions)).order_by("code")
    return [TariffChoice(tariff.pk, tariff.code, in_language(tariff.name, tariff.name_en)) for tariff in tariffs]


def get_base(tariff_id: int, *, today: date) -> BaseVersion:
    """
    The version of a tariff that a draft begins with: the one in force, or the newest; no figures where it has no price.

    :raises NotFound: no such tariff, or it has no version
    """
    versions = TariffVersion.objects.select_related("tariff").filter(tariff_id=tariff_id)
    version = versions.filter(valid__contains=today).first() or versions.order_by("-valid").first()
    if version is None:
        raise NotFound(_("没有这个电价。"))
    figures: tuple[Figure, ...] = ()
    try:
        draft = draft_from(version.rules)
        compile_rules(draft)
        figures = list_figures(draft)
    except CannotPrice:
        figures = ()
    return BaseVersion(
        version_id=version.pk,
        tariff_id=version.tariff_id,
        tariff_name=in_language(version.tariff.name, version.tariff.name_en),
        valid_from=version.valid.lower,
        source=source_in_words(version.source),
        is_demonstration=version.is_demonstration,
        figures=figures,
    )


TRIAL_ORDERS = {"no": Order((SortKey("trial_id", int, "pk"),))}


def page_of_trials(ask: Ask, *, within: Sequence[str] | None) -> Page[TrialRow]:
    """One page of the trials of the organisation paths `within`."""
    return ask.page(ask.of(_trials(within)), lambda trials: [_row(trial) for trial in trials])


def _trials(within: Sequence[str] | None) -> QuerySet[TariffTrial]:
    return TariffTrial.objects.select_related("job", "org_unit", "created_by", "draft__base_version__tariff").filter(
        in_scope("org_unit", within)
    )


def _row(trial: TariffTrial) -> TrialRow:
    whole = _figures(trial).get("all", {}).get("0", {})
    tariff = trial.draft.base_version.tariff
    job = trial.job
    return TrialRow(
        trial_id=trial.pk,
        name=trial.draft.name,
        tariff_name=in_language(tariff.name, tariff.name_en),
        org_name=trial.org_unit.shown_name if trial.org_unit else _("全部"),
        class_name=_class_name(trial.price_class) if trial.price_class is not None else _("全部类别"),
        first_cycle=trial.first_cycle,
        last_cycle=trial.last_cycle,
        created_at=trial.created_at,
        created_by=trial.created_by.display_name or trial.created_by.username,
        state=job.state if job else Job.State.DONE,
        state_label=_(Job.State(job.state if job else Job.State.DONE).label),
        done_units=job.done_units if job else 0,
        total_units=job.total_units if job else 0,
        accounts=_or_none(trial, whole, "accounts"),
        billed_fen=_or_none(trial, whole, "billed_fen"),
        draft_fen=_or_none(trial, whole, "draft_fen"),
    )


def _or_none(trial: TariffTrial, sums: Mapping[str, int], name: str) -> int | None:
    return None if trial.result is None else sums.get(name, 0)


def _figures(trial: TariffTrial) -> dict[str, dict[str, dict[str, int]]]:
    figures: dict[str, dict[str, dict[str, int]]] = (trial.result or {}).get("figures", {})
    return figures


def _class_name(price_class: int) -> str:
    return _(SupplyContract.PriceClass(price_class).label)


def get_trial(trial_id: int, *, within: Sequence[str] | None = None) -> TrialPage:
    """
    One trial with its progress and, when it is finished, its result.

    :raises NotFound: no such trial in the organisation paths `within`
    """
    trial = _trials(within).filter(pk=trial_id).first()
    if trial is None:
        raise NotFound(_("没有这次试算。"))
    figures = _figures(trial)
    groups = _groups(trial, figures)
    version = trial.draft.base_version
    return TrialPage(
        trial=_row(trial),
        job_id=trial.job_id,
        tariff_id=version.tariff_id,
        own_tariff_only=trial.own_tariff_only,
        is_demonstration=version.is_demonstration,
        changes=_changes(version.rules, trial.draft.rules),
        whole=next((row for row in groups if row.place == 0), None),
        groups=tuple(row for row in groups if row.place),
        bars=_bars(figures.get("change", {})) if trial.result is not None else (),
        left_out=tuple(sorted((trial.result or {}).get("left_out", {}).items())),
        unknown_in_list=trial.unknown_in_list,
    )


def _changes(base: Any, drafted: Any) -> tuple[FigureChange, ...]:
    after = {figure.key: figure.value for figure in list_figures(drafted)}
    return tuple(
        FigureChange(figure, after[figure.key])
        for figure in list_figures(draft_from(base))
        if after.get(figure.key, figure.value) != figure.value
    )


def _groups(trial: TariffTrial, figures: Mapping[str, Mapping[str, dict[str, int]]]) -> list[GroupRow]:
    units = {unit.pk: unit for unit in OrgUnit.objects.filter(pk__in=[int(key) for key in figures.get("area", {})])}
    words: dict[str, tuple[str, Callable[[str], str]]] = {
        "all": (_("全部"), lambda _key: _("全部")),
        "price_class": (_("类别"), lambda key: _class_name(int(key))),
        "area": (_("单位"), lambda key: units[int(key)].shown_name if int(key) in units else key),
        "usage": (_("用电量"), lambda key: _band(trial.usage_bands_kwh, int(key))),
        "list": (_("名单分组"), lambda key: trial.group_names[int(key)] if int(key) >= 0 else _("不在名单里")),
    }
    rows: list[GroupRow] = []
    for grouping, (label, name_of) in words.items():
        for key, sums in sorted(figures.get(grouping, {}).items(), key=lambda pair: int(pair[0])):
            rows.append(GroupRow(place=len(rows), grouping=label, name=name_of(key), **sums))
    return rows


def _band(bounds_kwh: Sequence[int], band: int) -> str:
    if band == 0:
        return _("不到 %(kwh)s 度") % {"kwh": format_count(bounds_kwh[0])}
    if band == len(bounds_kwh):
        return _("%(kwh)s 度及以上") % {"kwh": format_count(bounds_kwh[-1])}
    return _("%(low)s 至 %(high)s 度") % {
        "low": format_count(bounds_kwh[band - 1]),
        "high": format_count(bounds_kwh[band]),
    }


def _bars(sums: Mapping[str, Mapping[str, int]]) -> tuple[Bar, ...]:
    counts = [sums.get(str(number), {}).get("accounts", 0) for number in range(BINS)]
    middle, steps = BINS // 2, (0, *STEPS_PERCENT)
    names = []
    for number in range(BINS):
        step = abs(number - middle) - 1
        sign = "−" if number < middle else "+"
        if number == middle:
            names.append(_("不变"))
        elif step == len(STEPS_PERCENT):
            names.append(f"{'<' if number < middle else '>'} {sign}{STEPS_PERCENT[-1]}%")
        else:
            names.append(f"{sign}{steps[step]}–{steps[step + 1]}%")
    return tuple(Bar(name, count) for name, count in zip(names, counts, strict=True))


GROUP_ORDERS = {"place": Order((SortKey("place", int),))}


def page_of_groups(ask: Ask, *, groups: Sequence[GroupRow]) -> Page[GroupRow]:
    """One page of the groups of a trial, which are few, in the order of the report."""
    ordered = sorted(groups, key=lambda row: row.place, reverse=ask.reading.is_descending)
    key = ask.after if ask.before is None else ask.before
    if key is not None:
        ordered = [row for row in ordered if (row.place < key[0]) == ask.reading.is_descending and row.place != key[0]]
    return ask.page(ordered[: ask.limit + 1], lambda rows: rows)


ACCOUNT_ORDERS = {"difference": Order((SortKey("difference_fen", int), SortKey("row_id", int, "pk")))}


def page_of_accounts(ask: Ask, *, trial_id: int, side: str, within: Sequence[str] | None) -> Page[AccountChange]:
    """
    One page of the accounts that change most; `side`: `less`, `more`, or "" for both.

    :raises NotFound: no such trial in the organisation paths `within`
    """
    if not _trials(within).filter(pk=trial_id).exists():
        raise NotFound(_("没有这次试算。"))
    rows = TrialAccount.objects.select_related("account__org_unit").filter(trial_id=trial_id)
    if side == "less":
        rows = rows.filter(difference_fen__lt=0)
    elif side == "more":
        rows = rows.filter(difference_fen__gt=0)
    return ask.page(
        ask.of(rows),
        lambda found: [
            AccountChange(
                row_id=row.pk,
                account_no=row.account.account_no,
                class_name=_class_name(row.price_class),
                unit=row.account.org_unit.shown_name,
                bills=row.bills,
                energy_kwh_e2=row.energy_kwh_e2,
                billed_fen=row.billed_fen,
                draft_fen=row.draft_fen,
                difference_fen=row.difference_fen,
            )
            for row in found
        ],
    )
