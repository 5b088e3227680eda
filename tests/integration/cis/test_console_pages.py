"""The counter console: who may open what, what stands there, and that it stays quick as data grows."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from cis.models import BillDispute, BillingRun, Customer, SupplyContract
from cis.operations.billing import issue_bill_now
from config.shared.jobs import work_on
from config.shared.models import Job, OrgUnit, PersonalDataAccess, User
from tests.factories.world import AT, World, make_user, small_world

pytestmark = pytest.mark.django_db

SignIn = Callable[[str], Client]


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def sign_in() -> SignIn:
    """A browser of the named user."""

    def of(username: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
        return client

    return of


def bill_of(world: World, cycle: int | None = None) -> str:
    """A bill of the residential account; its number."""
    cycle = cycle or world.cycle
    bill_id = issue_bill_now(account_id=world.residential.account_id, cycle=cycle, issued_by_id=None, at=AT)
    return f"{cycle}{bill_id:010d}"


ACCOUNT = {"account_no": "4290000001"}
WHOLE_ACCOUNT = "/console/accounts/4290000001/?plain=1"
"""The page with every part in it, as those read it who have no script."""


class TestDoors:
    """Owner, colleague, stranger."""

    @pytest.mark.parametrize("number", ["²²", "9" * 5000, "-1", "x"])
    def test_a_page_after_a_number_that_is_none_is_the_first_page(
        self, world: World, sign_in: SignIn, number: str
    ) -> None:
        client = sign_in("accountant")
        for url_name in ("cis:runs", "jobs", "dead_letters"):
            assert client.get(reverse(url_name), {"before": number}).status_code == 200
        assert client.get(f"/console/bills/{number * 16}/").status_code == 404

    @pytest.mark.parametrize(
        "address", ["/console/accounts/%00x/", "/api/v1/accounts/%00x/", "/console/search/?q=a%00b"]
    )
    def test_a_nul_in_an_address_is_a_bad_request_and_no_fault_of_ours(
        self, world: World, sign_in: SignIn, address: str
    ) -> None:
        assert sign_in("manager").get(address).status_code == 400

    @pytest.mark.parametrize(
        ("url_name", "arguments"),
        [
            ("cis:search", {}),
            ("cis:account", ACCOUNT),
            ("cis:personal_data", ACCOUNT),
            ("cis:customer_edit", ACCOUNT),
            ("cis:premise_edit", ACCOUNT),
            ("cis:account_bills", ACCOUNT),
            ("cis:bill_now", ACCOUNT),
            ("cis:bill", {"bill_no": "2026010000000001"}),
            ("cis:bill_print", {"bill_no": "2026010000000001"}),
            ("cis:dispute_open", {"bill_no": "2026010000000001"}),
            ("cis:dispute_close", {"bill_no": "2026010000000001"}),
            ("cis:runs", {}),
            ("cis:run_start", {}),
            ("cis:run", {"run_id": 1}),
            ("cis:run_exceptions", {"run_id": 1}),
            ("cis:run_cancel", {"run_id": 1}),
            ("cis:run_resume", {"run_id": 1}),
            ("jobs", {}),
            ("job", {"job_id": 1}),
            ("job_cancel", {"job_id": 1}),
            ("job_resume", {"job_id": 1}),
            ("dead_letters", {}),
            ("dead_letter_retry", {"delivery_id": 1}),
        ],
    )
    def test_strangers_are_kept_out(
        self, world: World, sign_in: SignIn, url_name: str, arguments: dict[str, object]
    ) -> None:
        url = reverse(url_name, kwargs=arguments)

        unknown, without_role, customer = Client().get(url), sign_in("stranger").get(url), sign_in("portal").get(url)

        assert (unknown.status_code, unknown["Location"]) == (302, f"{reverse('login')}?next={url}")
        assert without_role.status_code == 403
        assert customer.status_code == 404, "customers do not learn that there is such a page"

    def test_a_clerk_may_not_run_billing_nor_see_jobs(self, world: World, sign_in: SignIn) -> None:
        clerk = sign_in("clerk_a")

        codes = [clerk.get(reverse(name)).status_code for name in ("cis:runs", "cis:run_start", "jobs", "dead_letters")]

        assert codes == [403, 403, 403, 403]

    def test_a_refusal_says_so_in_words(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("clerk_a").get(reverse("cis:account", kwargs={"account_no": "9999999999"}))

        assert answer.status_code == 404
        assert "没有找到这个户号" in answer.content.decode()

    def test_signing_in_goes_on_to_the_page_that_was_asked_for(self, world: World) -> None:
        client = Client()
        asked = reverse("cis:account", kwargs=ACCOUNT)

        door = client.get(asked)
        answer = client.post(door["Location"], {"username": "clerk_a", "password": "a-test-password-1", "next": asked})

        assert (answer.status_code, answer["Location"]) == (302, asked)

    def test_a_part_of_a_page_sends_the_whole_page_to_the_door(self, world: World) -> None:
        asked = reverse("cis:account", kwargs=ACCOUNT)

        answer = Client().get(
            reverse("login") + "?next=/part/", HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL=f"http://testserver{asked}"
        )

        assert answer["HX-Redirect"] == f"{reverse('login')}?next={asked}"

    def test_too_many_wrong_passwords_lock_with_a_page(self, world: World) -> None:
        client = Client()

        for _ in range(5):
            answer = client.post(reverse("login"), {"username": "clerk_a", "password": "wrong"})

        assert answer.status_code == 429
        assert "暂时锁定" in answer.content.decode()


class TestAccount:
    """The 360."""

    @pytest.mark.acceptance("004-09")
    def test_any_hall_sees_any_account(self, world: World, sign_in: SignIn) -> None:
        for username in ("clerk_a", "clerk_b"):
            for account in world.accounts:
                answer = sign_in(username).get(reverse("cis:account", kwargs={"account_no": account.account_no}))

                assert answer.status_code == 200

    def test_shows_who_where_meter_readings_and_bills_with_personal_data_masked(
        self, world: World, sign_in: SignIn
    ) -> None:
        bill_no = bill_of(world)

        page = sign_in("clerk_b").get(WHOLE_ACCOUNT).content.decode()

        assert "张三" in page and "100****0001" in page and ">10000000001" not in page
        assert "湖北省电力公司 › 江汉市供电公司 › 东湖区供电公司" in page
        assert "M4290000001" in page
        assert reverse("cis:bill", kwargs={"bill_no": bill_no}) in page

    @pytest.mark.acceptance("F77")
    def test_takes_at_most_twelve_queries_however_much_there_is(
        self, world: World, sign_in: SignIn, django_assert_max_num_queries: Callable[[int], object]
    ) -> None:
        for cycle in world.cycles:
            bill_no = bill_of(world, cycle)
        client = sign_in("manager")
        client.post(reverse("cis:dispute_open", kwargs={"bill_no": bill_no}), {"reason": "电量偏多"})
        client.post(reverse("cis:customer_edit", kwargs=ACCOUNT), {"version": 1, "name": "张三丰", "kind": "person"})
        for account in world.accounts:
            client.get(reverse("cis:account", kwargs={"account_no": account.account_no}))
        other = sign_in("clerk_a")

        for browser in (client, other):
            with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
                browser.get(reverse("cis:account", kwargs=ACCOUNT))

    def test_shows_the_tariff_history(self, world: World, sign_in: SignIn) -> None:
        contract = SupplyContract.objects.select_related("tariff").get(pk=world.residential.contract_id)

        page = sign_in("clerk_a").get(WHOLE_ACCOUNT).content.decode()

        assert contract.tariff.code in page

    @pytest.mark.acceptance("002-34")
    @pytest.mark.acceptance("004-05")
    def test_a_change_in_one_hall_is_seen_in_the_other_at_once(self, world: World, sign_in: SignIn) -> None:
        edit = reverse("cis:customer_edit", kwargs=ACCOUNT)
        sign_in("clerk_a").post(edit, {"version": 1, "name": "张三丰", "kind": "person"})

        page = sign_in("clerk_b").get(WHOLE_ACCOUNT).content.decode()

        assert "张三丰" in page
        assert "客户资料修改" in page and "陈静 · 东湖营业厅" in page


class TestPersonalData:
    """Unmasked only with a permission and a reason, and never unseen."""

    def test_a_clerk_without_the_permission_sees_nothing(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("clerk_a").post(reverse("cis:personal_data", kwargs=ACCOUNT), {"reason": "核对"})

        assert answer.status_code == 403
        assert not PersonalDataAccess.objects.exists()

    def test_without_a_reason_nothing_is_shown(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("manager").post(reverse("cis:personal_data", kwargs=ACCOUNT), {"reason": "  "})

        assert answer.status_code == 422
        assert "10000000001" not in answer.content.decode()

    def test_with_a_reason_it_is_shown_once_and_kept_in_the_audit(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("manager").post(reverse("cis:personal_data", kwargs=ACCOUNT), {"reason": "核对来电人身份"})

        assert "10000000001" in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"
        row = PersonalDataAccess.objects.get()
        assert (row.user_id, row.subject, row.reason) == (
            world.manager_id,
            f"customer:{world.residential.customer_id}",
            "核对来电人身份",
        )


class TestEditing:
    """Two clerks edit the same customer: the second is told, neither loses text."""

    def test_the_second_of_two_clerks_is_told_and_neither_loses_text(self, world: World, sign_in: SignIn) -> None:
        edit = reverse("cis:customer_edit", kwargs=ACCOUNT)
        sign_in("clerk_a").post(edit, {"version": 1, "name": "张三甲", "kind": "person"})

        answer = sign_in("clerk_b").post(
            edit, {"version": 1, "name": "张三乙", "kind": "person", "phone": "13900001111"}
        )

        page = answer.content.decode()
        assert answer.status_code == 409
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三甲"
        assert "张三甲" in page and 'value="张三乙"' in page and 'value="13900001111"' in page
        assert 'name="version" value="2"' in page

    def test_saving_again_after_looking_at_both_goes_through(self, world: World, sign_in: SignIn) -> None:
        edit = reverse("cis:customer_edit", kwargs=ACCOUNT)
        sign_in("clerk_a").post(edit, {"version": 1, "name": "张三甲", "kind": "person"})

        answer = sign_in("clerk_b").post(edit, {"version": 2, "name": "张三乙", "kind": "person"})

        assert answer.status_code == 302
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三乙"

    def test_an_address_is_guarded_the_same_way(self, world: World, sign_in: SignIn) -> None:
        edit = reverse("cis:premise_edit", kwargs=ACCOUNT)
        sign_in("clerk_a").post(edit, {"version": 1, "address": "东湖路2号"})

        answer = sign_in("clerk_b").post(edit, {"version": 1, "address": "东湖路3号"})

        assert answer.status_code == 409
        assert "东湖路2号" in answer.content.decode() and "东湖路3号" in answer.content.decode()

    def test_a_telephone_left_empty_stays(self, world: World, sign_in: SignIn) -> None:
        edit = reverse("cis:customer_edit", kwargs=ACCOUNT)

        sign_in("clerk_a").post(edit, {"version": 1, "name": "张三", "kind": "person", "phone": ""})

        assert Customer.objects.get(pk=world.residential.customer_id).phone == "10000000001"


class TestBillPages:
    """A bill, explained, printed, disputed, issued now."""

    def test_every_line_says_how_it_came_about(self, world: World, sign_in: SignIn) -> None:
        bill_no = bill_of(world)

        page = sign_in("clerk_b").get(reverse("cis:bill", kwargs={"bill_no": bill_no})).content.decode()

        assert "第 1 档：0–" in page
        assert "度 ×" in page and "元/度 =" in page
        assert "演示电价" in page
        assert "发改价格〔2011〕2617号" in page
        assert "不一致" not in page

    def test_prints(self, world: World, sign_in: SignIn) -> None:
        bill_no = bill_of(world)

        answer = sign_in("clerk_a").get(reverse("cis:bill_print", kwargs={"bill_no": bill_no}))

        assert answer.status_code == 200 and bill_no in answer.content.decode()

    def test_is_issued_on_the_spot_and_not_twice(self, world: World, sign_in: SignIn) -> None:
        url = reverse("cis:bill_now", kwargs=ACCOUNT)
        clerk = sign_in("clerk_b")

        first, second = clerk.post(url, {"cycle": world.cycle}), clerk.post(url, {"cycle": world.cycle})

        assert first.status_code == 302 and f"/console/bills/{world.cycle}" in first["Location"]
        assert second.status_code == 409 and "已经发行" in second.content.decode()

    def test_a_dispute_opens_once_and_closes_with_an_outcome(self, world: World, sign_in: SignIn) -> None:
        bill_no = bill_of(world)
        clerk = sign_in("clerk_a")
        opening = reverse("cis:dispute_open", kwargs={"bill_no": bill_no})
        closing = reverse("cis:dispute_close", kwargs={"bill_no": bill_no})

        clerk.post(opening, {"reason": "电量比往月多"})
        clerk.post(opening, {"reason": "又来一次"})
        empty = clerk.post(closing, {"outcome": ""})
        clerk.post(closing, {"outcome": "复核无误，已解释"})

        dispute = BillDispute.objects.get()
        assert empty.status_code == 422
        assert (dispute.reason, dispute.outcome) == ("电量比往月多", "复核无误，已解释")
        assert dispute.closed_at is not None

    def test_the_list_takes_the_same_queries_for_one_bill_as_for_three(
        self, world: World, sign_in: SignIn, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        client = sign_in("clerk_a")
        bill_of(world, world.cycles[0])
        url = reverse("cis:account_bills", kwargs=ACCOUNT)

        with django_assert_num_queries(10):  # type: ignore[attr-defined]
            client.get(url)
        for cycle in world.cycles[1:]:
            bill_of(world, cycle)
        with django_assert_num_queries(10):  # type: ignore[attr-defined]
            page = client.get(url).content.decode()

        assert len(set(re.findall(r"/console/bills/\d{16}/", page))) == 3


class TestRunPages:
    """Runs from start to comparison, by the accountant."""

    def test_a_preview_then_the_run_agree_to_the_fen(self, world: World, sign_in: SignIn) -> None:
        accountant = sign_in("accountant")
        pages = []
        for kind in ("preview", "regular"):
            answer = accountant.post(
                reverse("cis:run_start"), {"cycle": world.cycle, "org_unit": world.province_id, "kind": kind}
            )
            run = BillingRun.objects.latest("pk")
            assert answer["Location"] == reverse("cis:run", kwargs={"run_id": run.pk})
            assert 'hx-trigger="every 2s"' in accountant.get(answer["Location"]).content.decode()
            assert run.job_id is not None
            work_on(job_id=run.job_id)
            pages.append(accountant.get(answer["Location"]).content.decode())

        assert "按这个范围正式发行" in pages[0]
        assert "逐户一致，一分不差" in pages[1] and "相符" in pages[1]
        assert "every 2s" not in pages[1]

    def test_cancel_and_resume(self, world: World, sign_in: SignIn) -> None:
        accountant = sign_in("accountant")
        accountant.post(reverse("cis:run_start"), {"cycle": world.cycle, "org_unit": "", "kind": "preview"})
        run = BillingRun.objects.get()
        assert run.job_id is not None

        accountant.post(reverse("cis:run_cancel", kwargs={"run_id": run.pk}))
        cancelled = Job.objects.get(pk=run.job_id).state
        accountant.post(reverse("cis:run_resume", kwargs={"run_id": run.pk}))

        assert (cancelled, Job.objects.get(pk=run.job_id).state) == ("cancelled", "running")

    def test_a_month_that_has_not_begun_is_refused_on_the_form(self, world: World, sign_in: SignIn) -> None:
        answer = sign_in("accountant").post(reverse("cis:run_start"), {"cycle": 209901, "kind": "preview"})

        assert answer.status_code == 409 and "209901" in answer.content.decode()


class TestEnglish:
    """The second language reaches the pages."""

    def test_the_frame_is_english_when_asked_for(self, world: World, sign_in: SignIn) -> None:
        client = sign_in("clerk_a")
        client.post(reverse("set_language"), {"language": "en", "next": "/"})

        assert 'lang="en"' in client.get(reverse("cis:search")).content.decode()


@pytest.mark.acceptance("004-49")
class TestEveryPageStartsFromTheCustomer:
    """Whatever is done for a customer: who they are, what they owe and the way back to them stand beside it."""

    def test_who_and_what_they_owe_stand_beside_every_page_of_the_customer(self, world: World, sign_in: SignIn) -> None:
        bill_no = bill_of(world)
        root = reverse("cis:account", kwargs=ACCOUNT)
        clerk = sign_in("manager")
        paid = clerk.post(
            clerk.get(f"{root}pay/")["Location"],
            {"form_key": "0" * 32, "amount": "1.00", "method": "cash", "reference": ""},
        )["Location"]
        places = ["", "bills/", "bill-now/", "usage/", "customer/", "premise/", "pay/", "meters/", "contracts/"]
        places += ["disputes/", "history/", "personal-data/"]
        pages = [f"{root}{place}" for place in places] + [f"/console/bills/{bill_no}/", paid, f"{paid}reversal/"]

        for page in pages:
            text = clerk.get(page, follow=True).content.decode()
            aside = text.partition('class="work-aside"')[2].partition("</aside>")[0]
            assert "张三" in aside and f'href="{root}"' in aside, page
            assert "欠费" in aside, page

    def test_the_first_page_is_the_search_for_a_customer(self, world: World, sign_in: SignIn) -> None:
        for who in ("clerk_a", "manager"):
            page = sign_in(who).get("/", follow=True).content.decode()

            assert "data-finder autofocus" in page and "最近服务的客户" in page


@pytest.mark.acceptance("000-40")
class TestOnePlatform:
    """One login, one customer record over hall, web, telephone and district."""

    def test_what_one_channel_does_all_others_see_at_once(self, world: World, sign_in: SignIn) -> None:
        bill_no = bill_of(world)
        province = OrgUnit.objects.get(pk=world.province_id)
        agent = make_user("an-agent", province, "agent")
        district = make_user("a-district-manager", province, "district-manager")
        root = reverse("cis:account", kwargs=ACCOUNT)

        sign_in("clerk_a").post(f"{root}customer/", {"version": 1, "name": "张三丰", "kind": "person"})
        sign_in(agent.username).post(reverse("cis:dispute_open", kwargs={"bill_no": bill_no}), {"reason": "电量偏多"})

        hall = sign_in("clerk_b").get(f"{root}?plain=1").content.decode()
        field = sign_in(district.username).get(f"{root}?plain=1").content.decode()
        web = sign_in("portal").get(reverse("cis:portal_bills"), follow=True).content.decode()
        for page in (hall, field):
            assert "张三丰" in page and "电量偏多" in page and bill_no in page
        assert bill_no in web
