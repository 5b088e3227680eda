"""Doubtful readings as a table: the work list of those who decide about them."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.queries import readings as queries
from cis.queries.readings import DoubtRow
from cis.web.doubt_charts import picture_of
from config.shared.web.tables import Chip, Column, Table


def _doubts(row: DoubtRow) -> tuple[Chip, ...]:
    found = tuple(Chip("warn", str(doubt.name)) for doubt in row.doubts)
    return (*found, Chip("info", _("等待复抄"))) if row.awaits_reread else found


def _expected(row: DoubtRow) -> int | None:
    """In whole kWh: an expectation is no better than that, and the column stands in line."""
    return None if row.expected_kwh_e2 is None else (row.expected_kwh_e2 + 50) // 100 * 100


DOUBTS: Table[DoubtRow] = Table(
    name="cis.doubts",
    columns=(
        Column(
            "account", gettext_lazy("户号"), lambda row: row.account_no, "code", is_head=True,
            link=lambda row: reverse("cis:reading_doubt", args=[row.doubt_id]),
        ),
        Column("name", gettext_lazy("户名"), lambda row: row.customer_name),
        Column("unit", gettext_lazy("单位"), lambda row: row.org_unit),
        Column("picture", gettext_lazy("当天与平常"), picture_of, "picture"),
        Column("subject", gettext_lazy("类别"), lambda row: row.subject_name, is_extra=True),
        Column("register", gettext_lazy("示数类型"), lambda row: row.register, is_extra=True),
        Column("read_on", gettext_lazy("抄表日"), lambda row: row.read_on, "day", sort="read_on"),
        Column("doubts", gettext_lazy("疑点"), _doubts, "chips"),
        Column("energy", gettext_lazy("电量 (kWh)"), lambda row: row.energy_kwh_e2, "energy"),
        Column("expected", gettext_lazy("预期 (kWh)"), _expected, "energy"),
        Column("owner", gettext_lazy("经办"), lambda row: row.owner),
        Column("age", gettext_lazy("等待 (天)"), lambda row: row.age_days, "count", sort="waiting"),
    ),
    orders=queries.DOUBT_ORDERS,
    first_order="-waiting",
)  # fmt: skip
