"""Fee control: its terms, agreements with their signed paper, one's own threshold, emergency credit, calls noted."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from importlib import resources

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import Account, FeeControlAgreement, FeeControlStep, FeeControlTerms
from cis.operations.fee_control_acts import act_on
from cis.queries.fee_control_facts import FeeFacts, facts_of
from config.shared import files
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import fen_from_yuan, yuan_from_fen
from config.shared.permissions import is_within

PAPERS = "fee-control"
MOST_PAPER_BYTES = 10 * 1024 * 1024
_MAGIC = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
_MOST_OWN_FEN = 10_000_00
_CALLS = (FeeControlStep.What.WARNED, FeeControlStep.What.ANNOUNCED, FeeControlStep.What.LAST_WARNED)


class AgreementStands(Refused):
    """The account has an agreement for some of these days."""

    code = "agreement-stands"


class NoRemoteMeter(Refused):
    """The account has not exactly one meter."""

    code = "no-remote-meter"


class PaperMissing(BadInput):
    """The signed paper is missing, too large or no PDF or picture."""

    code = "paper-missing"


class CreditRefused(Refused):
    """Emergency credit was given in this bill period already, is not part of the terms, or is not needed."""

    code = "credit-refused"


class NothingToTell(Refused):
    """Nothing of this kind is due, so no call is noted."""

    code = "nothing-to-tell"


def load_fee_control_terms() -> None:
    """Enter the published terms whose code is not known yet; once loaded they are the utility's own."""
    text = resources.files("cis").joinpath("data", "fee_control.json").read_text(encoding="utf-8")
    known = set(FeeControlTerms.objects.values_list("code", flat=True))
    for entry in json.loads(text)["terms"]:
        if entry["code"] in known:
            continue
        until = entry["effective_to"]
        FeeControlTerms.objects.create(
            valid=DateRange(date.fromisoformat(entry["effective_from"]), date.fromisoformat(until) if until else None),
            **{f"{name.removesuffix('_yuan')}_fen": fen_from_yuan(entry[name]) for name in entry if "_yuan" in name},
            **{name: value for name, value in entry.items() if "_yuan" not in name and "effective" not in name},
        )


