"""What is added to the house in one file and one row: a part of the customer's page, an indicator."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.test import Client, override_settings

from config import navigation
from config.navigation import Slot
from config.shared import indicators
from config.shared.models import User
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

SCRATCH = """
from django.http import HttpResponse
from django.urls import include, path

from config.shared.indicators import Indicator, Unit
from config.shared.web.pages import requires


@requires("cis.view_customer")
def part(request, account_no):
    return HttpResponse(f"<p>scratch of {account_no}</p>")


def figures(asked):
    return {(part.org_unit_id, month): 4_200 for part in asked.parts for month in asked.months}


INDICATORS = (Indicator("scratch.answer", "临时指标", Unit.PERCENT, "leader", "测试", "shared.see_cockpit", figures),)
urlpatterns = [path("", include("config.urls")), path("scratch/<str:account_no>/", part, name="scratch_part")]
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that no app knows, on the path."""
    (tmp_path / "scratch_room.py").write_text(SCRATCH, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "scratch_room", raising=False)
    return "scratch_room"


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def signed_in(user_id: int) -> Client:
    """A browser of somebody."""
    client = Client()
    client.force_login(User.objects.get(pk=user_id), "django.contrib.auth.backends.ModelBackend")
    return client


class TestOneFileAndOneRow:
    """Nothing else is edited."""

    def test_a_part_of_the_customers_page(self, scratch: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        parts = (*navigation.SLOTS["customer-360"], Slot("临时部件", "scratch_part", "cis.view_customer"))
        monkeypatch.setitem(navigation.SLOTS, "customer-360", parts)
        address = f"/console/accounts/{world.residential.account_no}/"

        with override_settings(ROOT_URLCONF=scratch):
            client = signed_in(world.clerk_a_id)
            page, plain = client.get(address).content.decode(), client.get(f"{address}?plain=1").content.decode()

        assert "临时部件" in page and f"/scratch/{world.residential.account_no}/" in page
        assert f"scratch of {world.residential.account_no}" in plain

    def test_an_indicator(self, scratch: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(navigation, "INDICATORS", (*navigation.INDICATORS, f"{scratch}.INDICATORS"))
        indicators.all_indicators.cache_clear()
        try:
            page = signed_in(world.accountant_id).get("/dsm/cockpit/").content.decode()
        finally:
            indicators.all_indicators.cache_clear()

        assert "临时指标" in page and "42.00" in page
