"""The card with its photo: put on by oneself, seen by customers, gone at once when taken back."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from config.shared.models import OrgUnit
from grid_service.models import Community, Portrait
from grid_service.operations import portraits, territory
from tests.factories.districts import District, make_district
from tests.factories.pictures import BLUE, RED, drawing, photo
from tests.factories.portal import signed_in
from tests.factories.world import World, make_user, small_world

PORTRAIT = re.compile(r'<img class="portrait[^"]*" src="([^"]+)" alt="([^"]+)"')


@pytest.fixture
def kept(settings: Any, tmp_path: Path) -> Path:
    """The folder of kept files, empty."""
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def world(db: None, kept: Path) -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def district(world: World) -> District:
    """A district over it that began an hour ago."""
    return make_district(world, begins_at=timezone.now() - timedelta(hours=1))


def said(client: Client, name: str, *arguments: Any) -> str:
    """The words of a page."""
    answer = client.get(reverse(name, args=arguments))
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def put_on(user_id: int, picture: io.BytesIO | None = None, **more: Any) -> Any:
    """What the page answers when somebody sends a photo of theirs."""
    file = SimpleUploadedFile("IMG_0001.HEIC", (picture or photo()).getvalue(), "text/plain")
    return signed_in(user_id).post(reverse("grid_service:my_card"), {"photo": file, "agrees": "on", **more})


def photos_on(page: str) -> list[tuple[str, str]]:
    """The addresses of the photos of a page and what they are called, in order."""
    return PORTRAIT.findall(page)


def files_in(folder: Path) -> int:
    """How many files are kept."""
    return sum(path.is_file() for path in folder.rglob("*"))


class TestTheWholeCard:
    @pytest.mark.acceptance("F122")
    def test_shows_photo_telephone_and_deputy_of_who_serves_the_community_and_follows_the_posts(
        self, world: World, district: District
    ) -> None:
        now = timezone.now()
        Community.objects.create(
            county_id=world.county_a_id, kind="community", name="桂苑社区", address_words=["桂苑路"],
            service_district_id=district.district_id,
        )  # fmt: skip
        assert put_on(district.manager_id).status_code == 302
        assert put_on(district.deputy_id, photo(drawing(colours=(BLUE, RED)))).status_code == 302
        customer = signed_in(world.portal_user_id)

        def card() -> tuple[str, list[tuple[str, str]]]:
            page = said(customer, "grid_service:portal_district")
            assert photos_on(page) == photos_on(said(customer, "cis:portal_home"))
            return page, photos_on(page)

        page, (manager, deputy) = card()
        assert (manager[1], deputy[1]) == ("桂苑经理", "桂苑副经理") and manager[0] != deputy[0]
        assert 'href="tel:0728-8100001"' in page and "副经理桂苑副经理 0728-8100002" in page
        boss = signed_in(make_user("boss", OrgUnit.objects.get(pk=world.county_a_id), "district-supervisor").pk)
        listed = said(boss, "grid_service:districts")
        assert "桂苑社区" in listed and "0728-8100001" in listed

        territory.hand_over(
            district_id=district.district_id, reason="轮岗", decided_by_id=world.administrator_id, from_at=now, at=now,
            people={"manager": district.deputy_id, "deputy": district.manager_id},
        )  # fmt: skip

        page, shown = card()
        assert shown == [deputy, manager], "the photo goes with the person"
        assert 'href="tel:0728-8100001"' in page, "the telephone stays with the post"
        assert "副经理桂苑经理 0728-8100002" in page

    def test_shows_the_family_name_where_there_is_no_photo_and_paper_stays_words(
        self, world: World, district: District
    ) -> None:
        put_on(district.deputy_id)

        page = said(signed_in(world.portal_user_id), "grid_service:portal_district")
        beside_the_customer = said(
            signed_in(world.clerk_a_id), "grid_service:account_card", world.residential.account_no
        )
        paper = said(signed_in(world.clerk_a_id), "grid_service:card_on_paper", world.residential.account_no)

        assert '<span class="portrait" aria-hidden="true">桂</span>' in page
        assert [name for _address, name in photos_on(page)] == ["桂苑副经理"]
        assert photos_on(beside_the_customer) == photos_on(page)
        assert "桂苑经理" in paper and "portrait" not in paper


class TestOnesOwnCard:
    def test_is_what_customers_see(self, world: World, district: District) -> None:
        put_on(district.manager_id)
        own = said(signed_in(district.manager_id), "grid_service:my_card")
        theirs = said(signed_in(world.portal_user_id), "grid_service:portal_district")

        def card(page: str) -> str:
            return page.split('<section class="card stack"')[1].split("</section>")[0].split(">", 1)[1]

        assert card(own) == card(theirs) and photos_on(own)
        assert "换一张照片" in own

    def test_of_somebody_between_posts_is_shown_to_nobody(self, world: World) -> None:
        unit = OrgUnit.objects.get(pk=world.county_a_id)
        idle = make_user("idle", unit, "district-manager", "欧阳新")
        assert "接任后" in said(signed_in(idle.pk), "grid_service:my_card")

        put_on(idle.pk)

        assert [name for _address, name in photos_on(said(signed_in(idle.pk), "grid_service:my_card"))] == ["欧阳新"]

    def test_is_reached_from_the_home_page(self, world: World, district: District) -> None:
        client = signed_in(district.manager_id)
        assert reverse("grid_service:my_card_here") in said(client, "district_home")

        assert "还没有照片" in said(client, "grid_service:my_card_here")
        put_on(district.manager_id)

        assert "照片在名片上" in said(client, "grid_service:my_card_here")

    def test_takes_no_photo_without_consent_or_of_another_kind(
        self, world: World, district: District, kept: Path
    ) -> None:
        without = put_on(district.manager_id, agrees="")
        other = put_on(district.manager_id, io.BytesIO(b"%PDF-1.7"))
        small = put_on(district.manager_id, photo(drawing((180, 900))))

        assert (without.status_code, other.status_code, small.status_code) == (422, 422, 422)
        assert "请换一张" in other.content.decode() and "请传原图" in small.content.decode()
        assert files_in(kept) == 0 and not Portrait.objects.exists()


class TestTheAddressOfAPhoto:
    def test_gives_whoever_is_signed_in_a_small_square_that_says_nothing_more(
        self, world: World, district: District
    ) -> None:
        put_on(district.manager_id, photo(orientation=6))
        customer = signed_in(world.portal_user_id)
        address = photos_on(said(customer, "grid_service:portal_district"))[0][0]

        answer = customer.get(address)
        picture = Image.open(io.BytesIO(answer.content))

        assert picture.size == (384, 384) and not picture.getexif() and b"TELEPHONE" not in answer.content
        right = picture.getpixel((340, 190))
        assert isinstance(right, tuple) and right[0] > 150 > right[2], "it was held on its side"
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
        assert {"private", "immutable", "max-age=2592000"} <= set(answer["Cache-Control"].split(", "))
        assert signed_in(world.clerk_a_id).get(address).status_code == 200

        stranger = Client().get(address)
        assert stranger.status_code == 302 and "sign-in/" in stranger["Location"]
        elsewhere = reverse("grid_service:portrait", args=["0" * 64])
        assert customer.get(elsewhere).status_code == 404
        assert customer.get(reverse("grid_service:portrait", args=["%2e%2e"])).status_code == 404

    def test_is_another_for_another_photo_and_the_old_one_is_gone(
        self, world: World, district: District, kept: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        customer = signed_in(world.portal_user_id)
        seen = []
        for colours in ((RED, BLUE), (BLUE, RED)):
            with django_capture_on_commit_callbacks(execute=True):
                put_on(district.manager_id, photo(drawing(colours=colours)))
            seen += photos_on(said(customer, "grid_service:portal_district"))

        (before, _name), (after, _same) = seen
        assert before != after and files_in(kept) == 1
        assert (customer.get(before).status_code, customer.get(after).status_code) == (404, 200)

    def test_finds_nothing_once_the_photo_is_taken_back(
        self, world: World, district: District, kept: Path, django_capture_on_commit_callbacks: Any
    ) -> None:
        put_on(district.manager_id)
        client, customer = signed_in(district.manager_id), signed_in(world.portal_user_id)
        address = photos_on(said(customer, "grid_service:portal_district"))[0][0]
        remove = reverse("grid_service:remove_photo")

        assert "照片文件也一并删除" in client.get(remove).content.decode()
        assert customer.get(address).status_code == 200, "reading what it means does nothing yet"
        with django_capture_on_commit_callbacks() as afterwards:
            assert client.post(remove)["Location"] == reverse("grid_service:my_card")

        assert files_in(kept) == 1 and customer.get(address).status_code == 404, "though the file is still there"
        for delete_file in afterwards:
            delete_file()
        assert client.post(remove).status_code == 302, "taken back twice"
        assert not photos_on(said(customer, "grid_service:portal_district"))
        assert files_in(kept) == 0 and not Portrait.objects.exists()

    def test_stays_while_it_is_on_anybodys_card(
        self, world: World, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        put_on(district.manager_id)
        put_on(district.deputy_id)
        customer = signed_in(world.portal_user_id)

        with django_capture_on_commit_callbacks(execute=True):
            portraits.remove_portrait(user_id=district.manager_id)

        ((address, name),) = photos_on(said(customer, "grid_service:portal_district"))
        assert name == "桂苑副经理" and customer.get(address).status_code == 200


class TestTheTable:
    def test_names_a_file_by_its_digest_only(self, world: World) -> None:
        with pytest.raises(IntegrityError, match="portrait_is_named_by_its_digest"), transaction.atomic():
            Portrait.objects.create(user_id=world.clerk_a_id, key="portraits/../settings", kept_at=world.at)