def agree(
    *,
    account_no: str,
    terms_code: str,
    from_on: date,
    until_on: date | None,
    signed_by: str,
    signed_on: date,
    paper: bytes,
    paper_name: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Put a signed agreement down with its paper; its id. `until_on` is the first day on which it holds no more.

    :raises NotFound: no such account in one's part, or it is closed
    :raises BadInput: no such terms, nobody signed, or the days are out of order
    :raises PaperMissing: the paper
    :raises NoRemoteMeter: the account has no meter, or several
    :raises AgreementStands: there is one for some of these days
    """
    account = Account.objects.select_related("org_unit").filter(account_no=account_no, state="open").first()
    if account is None or (within is not None and not is_within(account.org_unit.path, within)):
        raise NotFound(_("您管辖的单位里没有这个在用的户号，请核对。"))
    if not signed_by.strip() or signed_on > from_on or (until_on is not None and until_on <= from_on):
        _bad("signed_by", _("请填写签字人，并检查签订和起止日期：先签订，后生效。"))
    if not FeeControlTerms.objects.filter(code=terms_code, valid__contains=from_on).exists():
        _bad("terms_code", _("请选择在生效日有效的费控条款。"))
    paper_type = next((kind for magic, kind in _MAGIC.items() if paper.startswith(magic)), "")
    if not paper_type or len(paper) > MOST_PAPER_BYTES:
        text = _("请上传签字协议的扫描件：PDF、JPG 或 PNG，不超过 10 MB。")
        raise PaperMissing(text, errors=[{"pointer": "/paper", "detail": text}])
    key = files.keep(io.BytesIO(paper), folder=PAPERS)
    try:
        with transaction.atomic():
            row = FeeControlAgreement.objects.create(
                account=account,
                org_unit_id=account.org_unit_id,
                terms_code=terms_code,
                valid=DateRange(from_on, until_on),
                signed_by=signed_by.strip()[:80],
                signed_on=signed_on,
                paper_key=key,
                paper_name=paper_name[-120:] or "agreement",
                paper_type=paper_type,
                made_by_id=by_id,
                made_at=at,
            )
            today = at.astimezone(settings.BILLING_TIME_ZONE).date()
            found = facts_of([account.pk], at=at).get(account.pk)
            if from_on <= today and (found is None or not found.meter_no):
                raise NoRemoteMeter(_("费控只支持一户一表、在装的电能表。请先核对这个户的表计。"))
    except IntegrityError as error:
        if "one_fee_control_agreement_at_a_time" not in str(error):
            raise
        raise AgreementStands(_("这个户在这段时间已经有费控协议，请先终止原来的。")) from error
    return row.pk


def end_agreement(
    *, account_no: str, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    End the agreement of an account today; supply that is away by it comes back.

    :raises NotFound: there is none that holds in one's part
    :raises BadInput: no reason
    """
    if not reason.strip():
        _bad("reason", _("请写明终止的原因。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        row = _current(account_no, today, within)
        # One that began today keeps its one day on paper; from the moment of its end nobody is stopped by it.
        first = row.valid.lower or row.signed_on
        row.valid = DateRange(first, max(today, first + timedelta(days=1)))
        row.ended_by_id, row.ended_at, row.end_reason = by_id, at, reason.strip()[:200]
        row.save(update_fields=["valid", "ended_by", "ended_at", "end_reason"])
        act_on([row.account_id], at=at)


def choose_warning(*, account_id: int, warn_fen: int | None, at: datetime) -> None:
    """
    The customer's own warning threshold from now on; None: that of the terms.

    :raises NotFound: no agreement holds
    :raises BadInput: it is negative or beyond all sense
    """
    if warn_fen is not None and not 0 <= warn_fen <= _MOST_OWN_FEN:
        _bad("warn", _("请填写 0 到 10000 元之间的数额。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        changed = FeeControlAgreement.objects.filter(account_id=account_id, valid__contains=today, ended_at=None)
        if not changed.update(own_warn_fen=warn_fen):
            raise NotFound(_("这个户没有费控协议。"))


def give_credit(*, account_id: int, channel: str, by_id: int | None, at: datetime) -> int:
    """
    Emergency credit (应急用电额度), once a bill period, by the terms; gives how much in fen.

    It may be asked for from the warning threshold down, and brings supply back that is away where it suffices.

    :raises NotFound: no agreement holds
    :raises CreditRefused: given already in this period, not part of the terms, or not needed
    """
    with transaction.atomic():
        today = at.astimezone(settings.BILLING_TIME_ZONE).date()
        held = FeeControlAgreement.objects.select_for_update().filter(
            account_id=account_id, valid__contains=today, ended_at=None
        )
        if not list(held):
            raise NotFound(_("这个户没有费控协议。"))
        facts = facts_of([account_id], at=at)[account_id]
        most = facts.agreement.terms.emergency_credit_fen
        if not most:
            raise CreditRefused(_("这份协议的条款没有应急用电额度，请充值或拨打 95598。"))
        if facts.available_fen is None or facts.period_start is None:
            raise CreditRefused(_("今天的余额还没有算出来，请稍后再申请，或拨打 95598。"))
        if facts.situation.credit_fen:
            raise CreditRefused(_("这一期的应急用电额度已经用过，下一期可以再申请。请尽快充值。"))
        if facts.available_fen >= facts.agreement.warn_below_fen:
            raise CreditRefused(_("余额还够，用不着应急额度。"))
        FeeControlStep.objects.create(
            agreement_id=facts.agreement_id,
            account_id=account_id,
            what=FeeControlStep.What.CREDIT,
            at=at,
            balance_fen=facts.balance_fen or 0,
            channel=channel,
            key=f"fee-control:{account_id}:credit:{facts.period_start}",
            evidence=_("客户申请，额度 %(yuan)s 元") % {"yuan": yuan_from_fen(most)},
            by_id=by_id,
            credit_fen=most,
            period_start=facts.period_start,
        )
        act_on([account_id], at=at)
    return most


def note_call(
    *, account_no: str, what: str, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Note that the customer was told by telephone what no message could tell them; the grace begins with it.

    :raises NotFound: no agreement holds in one's part
    :raises BadInput: no evidence, or no such thing to tell
    :raises NothingToTell: nothing of the kind was due, or it has been told
    """
    if what not in _CALLS or not evidence.strip():
        _bad("evidence", _("请写明打给谁、何时、怎么说的。"))
    with transaction.atomic():
        row = _current(account_no, at.astimezone(settings.BILLING_TIME_ZONE).date(), within)
        facts = facts_of([row.account_id], at=at)[row.account_id]
        if not _is_untold(facts, what):
            raise NothingToTell(_("现在没有要通知的事，或已经通知到了。"))
        FeeControlStep.objects.create(
            agreement=row,
            account_id=row.account_id,
            what=what,
            at=at,
            balance_fen=facts.balance_fen or 0,
            channel="phone",
            key=f"fee-control:{row.account_id}:{what}:{facts.told.get(what, 0) + 1}",
            evidence=evidence.strip()[:300],
            by_id=by_id,
        )


def _is_untold(facts: FeeFacts, what: str) -> bool:
    """Whether the newest thing of this kind was written down and has reached nobody."""
    mine = [step for step in facts.steps if step.what.value == what]
    return bool(mine) and mine[-1].reached_at is None


def _current(account_no: str, today: date, within: Sequence[str] | None) -> FeeControlAgreement:
    rows = FeeControlAgreement.objects.select_for_update(of=("self",)).select_related("org_unit")
    row = rows.filter(account__account_no=account_no, valid__contains=today, ended_at=None).first()
    if row is None or (within is not None and not is_within(row.org_unit.path, within)):
        raise NotFound(_("您管辖的单位里没有这个户的费控协议。"))
    return row


def _bad(field: str, text: str) -> None:
    raise BadInput(text, errors=[{"pointer": f"/{field}", "detail": text}])
