"""The pages of a shortage: from a typed supply to a leader's choice, the execution, and a customer's own order."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pypdf import PdfReader

from config.shared.models import User
from dsm.models import ShedOrder, Shortage
from dsm.operations import shortages
from dsm.shedding import strategies
from tests.factories.portal import bind, person, signed_in
from tests.factories.shortage import Works, compute, latest, make_works
from tests.factories.staff import prove


def signed(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id))
    return client


@pytest.fixture
def works(db: None) -> Works:
    # The pages read the clock.
    return make_works(count=12, at=timezone.localtime())


def day() -> date:
    return (timezone.localtime() + timedelta(days=2)).date()


def page(client: Client, name: str, *args: object) -> str:
    answer = client.get(reverse(f"dsm:{name}", args=args))
    assert answer.status_code == 200
    return str(answer.content.decode())


class TestPages:
    @pytest.mark.acceptance("004-36")
    def test_from_the_typed_supply_to_the_customers_confirmation(self, works):
        dispatcher, leader = signed(works.dispatcher_id), signed(works.leader_id)
        answer = dispatcher.post(
            reverse("dsm:shortage_new"),
            {
                "on_day": day().isoformat(),
                "cause": "连续高温",
                "demand": "imported",
                "demand_kw": "3000",
                "supply_kw": "00:00-13:00 3000\n13:00-22:00 2800\n22:00-24:00 3000",
            },
        )
        shortage = latest()
        assert answer["Location"] == reverse("dsm:shortage", args=[shortage.pk])
        assert shortage.gap_kw[52] == 200 and shortage.level == "III"
        assert "正在计算方案" in page(dispatcher, "shortage", shortage.pk)
        compute(shortage)
        seen = page(dispatcher, "shortage", shortage.pk)
        assert all(name in seen for name in ("轮换错峰", "按序避峰限电", "综合优化", "补偿（元）", "产值损失（元）"))
        assert "最好" in seen and "限电序位表" in seen and "拉闸不是方案" in seen
        assert shortage.steps.count() == 1
        dispatcher.post(reverse("dsm:shortage_submit", args=[shortage.pk]))
        dispatcher.post(
            reverse("dsm:shortage_authority", args=[shortage.pk]),
            {"authority": "省发改委", "document_no": "3号", "document_on": timezone.localdate().isoformat()},
        )
        plan = shortage.plans.get(strategy="tiers")
        choice = {"plan": plan.pk, "reasons": "受影响的户最少"}
        assert dispatcher.post(reverse("dsm:shortage_decision", args=[shortage.pk]), choice).status_code == 403
        assert leader.post(reverse("dsm:shortage_decision", args=[shortage.pk]), choice).status_code == 422
        assert latest().state == "authorised"
        prove(leader)
        leader.post(reverse("dsm:shortage_decision", args=[shortage.pk]), choice)
        assert latest().state == "chosen"
        prove(dispatcher)
        dispatcher.post(reverse("dsm:shortage_issue", args=[shortage.pk]))
        order = ShedOrder.objects.filter(shortage=shortage).order_by("pk")[0]
        assert "没有联系上" in page(dispatcher, "shortage_orders", shortage.pk)

        user = person("13800000321", at=timezone.now())
        bind(user, order.account_id)
        customer = signed_in(user)
        assert "请最多压减" in page(customer, "portal_order", order.pk)
        customer.post(reverse("dsm:portal_order", args=[order.pk]))

        order.refresh_from_db()
        assert order.receipt.how == "portal"
        assert "网上营业厅确认" in page(dispatcher, "shortage_orders", shortage.pk)
        stranger = signed_in(person("13800000322", at=timezone.now()))
        assert stranger.get(reverse("dsm:portal_order", args=[order.pk])).status_code == 404
        paper = dispatcher.get(reverse("dsm:shortage_paper", args=[shortage.pk]))
        said = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(paper.content)).pages)
        assert "有序用电方案的请示" in said and "受影响的户最少" in said

    def test_why_me_names_the_tier_the_burden_and_the_alternatives(self, works, monkeypatch):
        monkeypatch.delitem(strategies.STRATEGIES, "optimum")
        dispatcher = signed(works.dispatcher_id)
        shortage_id = shortages.create_shortage(
            on_day=day(),
            org_unit_id=works.world.province_id,
            cause="高温",
            demand="imported",
            demand_kw=[3000] * 96,
            supply_kw=[2900] * 96,
            drafted_by_id=works.dispatcher_id,
            at=timezone.now(),
        )
        shortage = Shortage.objects.get(pk=shortage_id)
        compute(shortage)
        cut = shortage.plans.get(strategy="tiers").cuts.select_related("account").order_by("pk")[0]

        seen = page(dispatcher, "shortage_cut", shortage_id, "tiers", cut.account.account_no)

        assert f"排在第 {cut.tier} 档" in seen
        assert f"此前已停限 {cut.burden_h} 小时" in seen
        assert "轮换错峰" in seen
        assert cut.account.account_no in page(dispatcher, "shortage_plan", shortage_id, "tiers")
        assert cut.account.account_no not in str(
            dispatcher.get(reverse("dsm:shortage_plan", args=[shortage_id, "tiers"]), {"text": "99"}).content.decode()
        )
        left_alone = works.accounts[-1].account_no
        assert dispatcher.get(reverse("dsm:shortage_cut", args=[shortage_id, "tiers", left_alone])).status_code == 404

    def test_a_number_nobody_can_read_is_said_with_its_line(self, works):
        dispatcher = signed(works.dispatcher_id)
        answer = dispatcher.post(
            reverse("dsm:shortage_new"),
            {
                "on_day": day().isoformat(),
                "cause": "高温",
                "demand": "p90",
                "supply_kw": "00:00-12:00 3000\n11:00-24:00 x",
            },
        )

        assert answer.status_code == 422
        assert "第 2 行读不懂" in answer.content.decode()
        assert not Shortage.objects.exists()

    def test_the_list_says_who_is_protected_and_what_nobody_surveyed(self, works):
        seen = page(signed(works.dispatcher_id), "shed_list")

        assert "受保护：供水" in seen
        assert "未核定，按默认" in seen
