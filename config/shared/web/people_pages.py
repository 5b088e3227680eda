"""Administration of users: who there is, what they may do where, what was asked for them; locks and sessions."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared import lockout, people, people_queries, role_changes, second_factors, sessions
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.permissions import holds_everywhere, scope_of, staff_of
from config.shared.web.pages import render_part_or_page, requires
from config.shared.web.step_up import requires_step_up

_PAGE = 30
MANAGE = "shared.manage_users"
_WHY = gettext_lazy("审批人凭它决定，例如“新入职，接替李敏”。")


class PersonForm(forms.Form):
    """Who somebody is and where they work."""

    name = forms.CharField(label=gettext_lazy("姓名"), max_length=100)
    org_unit = forms.TypedChoiceField(label=gettext_lazy("所在单位"), coerce=int)

    def __init__(self, *args: Any, units: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["org_unit"].choices = units  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    """Which role, for what, and why."""

    role = forms.TypedChoiceField(label=gettext_lazy("岗位"), coerce=int)
    role_unit = forms.TypedChoiceField(
        label=gettext_lazy("管到哪个单位"), coerce=int, help_text=gettext_lazy("包括它的全部下级。")
    )
    reason = forms.CharField(
        label=gettext_lazy("申请原因"),
        max_length=500,
        help_text=gettext_lazy("审批人凭它决定，例如“新入职，接替李敏”。"),
    )

    def __init__(self, *args: Any, units: list[tuple[int, str]], roles: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles  # type: ignore[attr-defined]
        self.fields["role_unit"].choices = units  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=gettext_lazy("申请原因"), max_length=500)


class AddForm(PersonForm):
    """A new member of staff, and the role to ask for; its unit is where they work, unless said otherwise."""

    username = forms.CharField(
        label=gettext_lazy("用户名"),
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "autofocus": True}),
        help_text=gettext_lazy("登录用，2 到 32 个小写字母、数字、点、横线，例如 li.min。"),
    )
    role = forms.TypedChoiceField(label=gettext_lazy("岗位"), coerce=int, required=False, empty_value=None)
    role_unit = forms.TypedChoiceField(
        label=gettext_lazy("管到哪个单位"),
        coerce=int,
        required=False,
        empty_value=None,
        help_text=gettext_lazy("包括它的全部下级。"),
    )
    reason = forms.CharField(label=gettext_lazy("申请原因"), max_length=500, required=False, help_text=_WHY)
    field_order = ("username", "name", "org_unit", "role", "role_unit", "reason")

    def __init__(self, *args: Any, units: list[tuple[int, str]], roles: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, units=units, **kwargs)
        self.fields["role"].choices = [("", _("先不给岗位")), *roles]  # type: ignore[attr-defined]
        self.fields["role_unit"].choices = [("", _("和所在单位一样")), *units]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """A role needs a reason."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("role") and not cleaned.get("reason", "").strip():
            self.add_error("reason", _("请写明申请原因，审批人要凭它决定。"))
        return cleaned


def _scope(request: HttpRequest) -> list[str]:
    return scope_of(staff_of(request), MANAGE)


@never_cache
@require_safe
@requires(MANAGE)
def people_list(request: HttpRequest) -> HttpResponse:
    """Users by name of sign-in."""
    return draw_list(request, User.Kind.STAFF, "shared/people/list.html")


