"""One box finds any account, from any hall."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from cis.models import Customer
from cis.operations.customers import edit_customer
from cis.queries import search
from config.shared.models import User
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def numbers(text: str) -> list[str]:
    """Account numbers that fit, best first."""
    return [found.account_no for found in search.find(text)]


class TestFind:
    """What people know about an account leads to it."""

    @pytest.mark.acceptance("004-08")
    @pytest.mark.acceptance("002-35")
    @pytest.mark.parametrize(
        ("text", "account_no", "how"),
        [
            ("4290000001", "4290000001", "number"),
            ("４２９０００００01", "4290000001", "number"),
            ("M4290000003", "4290000003", "meter"),
            ("m4290000003", "4290000003", "meter"),
            ("10000000002", "4290000002", "phone"),
            ("1000 000 0002", "4290000002", "phone"),
            ("0004", "4290000004", "phone"),
            ("张三", "4290000001", "name"),
            ("阳娜", "4290000002", "name"),
            ("龘", "4290000003", "name"),
            ("百货", "4290000004", "name"),
            ("oyn", "4290000002", "initials"),
            ("ZS", "4290000001", "initials"),
            ("jhsdh", "4290000004", "initials"),
        ],
    )
    def test_finds_the_one(self, world: World, text: str, account_no: str, how: str) -> None:
        found = search.find(text)

        assert [(row.account_no, row.matched_by) for row in found] == [(account_no, how)]

    def test_a_prefix_of_the_number_finds_all_in_order(self, world: World) -> None:
        assert numbers("429000000") == [account.account_no for account in world.accounts]

    def test_finds_an_address_by_its_parts(self, world: World) -> None:
        assert numbers("临江 桂苑路") == [world.residential_day_15.account_no, world.residential_tou.account_no]

    def test_an_exact_name_stands_before_longer_ones(self, world: World) -> None:
        other = world.residential_day_15
        edit_customer(customer_id=other.customer_id, expected_version=1, kind="person", name="张三丰")
        edit_customer(customer_id=world.residential_tou.customer_id, expected_version=1, kind="person", name="老张三")

        assert numbers("张三") == ["4290000001", "4290000002", "4290000003"]

    @pytest.mark.parametrize("text", ["", "   ", "%", "_", "不存在的人", "99999999", "' OR 1=1 --", "\\"])
    def test_finds_nothing_without_harm(self, world: World, text: str) -> None:
        assert search.find(text) == []

    def test_a_telephone_is_stored_sealed_and_still_found(self, world: World) -> None:
        stored = Customer.objects.extra(select={"raw": "phone"}).values_list("raw", flat=True)

        assert all("1000000" not in value for value in stored)
        assert numbers("10000000001") == ["4290000001"]

    @pytest.mark.parametrize("text", ["4290000001", "张三", "桂苑路", "0004", "zs"])
    def test_takes_two_statements_whatever_is_found(
        self, world: World, text: str, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        with django_assert_num_queries(2):  # type: ignore[attr-defined]
            search.find(text)


class TestSearchPage:
    """The box on every page."""

    @pytest.mark.parametrize("username", ["clerk_a", "clerk_b"])
    def test_a_single_hit_opens_at_once_in_every_hall(self, world: World, username: str) -> None:
        client = Client()
        client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")

        answer = client.post(reverse("cis:search"), {"q": "张三"})

        assert answer["Location"] == reverse("cis:account", kwargs={"account_no": "4290000001"})

    def test_several_hits_are_listed_with_their_area_and_no_area_is_asked(self, world: World) -> None:
        client = Client()
        client.force_login(User.objects.get(username="clerk_a"), "django.contrib.auth.backends.ModelBackend")

        page = client.post(reverse("cis:search"), {"q": "桂苑路"}, follow=True).content.decode()

        assert "东湖区供电公司" in page and "临江县供电公司" in page
        assert "10000000001" not in page
