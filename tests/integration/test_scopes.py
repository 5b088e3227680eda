"""Management data follows the tree: who answers for a county sees its runs, jobs, files and figures, and no other's."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.models import Feeder, ReadingImport, Substation, TransformerDistrict
from cis.operations.billing import start_run
from cis.operations.reading_imports import import_readings
from config.shared.models import Job, OrgUnit, OutboxDelivery, OutboxEvent, User
from config.shared.permissions import holds_everywhere, in_scope
from tests.factories.bills import issue
from tests.factories.world import AT, World, make_unit, make_user, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world()


def county(world: World, letter: str) -> OrgUnit:
    return OrgUnit.objects.get(pk=getattr(world, f"county_{letter}_id"))


def client(user: User) -> Client:
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return browser


def run_of(world: World, unit_id: int | None) -> int:
    return start_run(cycle=world.cycle, org_unit_id=unit_id, created_by_id=world.accountant_id, at=AT, kind="preview")


class TestBillingRuns:
    def test_are_those_of_ones_own_part(self, world: World) -> None:
        own, other, whole = (run_of(world, unit) for unit in (world.county_a_id, world.county_b_id, None))
        browser = client(make_user("accountant_a", county(world, "a"), "accountant"))

        listed = browser.get("/console/runs/").content.decode()
        answers = {run: browser.get(f"/console/runs/{run}/").status_code for run in (own, other, whole)}

        assert f'/console/runs/{own}/"' in listed
        assert f'/console/runs/{other}/"' not in listed and f'/console/runs/{whole}/"' not in listed
        assert answers == {own: 200, other: 404, whole: 404}
        for address in ("exceptions/", "cancel/", "resume/"):
            assert browser.post(f"/console/runs/{other}/{address}").status_code == 404
        assert browser.post(f"/console/runs/{own}/cancel/").status_code == 302

    def test_can_be_started_for_ones_own_part_only_and_the_form_offers_no_other(self, world: World) -> None:
        browser = client(make_user("accountant_a", county(world, "a"), "accountant"))

        page = browser.get("/console/runs/start/").content.decode()
        forged = {"cycle": world.cycle, "kind": "preview"}

        assert "东湖区供电公司" in page and "临江县供电公司" not in page and "江汉市供电公司" not in page
        assert 'value=""' not in page.split("<select")[1].split("</select>")[0]
        assert browser.post("/console/runs/start/", {**forged, "org_unit": world.county_b_id}).status_code == 422
        assert browser.post("/console/runs/start/", {**forged, "org_unit": ""}).status_code == 403
        assert browser.post("/console/runs/start/", {**forged, "org_unit": world.county_a_id}).status_code == 302

    def test_of_the_whole_are_seen_and_started_by_those_who_answer_for_the_whole(self, world: World) -> None:
        whole = run_of(world, None)
        browser = client(User.objects.get(pk=world.accountant_id))

        assert browser.get(f"/console/runs/{whole}/").status_code == 200
        assert "<option" in browser.get("/console/runs/start/").content.decode()
        assert browser.get("/api/v1/billing-runs/").status_code in (200, 401, 403)

    def test_a_second_tree_makes_nobody_of_the_first_answer_for_the_whole(self, world: World) -> None:
        whole = run_of(world, None)
        make_unit(None, OrgUnit.Kind.PROVINCE, "P9", "湖南省电力公司")

        assert client(User.objects.get(pk=world.accountant_id)).get(f"/console/runs/{whole}/").status_code == 404

    def test_of_one_account_belong_where_the_account_does(self, world: World) -> None:
        clerk = client(User.objects.get(pk=world.clerk_b_id))
        url = f"/console/accounts/{world.residential.account_no}/bill-now/"
        assert clerk.post(url, {"cycle": world.cycle}).status_code == 302

        seen = {
            letter: client(make_user(f"accountant_{letter}", county(world, letter), "accountant"))
            .get("/console/runs/?all=1")
            .content.decode()
            .partition("<tbody")[2]
            .count("柜台即时")
            for letter in "ab"
        }

        assert seen == {"a": 1, "b": 0}


class TestJobs:
    def test_are_those_of_ones_own_part(self, world: World) -> None:
        for unit in (world.county_a_id, world.county_b_id, None):
            run_of(world, unit)
        own, other, whole = Job.objects.order_by("pk")
        operator = client(make_user("operator_a", county(world, "a"), "it-operator"))

        listed = operator.get(reverse("jobs")).content.decode()

        assert f'/jobs/{own.pk}/"' in listed and f'/jobs/{other.pk}/"' not in listed
        assert [operator.get(reverse("job", args=[job.pk])).status_code for job in (own, other, whole)] == [
            200,
            404,
            404,
        ]
        assert operator.post(reverse("job_cancel", args=[other.pk])).status_code == 404
        assert Job.objects.get(pk=other.pk).state == "running"

    def test_what_could_not_be_delivered_is_for_those_who_run_the_whole_house(self, world: World) -> None:
        now = timezone.now()
        event = OutboxEvent.objects.create(name="x.y", key="k:1", payload={}, published_at=now)
        letter = OutboxDelivery.objects.create(
            event=event, handler="h.of_somewhere", key="k:1", state="dead", attempts=10, next_attempt_at=now
        )
        own = client(make_user("operator_a", county(world, "a"), "it-operator"))
        whole = client(make_user("operator", OrgUnit.objects.get(pk=world.province_id), "it-operator"))

        assert "h.of_somewhere" not in own.get(reverse("dead_letters")).content.decode()
        assert own.post(reverse("dead_letter_retry", args=[letter.pk])).status_code == 404
        assert "h.of_somewhere" in whole.get(reverse("dead_letters")).content.decode()


class TestReadingFiles:
    def test_are_those_of_ones_own_people(self, world: World) -> None:
        auditors = {letter: make_user(f"auditor_{letter}", county(world, letter), "reading-auditor") for letter in "ab"}
        result = import_readings(
            stream=io.BytesIO(b"meter_no,read_on,register,value\nNOBODY,2026-02-01,total,1\n"),
            file_name="county-b.csv",
            all_or_nothing=False,
            created_by_id=auditors["b"].pk,
            at=AT,
        )
        number = ReadingImport.objects.get(pk=result.import_id).pk
        root = f"/console/readings/imports/{number}/"

        answers = {
            letter: [client(user).get(url).status_code for url in (root, f"{root}rejects.csv", f"{root}file/")]
            for letter, user in auditors.items()
        }

        assert answers == {"a": [404, 404, 404], "b": [200, 200, 200]}
        assert "county-b.csv" not in client(auditors["a"]).get("/console/readings/imports/").content.decode()


class TestFigures:
    def test_of_sales_and_load_are_those_of_ones_own_part(self, world: World) -> None:
        issue(world, 5_000)
        issue(world, 7_000, account=world.residential_day_15)
        elsewhere = Substation.objects.create(code="T-S2", name="临江变", org_unit=county(world, "b"))
        feeder = Feeder.objects.create(code="T-F2", name="临江线", substation=elsewhere)
        far = TransformerDistrict.objects.create(code="T-D2", name="临江公变", feeder=feeder, capacity_kva=100)
        own = client(make_user("manager_a", county(world, "a"), "hall-manager"))
        query = f"?from_cycle={world.cycle}&to_cycle={world.cycle}"

        page, file = own.get(f"/console/data/sales/{query}"), own.get(f"/console/data/sales.csv{query}")
        text = b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]

        assert "东湖区供电公司" in page.content.decode() and "临江县供电公司" not in page.content.decode()
        assert "T429901" in text and "T429902" not in text
        assert "临江公变" not in own.get("/console/data/").content.decode()
        for place in (f"feeder-{feeder.pk}", f"district-{far.pk}"):
            for address in ("load/", "load.csv"):
                assert own.get(f"/console/data/{address}", {"place": place, "day": "2026-02-01"}).status_code == 404

    def test_of_takings_are_those_of_ones_own_halls(self, world: World) -> None:
        now = timezone.now()
        pay(world, fen=111_00, at=now)
        pay(world, fen=222_00, at=now, org_unit_id=world.hall_b_id, received_by_id=world.clerk_b_id)
        clerk = client(User.objects.get(pk=world.clerk_a_id))

        for page in ("/console/payments/", "/console/payments/list/"):
            text = clerk.get(page).content.decode()
            assert "111.00" in text and "222.00" not in text, page

    def test_the_books_are_closed_by_those_who_answer_for_the_whole(self, world: World) -> None:
        pay(world, fen=111_00, at=timezone.now() - timedelta(days=1))
        day = {"day": (timezone.localdate() - timedelta(days=1)).isoformat()}
        own = client(make_user("accountant_a", county(world, "a"), "accountant"))

        refused = own.post("/console/payments/day/", day)
        closed = client(User.objects.get(pk=world.accountant_id)).post("/console/payments/day/", day)

        assert refused.status_code == 422 and "全公司" in refused.content.decode()
        assert closed.status_code == 302


class TestTheCondition:
    def test_nobody_is_nothing_and_no_limit_is_everything(self, world: World) -> None:
        run_of(world, world.county_a_id)

        assert Job.objects.filter(in_scope("org_unit", [])).count() == 0
        assert Job.objects.filter(in_scope("org_unit", None)).count() == 1
        assert not holds_everywhere([]) and holds_everywhere(None)

    def test_a_unit_is_not_inside_another_whose_number_begins_alike(self, world: World) -> None:
        unit = county(world, "a")
        run_of(world, unit.pk)

        assert Job.objects.filter(in_scope("org_unit", [unit.path])).count() == 1
        assert Job.objects.filter(in_scope("org_unit", [unit.path[:-2] + "/"])).count() == 0
