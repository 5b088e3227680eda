"""How a utility bills where the rules leave it open, in the console: what holds where, since when and why; chosen."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations.rating_switches import choose
from cis.queries import rating_switches as queries
from cis.queries.validation_limits import list_units
from cis.rating import SWITCHES
from cis.web.dated_sets import WHOLE, address_of, may_set, unit_of
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires


class SwitchesForm(forms.Form):
    """Every switch, from when the choices hold, and where they come from."""

    from_on = forms.DateField(
        label=gettext_lazy("从哪一天起执行"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("计费周期的最后一天在这一天或以后的电费按新的口径算；已经发行的不改。"),
    )
    source = forms.CharField(
        label=gettext_lazy("依据"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("例如文件名和文号，或会议纪要。"),
    )

    def __init__(self, switches: tuple[queries.SwitchRow, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = [one.name for one in switches if not one.elsewhere]
        for one in switches:
            if one.elsewhere:
                continue
            self.fields[one.name] = forms.ChoiceField(
                label=one.meaning,
                choices=[(str(value), words) for value, words in one.choices],
                initial=str(one.value),
                help_text=_("缺省：%(default)s") % {"default": one.default_in_words},
            )

    def chosen(self) -> dict[str, object]:
        """What was chosen, as the switches have it."""
        by_text = {name: {str(value): value for value in switch.values} for name, switch in SWITCHES.items()}
        return {name: by_text[name][self.cleaned_data[name]] for name in self.names}


@requires("cis.see_switches")
@require_safe
def switches(request: HttpRequest) -> HttpResponse:
    """What is billed by today in a part of the organisation, and what was chosen before."""
    user = staff_of(request)
    units = list_units(within=scope_of(user, "cis.see_switches"))
    unit = unit_of(units, request.GET.get("unit", ""))
    path = unit.path if unit else ""
    context = {
        "switches": queries.list_switches(day=timezone.localdate(), org_path=path),
        "changes": queries.list_changes(unit_ids=[int(part) for part in path.split("/") if part]),
        "units": units,
        "unit": unit,
        "whole": WHOLE,
        "may_change": may(user, "cis.edit_switches") and may_set(scope_of(user, "cis.edit_switches"), unit),
    }
    return render(request, "cis/switches/switches.html", context)


@requires("cis.edit_switches")
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest) -> HttpResponse:
    """Choose otherwise from a day on; only what differs from what holds above is kept."""
    user = staff_of(request)
    within = scope_of(user, "cis.edit_switches")
    unit = unit_of(list_units(within=within), request.GET.get("unit", ""))
    if not may_set(within, unit):
        raise NotFound(_("全网的口径要由管理全网的人定；请先选您的单位。"))
    path = unit.path if unit else ""
    rows = queries.list_switches(day=timezone.localdate(), org_path=path)
    form = SwitchesForm(rows, request.POST or None, initial={"from_on": timezone.localdate()})
    refused: Refused | None = None
    if request.method == "POST" and form.is_valid():
        above = queries.values_above(day=form.cleaned_data["from_on"], org_path=path)
        try:
            choose(
                values={name: value for name, value in form.chosen().items() if value != above[name]},
                source=form.cleaned_data["source"],
                from_on=form.cleaned_data["from_on"],
                org_unit_id=unit.unit_id if unit else None,
                set_by_id=user.pk,
                at=timezone.now(),
            )
        except Refused as refusal:
            refused = refusal
            form.add_error(None, refusal.message)
        else:
            messages.success(request, _("计费口径已保存，从所选日期起执行。"))
            return redirect(address_of("cis:switches", unit))
    context = {
        "form": form,
        "unit": unit,
        "fields": [form[name] for name in form.names],
        "back_url": address_of("cis:switches", unit),
    }
    return render(
        request,
        "cis/switches/change.html",
        context,
        status=refused.status if refused else 422 if form.errors else 200,
    )
