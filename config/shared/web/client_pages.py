"""Programs that use the API with their keys, and what roles let people do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config.shared import people, people_queries, role_changes
from config.shared.api.keys import issue_key
from config.shared.errors import NotFound, Refused
from config.shared.models import User
from config.shared.permissions import scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.people_pages import MANAGE, PersonForm, draw_list
from config.shared.web.step_up import requires_step_up


class ClientForm(PersonForm):
    """A program: what it is called, and for which unit it works."""

    username = forms.CharField(
        label=gettext_lazy("接口名"),
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
        help_text=gettext_lazy("2 到 32 个小写字母、数字、点、横线，例如 bank-icbc。"),
    )
    field_order = ("username", "name", "org_unit")


class KeyForm(forms.Form):
    """What a key is for."""

    name = forms.CharField(
        label=gettext_lazy("密钥用途"), max_length=100, help_text=gettext_lazy("例如“生产环境”“2026 年换钥”。")
    )


class RoleWordsForm(forms.Form):
    """What a role lets people do, and why it changes."""

    permissions = forms.MultipleChoiceField(
        label=gettext_lazy("权限"), required=False, widget=forms.CheckboxSelectMultiple
    )
    reason = forms.CharField(label=gettext_lazy("申请原因"), max_length=500)

    def __init__(self, *args: Any, words: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["permissions"].choices = words  # type: ignore[attr-defined]


@never_cache
@require_safe
@requires(MANAGE)
def client_list(request: HttpRequest) -> HttpResponse:
    """Programs that may use the API."""
    return draw_list(request, User.Kind.MACHINE, "shared/people/clients.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def client_add(request: HttpRequest) -> HttpResponse:
    """A new program; its role is asked for and its key made on its page."""
    scope = scope_of(staff_of(request), MANAGE)
    form = ClientForm(
        request.POST if "username" in request.POST else None, units=people_queries.unit_choices(within=scope)
    )
    if form.is_bound and form.is_valid():
        typed = form.cleaned_data
        try:
            user_id = people.add_client(
                username=typed["username"], name=typed["name"], org_unit_id=typed["org_unit"], within=scope
            )
        except (people.BadUsername, people.UsernameTaken) as refused:
            form.add_error("username", refused.message)
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("接口已建立。接着申请岗位、新建密钥。"))
            return redirect("person", user_id=user_id)
    return render(request, "shared/people/client_add.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def key_add(request: HttpRequest, user_id: int) -> HttpResponse:
    """A new key, shown once."""
    person = people_queries.get_person(user_id, within=scope_of(staff_of(request), MANAGE))
    if not person.is_machine or not person.is_active:
        raise NotFound(_("只有启用的接口才有密钥；员工凭密码登录。"))
    form = KeyForm(request.POST if "name" in request.POST else None)
    if form.is_bound and form.is_valid():
        key = issue_key(user_id=user_id, name=form.cleaned_data["name"], at=timezone.now())
        return render(request, "shared/people/key.html", {"person": person, "key": key})
    context = {"person": person, "form": form}
    return render(request, "shared/people/key_add.html", context, status=422 if form.errors else 200)


@never_cache
@require_POST
@requires(MANAGE)
def key_revoke(request: HttpRequest, user_id: int, key_id: int) -> HttpResponse:
    """The key opens nothing any more."""
    people.revoke_key(key_id=key_id, user_id=user_id, within=scope_of(staff_of(request), MANAGE), at=timezone.now())
    messages.success(request, _("密钥已作废，用它的程序从现在起进不来。"))
    return redirect("person", user_id=user_id)


@never_cache
@require_safe
@requires(MANAGE)
def role_list(request: HttpRequest) -> HttpResponse:
    """Every role and what it lets people do."""
    return render(request, "shared/people/roles.html", {"roles": people_queries.list_roles()})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(MANAGE)
@requires_step_up
def role_page(request: HttpRequest, role_id: int) -> HttpResponse:
    """Ask that a role lets people do more or less."""
    role = people_queries.get_role(role_id)
    form = RoleWordsForm(
        request.POST if "reason" in request.POST else None,
        words=[(word, label) for word, label, _is_held in role.words],
        initial={"permissions": [word for word, _label, is_held in role.words if is_held]},
    )
    if form.is_bound and form.is_valid():
        staff = staff_of(request)
        try:
            role_changes.ask_to_change_role(
                role_id=role_id,
                permissions=form.cleaned_data["permissions"],
                reason=form.cleaned_data["reason"],
                asked_by_id=staff.pk,
                within=scope_of(staff, MANAGE),
                at=timezone.now(),
            )
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已提交审批，另一个人批准后生效。"))
            return redirect("people_roles")
    return render(request, "shared/people/role.html", {"role": role, "form": form}, status=422 if form.errors else 200)


urlpatterns = [
    path("people/clients/", client_list, name="clients"),
    path("people/clients/add/", client_add, name="client_add"),
    path("people/<int:user_id>/keys/add/", key_add, name="key_add"),
    path("people/<int:user_id>/keys/<int:key_id>/revoke/", key_revoke, name="key_revoke"),
    path("people/roles/", role_list, name="people_roles"),
    path("people/roles/<int:role_id>/", role_page, name="people_role"),
]
