"""Where people come in and out: the first page is what they have to do, the last the door they came by."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from config.shared.models import OrgUnit, User
from config.shared.roles import load_roles
from tests.factories.world import make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> OrgUnit:
    load_roles()
    return make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


class TestTheFirstPage:
    @pytest.mark.parametrize(
        ("role", "page"),
        [
            ("clerk", "counter_home"),
            ("agent", "counter_home"),
            ("accountant", "counter_home"),
            ("reading-auditor", "counter_home"),
            ("administrator", "counter_home"),
            ("leader", "counter_home"),
        ],
    )
    def test_is_what_the_role_has_to_do(self, unit: OrgUnit, role: str, page: str) -> None:
        answer = signed_in(make_user(f"a-{role}", unit, role)).get("/")

        assert answer.headers["Location"] == reverse(page)


class TestSigningOut:
    def test_leads_a_customer_back_to_the_portal(self) -> None:
        customer = User.objects.create(username="c-1", kind=User.Kind.CUSTOMER)

        answer = signed_in(customer).post(reverse("logout"))

        assert answer.headers["Location"] == reverse("cis:portal_sign_in")

    def test_leads_staff_back_to_their_own(self, unit: OrgUnit) -> None:
        answer = signed_in(make_user("a-clerk", unit, "clerk")).post(reverse("logout"))

        assert answer.headers["Location"] == reverse("login")


def test_a_day_to_choose_is_written_as_browsers_read_it_in_chinese_too(unit: OrgUnit) -> None:
    clerk = signed_in(make_user("a-clerk", unit, "clerk"))

    answer = clerk.get(reverse("payments:day_list"), {"day": "2026-01-31"}, HTTP_ACCEPT_LANGUAGE="zh-CN")

    assert 'value="2026-01-31"' in answer.content.decode()
