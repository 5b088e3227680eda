"""Back-billing as an act: evidence by its digest, notice, a second person, then the next bill or the prepayment."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from cis.models import (
    BackBillCase,
    BackBillEvidence,
    Bill,
    BillAccuracy,
    BillCancellation,
    BillingRun,
    BillLine,
    LedgerTransfer,
)
from cis.operations import back_billing, bill_cancellations, ledger
from cis.operations.bill_accuracy import publish_accuracy
from cis.operations.billing import issue_bill_now
from cis.operations.integrity import check_integrity
from cis.queries.bill_accuracy import accuracy_of
from cis.rating import ChargeCode
from config.settings import base
from config.shared import approvals, files
from config.shared.errors import Refused
from config.shared.models import OrgUnit, User
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
PHOTO = b"\x89PNG\r\n\x1a\n" + b"a meter that was bridged" * 40


@pytest.fixture
def world(settings: Any, tmp_path: Any) -> World:
    settings.MEDIA_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }
    return small_world(at=AT, cycles=3)


def theft(world: World) -> int:
    return back_billing.open_case(
        account_id=world.commercial.account_id,
        kind="theft",
        inputs={"kw": "2", "days": "30", "hours_per_day": "12", "penalty_multiple": "3"},
        prices={"energy_price": "0.7"},
        story="绕越计量装置用电，客户当场签认",
        by_id=world.accountant_id,
        at=AT,
    )


def post(world: World, case_id: int) -> None:
    who: dict[str, Any] = {"case_id": case_id, "by_id": world.accountant_id, "at": AT}
    back_billing.note_notice(proof="当面送达，客户签收", **who)
    asked = back_billing.ask_to_post(reason="证据齐全", **who)
    with pytest.raises(approvals.OwnRequest):
        approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=AT)
    other = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
    approvals.approve(approval_id=asked, decided_by_id=other.pk, at=AT)


class TestTheft:
    @pytest.mark.acceptance("F31")
    def test_penalty_needs_the_evidence_whose_hash_is_stored(self, world: World) -> None:
        case_id = theft(world)
        who: dict[str, Any] = {"case_id": case_id, "by_id": world.accountant_id, "at": AT}
        with pytest.raises(back_billing.NoEvidence):
            back_billing.note_notice(proof="当面送达", **who)
        # Neither does the database let a case go on without any.
        with pytest.raises(DatabaseError), transaction.atomic():
            BackBillCase.objects.filter(pk=case_id).update(state="noticed", noticed_at=AT, notice_proof="没有证据")

        digest = back_billing.add_evidence(stream=io.BytesIO(PHOTO), name="现场.png", content_type="image/png", **who)

        kept = BackBillEvidence.objects.get(case_id=case_id)
        assert kept.sha256 == digest == hashlib.sha256(PHOTO).hexdigest()
        with files.open_kept(kept.key) as file:
            assert file.read() == PHOTO
        for act in ("UPDATE cis_back_bill_evidence SET sha256 = repeat('0', 64)", "DELETE FROM cis_back_bill_evidence"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(act)
        with pytest.raises(back_billing.EvidenceKnown):
            back_billing.add_evidence(stream=io.BytesIO(PHOTO), name="再传.png", content_type="image/png", **who)
        with pytest.raises(back_billing.NotNow):
            back_billing.ask_to_post(reason="还没通知", **who)
        post(world, case_id)

        # 2 kW x 30 x 12 h = 720 kWh x 0.7 = 504.00 and three times it.
        bill = Bill.objects.get(
            pk=issue_bill_now(account_id=world.commercial.account_id, cycle=world.cycles[0], issued_by_id=None, at=AT)
        )
        lines = {one.code: one.amount_fen for one in BillLine.objects.filter(bill_id=bill.pk)}
        assert (lines[ChargeCode.BACK_BILLED], lines[ChargeCode.BREACH_PENALTY]) == (50_400, 151_200)
        penalty = LedgerTransfer.objects.get(credit_id=ledger.control_id("PENALTY_INCOME"))
        assert (penalty.amount_fen, penalty.document_id) == (151_200, bill.pk)
        assert ledger.verify().faults == ()
        assert not [one.check for one in check_integrity() if one.broken]

    def test_evidence_that_changed_on_disk_is_no_evidence(self, world: World, tmp_path: Any) -> None:
        case_id = theft(world)
        who: dict[str, Any] = {"case_id": case_id, "by_id": world.accountant_id, "at": AT}
        back_billing.add_evidence(stream=io.BytesIO(PHOTO), name="现场.png", content_type="image/png", **who)
        kept = tmp_path / BackBillEvidence.objects.get().key
        kept.chmod(0o600)
        kept.write_bytes(PHOTO + b"!")

        with pytest.raises(back_billing.EvidenceChanged):
            back_billing.note_notice(proof="当面送达", **who)


class TestRefund:
    def test_of_a_fast_meter_becomes_prepayment(self, world: World) -> None:
        case_id = back_billing.open_case(
            account_id=world.residential.account_id,
            kind="meter-error",
            inputs={"read_kwh": "1100", "error_pct": "10", "share_of_period": "1/2"},
            prices={"energy_price": "0.56"},
            story="校验快 10%",
            by_id=world.accountant_id,
            at=AT,
        )
        back_billing.add_evidence(
            case_id=case_id, stream=io.BytesIO(PHOTO), name="校验.png", content_type="image/png",
            by_id=world.accountant_id, at=AT,
        )  # fmt: skip

        post(world, case_id)

        # Half of the 100 kWh that were measured too much.
        assert ledger.lock_balances([world.residential.account_id])[world.residential.account_id] == (0, 2_800)
        assert ledger.verify().faults == ()


class TestPages:
    def test_from_the_account_to_the_approval(self, world: World, client: Client) -> None:
        issue_bill_now(account_id=world.residential.account_id, cycle=world.cycles[0], issued_by_id=None, at=AT)
        client.force_login(User.objects.get(pk=world.accountant_id))
        new = reverse("cis:back_bill_new", args=[world.residential.account_no])
        assert "窃电" in client.get(new).content.decode()
        form = f"{new}?kind=theft"
        typed = {
            "kw": "1", "days": "180", "hours_per_day": "6", "penalty_multiple": "3", "energy_price": "0.5",
            "story": "私拉电线",
        }  # fmt: skip
        assert client.post(form, {**typed, "kw": ""}).status_code == 422
        assert "540.00" in client.post(form, typed).content.decode()
        opened = client.post(form, {**typed, "act": "open"})

        case = BackBillCase.objects.get()
        page = opened["Location"]
        photo = SimpleUploadedFile("现场.png", PHOTO, content_type="image/png")
        assert client.post(page, {"act": "evidence", "file": photo}).status_code == 302
        kept = BackBillEvidence.objects.get()
        shown = client.get(reverse("cis:back_bill_evidence", args=[case.pk, kept.pk]))
        assert b"".join(shown) == PHOTO
        paper = client.get(reverse("cis:back_bill_notice", args=[case.pk]))
        text = "".join(part.extract_text() for part in PdfReader(io.BytesIO(paper.content)).pages)
        for said in ("540.00", "160.00", case.legal_basis, "12398", "私拉电线"):
            assert said in text.replace(" ", ""), said
        assert client.post(page, {"act": "notice", "words": "当面送达"}).status_code == 302
        assert client.post(page, {"act": "ask", "words": "请批准"}).status_code == 302
        assert "等第二人决定" in client.get(page).content.decode()
        client.cookies["django_language"] = "en"
        english = client.get(page).content.decode()
        assert "Charged to the customer" in english and "Penalty for breach (3 times)" in english
        assert "补交电费" not in english and "违约使用电费" not in english


class TestAccuracy:
    @pytest.mark.acceptance("F160")
    def test_is_published_by_month_for_every_part_and_stays(self, world: World, client: Client, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**12
        cycle = world.cycles[0]
        bills = [
            Bill.objects.get(pk=issue_bill_now(account_id=one.account_id, cycle=cycle, issued_by_id=None, at=AT))
            for one in world.accounts
        ]
        done: dict[str, Any] = {"reason": "重开", "by_id": world.accountant_id, "at": AT}
        bill_cancellations.cancel_and_rebill(bill_no=str(bills[0]), **done)

        # An opening import that was taken over again and a bill of differences are no faults of the month.
        for kind, months in (("opening", 1), ("difference", 0)):
            of_kind = BillingRun.objects.create(kind=kind, cycle=cycle, created_at=AT)
            pair = []
            for revision in range(2):
                made = Bill.objects.get(pk=bills[3].pk)
                made.pk, made.run, made.months, made.revision = None, of_kind, months, revision
                made.period_start -= timedelta(days=300 + months)
                made.period_end -= timedelta(days=300 + months)
                made.total_fen = made.open_fen = 0
                made.save(force_insert=True)
                pair.append(made)
            BillCancellation.objects.create(
                bill=pair[0], replaced_by=pair[1], reason="重新导入", released_fen=0, cancelled_at=AT
            )

        assert publish_accuracy(cycle=cycle, at=AT) >= 2
        bill_cancellations.cancel_and_rebill(bill_no=str(bills[1]), **done)
        assert publish_accuracy(cycle=cycle, at=AT) == 0

        province = OrgUnit.objects.get(pk=world.province_id)
        published = BillAccuracy.objects.get(org_unit=province, cycle=cycle)
        assert (published.bills, published.rebilled, published.corrected) == (4, 1, 0)
        today = accuracy_of([(province.pk, province.path)], [cycle])[province.pk, cycle]
        assert (today.bills, today.rebilled, today.faulty_e2) == (4, 2, 5_000)
        county = BillAccuracy.objects.get(org_unit_id=world.county_a_id, cycle=cycle)
        assert (county.bills, county.rebilled) == (2, 1)
        (task,) = (one for one in base.CELERY_BEAT_SCHEDULE.values() if one["task"].endswith("publish_bill_accuracy"))
        assert task["schedule"].day_of_month == {6}
        client.force_login(User.objects.get(pk=world.accountant_id))
        page = client.get(reverse("cis:bill_accuracy")).content.decode()
        assert "25.00" in page
        assert "50.00" in page
        with pytest.raises(Refused):
            bill_cancellations.cancel_and_rebill(bill_no=str(bills[0]), **done)
