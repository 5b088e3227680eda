"""
A person claims an account: by the holder's name and a code to the registered telephone, or by the last payment.

Nothing answers whether an account exists, whose it is or which telephone it has; tries are limited per account and
per person.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.messages import BINDING_CODE
from cis.models import Account, BindingTry, PortalAccess
from cis.operations.one_time_codes import redeem_code, send_code, wrong_code
from cis.operations.portal_bindings import OwnerNameDiffers, Terms, bind, fits_terms, is_holder
from cis.operations.real_names import needs_real_name
from cis.queries.last_payment import last_payment_fen
from config.shared.errors import BadInput, NotAllowed, Refused
from config.shared.personal_data import blind_index

_PURPOSE = "bind"
_SPAN = timedelta(days=1)
TRIES_OF_PERSON = 5
TRIES_ON_ACCOUNT = 10

# Anybody may pay for any account and then knows the amount: it opens what a receipt shows, and never where somebody
# lives or when they are at home.
BY_PAYMENT = (PortalAccess.Role.PAYER,)


class TooManyClaims(Refused):
    """The tries of this day are used up, for this person or on this account."""

    code = "too-many-claims"
    status = 429


class ClaimDiffers(BadInput):
    """What was given does not belong together; which part is not said."""

    code = "claim-differs"


class ProofTooWeak(NotAllowed):
    """This quality takes a stronger proof than an amount."""

    code = "proof-too-weak"


def ask_to_bind(
    *, user_id: int, account_no: str, holder_name: str, terms: Terms, asked_from: str, at: datetime
) -> None:
    """
    Send a code to the registered telephone if account number and holder's name belong together; silently none if not.

    :raises TooManyClaims: today's tries are used up
    :raises NeedsRealName: only a checked name may become owner
    :raises TermsUnfit: days or letter do not fit the quality
    :raises CodeTooSoon: a code was asked for a moment ago
    """
    _may_claim(user_id, terms, at)
    number = "".join(account_no.split())
    with transaction.atomic():
        _count_try(user_id, number, at)
        account = Account.objects.select_related("customer").filter(account_no=number, state="open").first()
        belongs = account is not None and is_holder(account, holder_name)
        send_code(
            purpose=_PURPOSE,
            subject=f"{user_id}:{number}",
            telephone=account.customer.phone if account is not None and belongs else "",
            template=BINDING_CODE,
            asked_from=asked_from,
            at=at,
        )


def bind_by_code(*, user_id: int, account_no: str, terms: Terms, code: str, at: datetime) -> int:
    """
    The code that came to the registered telephone binds the account; gives the id of the binding.

    :raises CodeWrong: it is not the newest code of this claim, or no longer
    :raises OwnerNameDiffers: the person's checked name is not the holder's
    :raises AlreadyBound: it is bound in this quality
    """
    checked_name = _may_claim(user_id, terms, at)
    number, access_id = "".join(account_no.split()), None
    with transaction.atomic():
        proof = redeem_code(purpose=_PURPOSE, subject=f"{user_id}:{number}", code=code, at=at)
        if proof is not None:
            account = Account.objects.select_for_update(of=("self",)).select_related("customer").get(account_no=number)
            is_person = account.customer.kind == account.customer.Kind.PERSON
            if terms.role == PortalAccess.Role.OWNER and is_person and not is_holder(account, checked_name):
                raise OwnerNameDiffers(_("实名的姓名和户主不一致，不能绑定为户主。请选其他身份，或到营业厅办理过户。"))
            access_id = bind(
                account=account,
                user_id=user_id,
                terms=terms,
                proof=PortalAccess.Proof.NAME_AND_CODE,
                began_by_id=user_id,
                at=at,
            ).pk
    if access_id is None:
        raise wrong_code()
    return access_id


def bind_by_last_payment(*, user_id: int, account_no: str, terms: Terms, amount_fen: int, at: datetime) -> int:
    """
    The amount of the account's last payment binds it, to pay; gives the id of the binding.

    :raises ProofTooWeak: the quality takes name and code, or a visit
    :raises TooManyClaims: today's tries are used up
    :raises ClaimDiffers: number and amount do not belong together
    :raises AlreadyBound: it is bound in this quality
    """
    if terms.role not in BY_PAYMENT:
        raise ProofTooWeak(_("交费金额只能绑定为代缴人。其他身份请用户名和登记手机，或到营业厅办理。"))
    _may_claim(user_id, terms, at)
    number, access_id = "".join(account_no.split()), None
    with transaction.atomic():
        _count_try(user_id, number, at)
        account = (
            Account.objects.select_for_update(of=("self",))
            .select_related("customer")
            .filter(account_no=number, state="open")
            .first()
        )
        # Asked in any case: an account that is none answers as slowly as one that is.
        paid_fen = last_payment_fen(account.pk if account is not None else 0)
        if account is not None and paid_fen is not None and paid_fen == amount_fen:
            access_id = bind(
                account=account,
                user_id=user_id,
                terms=terms,
                proof=PortalAccess.Proof.LAST_PAYMENT,
                began_by_id=user_id,
                at=at,
            ).pk
    if access_id is None:
        raise ClaimDiffers(_("户号和最近一次交费金额对不上，请核对后再试；也可以用户名和登记手机，或到营业厅办理。"))
    return access_id


def _may_claim(user_id: int, terms: Terms, at: datetime) -> str:
    """The checked name of who wants to own; empty for everybody else."""
    fits_terms(terms, today=at.astimezone(settings.BILLING_TIME_ZONE).date())
    return needs_real_name(user_id=user_id) if terms.role == PortalAccess.Role.OWNER else ""


def _count_try(user_id: int, account_no: str, at: datetime) -> None:
    index = blind_index(account_no)
    with connection.cursor() as cursor:
        for place in (f"user:{user_id}", f"account:{index.hex()}"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 15))", [place])
    since = at - _SPAN
    mine = BindingTry.objects.filter(user_id=user_id, tried_at__gt=since).count()
    on_it = BindingTry.objects.filter(account_index=index, tried_at__gt=since).count()
    if mine >= TRIES_OF_PERSON or on_it >= TRIES_ON_ACCOUNT:
        raise TooManyClaims(_("今天绑定的次数用完了，请明天再试；急需办理请到任一营业厅。"))
    BindingTry.objects.create(user_id=user_id, account_index=index, tried_at=at)