def draw_list(request: HttpRequest, kind: User.Kind, template: str) -> HttpResponse:
    """A list of users of a kind, or its part for htmx."""
    text = request.GET.get("text", "").strip()[:50]
    rows = people_queries.list_people(
        within=_scope(request), kind=kind, text=text, after=request.GET.get("after", "")[:150], limit=_PAGE + 1
    )
    more = len(rows) > _PAGE
    context = {
        "people": rows[:_PAGE],
        "text": text,
        "next_url": f"?after={rows[_PAGE - 1].username}&text={text}" if more else "",
    }
    return render_part_or_page(request, part="shared/people/_people.html", page=template, context=context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def person_add(request: HttpRequest) -> HttpResponse:
    """A new user, and in the same step the role they need, asked for from a second person."""
    scope, staff = _scope(request), staff_of(request)
    form = AddForm(
        request.POST if "username" in request.POST else None,
        units=people_queries.unit_choices(within=scope),
        roles=people_queries.role_choices(),
        initial={"org_unit": staff.org_unit_id},
    )
    if form.is_bound and form.is_valid():
        typed, now = form.cleaned_data, timezone.now()
        try:
            added = people.add_person(
                username=typed["username"],
                name=typed["name"],
                org_unit_id=typed["org_unit"],
                by_id=staff.pk,
                within=scope,
                at=now,
            )
        except (people.BadUsername, people.UsernameTaken) as refused:
            form.add_error("username", refused.message)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            if typed["role"]:
                _ask_for_role(request, added.user_id, {**typed, "role_unit": typed["role_unit"] or typed["org_unit"]})
            return _show_password(request, added.user_id, added.password)
    return render(request, "shared/people/add.html", {"form": form}, status=422 if form.errors else 200)


def _ask_for_role(request: HttpRequest, user_id: int, typed: dict[str, Any]) -> None:
    try:
        role_changes.ask_for_role(
            user_id=user_id,
            role_id=typed["role"],
            org_unit_id=typed["role_unit"],
            reason=typed["reason"],
            asked_by_id=staff_of(request).pk,
            within=_scope(request),
            at=timezone.now(),
        )
        messages.success(request, _("岗位已提交审批，另一个人批准后生效。"))
    except Refused as refused:
        messages.warning(request, refused.message)


def _show_password(request: HttpRequest, user_id: int, password: str) -> HttpResponse:
    person = people_queries.get_person(user_id, within=_scope(request))
    return render(request, "shared/people/password.html", {"person": person, "password": password})


@never_cache
@require_safe
@requires(MANAGE)
def person_page(request: HttpRequest, user_id: int) -> HttpResponse:
    """Everything about one user, and what can be done."""
    return draw_person(request, user_id)


def draw_person(request: HttpRequest, user_id: int, *, role_form: RoleForm | None = None, **more: Any) -> HttpResponse:
    """The page of a user, perhaps with a form that came back."""
    scope = _scope(request)
    person = people_queries.get_person(user_id, within=scope)
    units, roles = people_queries.unit_choices(within=scope), people_queries.role_choices()
    form = role_form or RoleForm(units=units, roles=roles, initial={"role_unit": person.unit_id})
    context = {
        "person": person,
        "role_form": form,
        "factors": second_factors.factors_of(user_id=user_id),
        "sessions": sessions.list_sessions(user_id=user_id, limit=10),
        "locks": [lock for lock in lockout.locked_names(now=timezone.now()) if lock.username == person.username],
        "is_self": staff_of(request).pk == user_id,
        **more,
    }
    return render(request, "shared/people/person.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
def person_edit(request: HttpRequest, user_id: int) -> HttpResponse:
    """Another name, another unit."""
    scope = _scope(request)
    person = people_queries.get_person(user_id, within=scope)
    form = PersonForm(
        request.POST or None,
        units=people_queries.unit_choices(within=scope),
        initial={"name": person.name, "org_unit": person.unit_id},
    )
    if form.is_bound and form.is_valid():
        try:
            people.edit_person(
                user_id=user_id, name=form.cleaned_data["name"], org_unit_id=form.cleaned_data["org_unit"], within=scope
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已保存。"))
            return redirect("person", user_id=user_id)
    context = {"form": form, "person": person}
    return render(request, "shared/people/edit.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def person_role_ask(request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask for a role for somebody."""
    form = RoleForm(
        request.POST,
        units=people_queries.unit_choices(within=_scope(request)),
        roles=people_queries.role_choices(),
    )
    if not form.is_valid():
        return draw_person(request, user_id, role_form=form)
    _ask_for_role(request, user_id, form.cleaned_data)
    return redirect("person", user_id=user_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def person_role_withdraw(request: HttpRequest, user_id: int, grant_id: int) -> HttpResponse:
    """Ask that somebody loses a role."""
    person = people_queries.get_person(user_id, within=_scope(request))
    grant = next((one for one in person.grants if one.grant_id == grant_id), None)
    if grant is None:
        raise NotFound(_("这个人已经没有这个岗位，刷新页面看最新的列表。"))

    def ask(reason: str) -> None:
        role_changes.ask_to_withdraw_role(
            user_id=user_id,
            grant_id=grant_id,
            reason=reason,
            asked_by_id=staff_of(request).pk,
            within=_scope(request),
            at=timezone.now(),
        )

    happens = _("%(name)s 不再有%(unit)s的岗位“%(role)s”。要另一个人批准后才生效；必须马上停的，请停用账号。") % {
        "name": person.name or person.username,
        "unit": grant.unit,
        "role": grant.role,
    }
    return _ask_with_reason(request, person, happens, _("申请收回岗位"), ask)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def person_factors_reset(request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask that somebody who lost everything may sign in without a second factor."""
    person = people_queries.get_person(user_id, within=_scope(request))

    def ask(reason: str) -> None:
        role_changes.ask_to_reset_factors(
            user_id=user_id,
            reason=reason,
            asked_by_id=staff_of(request).pk,
            within=_scope(request),
            at=timezone.now(),
        )

    happens = _(
        "%(name)s 的动态码、通行密钥和恢复码全部解除。请先当面或回拨电话确认是本人；要另一个人批准后才生效。"
    ) % {"name": person.name or person.username}
    return _ask_with_reason(request, person, happens, _("申请解除第二重验证"), ask)


def _ask_with_reason(
    request: HttpRequest, person: people_queries.Person, happens: str, act_label: str, ask: Any
) -> HttpResponse:
    form = ReasonForm(request.POST if "reason" in request.POST else None)
    if form.is_bound and form.is_valid():
        try:
            ask(form.cleaned_data["reason"])
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已提交审批，另一个人批准后生效。"))
            return redirect("person", user_id=person.user_id)
    context = {
        "form": form,
        "happens": happens,
        "act_label": act_label,
        "back_url": reverse("person", args=[person.user_id]),
        "person": person,
    }
    return render(request, "shared/people/confirm.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def person_password_reset(request: HttpRequest, user_id: int) -> HttpResponse:
    """A temporary password, shown once."""
    try:
        password = people.reset_password(
            user_id=user_id, by_id=staff_of(request).pk, within=_scope(request), at=timezone.now()
        )
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
        return redirect("person", user_id=user_id)
    return _show_password(request, user_id, password)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def person_disable(request: HttpRequest, user_id: int) -> HttpResponse:
    """Nobody by this name comes in any more, from this moment."""
    try:
        people.disable_person(user_id=user_id, by_id=staff_of(request).pk, within=_scope(request), at=timezone.now())
        messages.success(request, _("已停用：登录都已退出，密钥都已作废。"))
    except NotFound:
        raise
    except Refused as refused:
        messages.warning(request, refused.message)
    return redirect("person", user_id=user_id)


@never_cache
@require_POST
@requires(MANAGE)
@requires_step_up
def person_enable(request: HttpRequest, user_id: int) -> HttpResponse:
    """Somebody comes back, with a new temporary password."""
    password = people.enable_person(
        user_id=user_id, by_id=staff_of(request).pk, within=_scope(request), at=timezone.now()
    )
    if password:
        return _show_password(request, user_id, password)
    messages.success(request, _("已启用。旧密钥不会恢复，需要时新建。"))
    return redirect("person", user_id=user_id)


@never_cache
@require_POST
@requires(MANAGE)
def person_sign_out(request: HttpRequest, user_id: int, session_id: int | None = None) -> HttpResponse:
    """End a session of somebody, or all."""
    people.sign_out_person(
        user_id=user_id,
        session_id=session_id,
        by_id=staff_of(request).pk,
        within=_scope(request),
        at=timezone.now(),
    )
    messages.success(request, _("已让它退出，那台设备再点任何一处都要重新登录。"))
    return redirect("person", user_id=user_id)


@never_cache
@require_safe
@requires(MANAGE)
def locks(request: HttpRequest) -> HttpResponse:
    """Which names are locked, from where; names that exist nowhere stand here too."""
    return render(
        request,
        "shared/people/locks.html",
        {"locks": lockout.locked_names(now=timezone.now()), "may_unlock": holds_everywhere(_scope(request))},
    )


@never_cache
@require_POST
@requires(MANAGE)
def unlock(request: HttpRequest) -> HttpResponse:
    """Forget the mistakes of a name."""
    username = request.POST.get("username", "")[:255]
    if not holds_everywhere(_scope(request)):
        people_queries.find_person(username, within=_scope(request))
    lockout.forgive(username=username)
    messages.success(request, _("“%(name)s”已解锁，可以马上再登录。") % {"name": username})
    return redirect("people_locks")


urlpatterns = [
    path("people/", people_list, name="people"),
    path("people/add/", person_add, name="person_add"),
    path("people/locks/", locks, name="people_locks"),
    path("people/locks/unlock/", unlock, name="people_unlock"),
    path("people/<int:user_id>/", person_page, name="person"),
    path("people/<int:user_id>/edit/", person_edit, name="person_edit"),
    path("people/<int:user_id>/roles/", person_role_ask, name="person_role_ask"),
    path("people/<int:user_id>/roles/<int:grant_id>/", person_role_withdraw, name="person_role_withdraw"),
    path("people/<int:user_id>/second-factors/", person_factors_reset, name="person_factors_reset"),
    path("people/<int:user_id>/password/", person_password_reset, name="person_password_reset"),
    path("people/<int:user_id>/disable/", person_disable, name="person_disable"),
    path("people/<int:user_id>/enable/", person_enable, name="person_enable"),
    path("people/<int:user_id>/sessions/end/", person_sign_out, name="person_sign_out"),
    path("people/<int:user_id>/sessions/<int:session_id>/end/", person_sign_out, name="person_session_end"),
]
