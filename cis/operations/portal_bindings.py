"""
Which accounts a person may see in the portal, and in what quality: bind, unbind, end; nothing is ever deleted.

Every new binding is told to whoever was bound before and to the telephone the account is registered with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import Account, PortalAccess, PortalPerson
from cis.operations.portal_notices import tell_bound, tell_unbound
from cis.queries.real_names import real_name_of
from config.shared.errors import BadInput, NotAllowed, NotFound, Refused


class AlreadyBound(Refused):
    """The person has this account in this quality."""

    code = "already-bound"


class OwnerOnly(NotAllowed):
    """Only the account's owner may do this in the portal."""

    code = "owner-only"


class OwnerNameDiffers(Refused):
    """The person's checked name is not the name the account is held by."""

    code = "owner-name-differs"


class TermsUnfit(BadInput):
    """The first or last day, or the letter of authority, do not fit the quality."""

    code = "terms-unfit"


class ReasonNeeded(BadInput):
    """Ending somebody's binding at the counter takes a reason."""

    code = "reason-needed"


@dataclass(frozen=True, slots=True)
class Terms:
    """In what quality, for what time, on what letter. A tenant has a first day; an agent a letter and a last day."""

    role: str
    from_on: date | None = None
    until_on: date | None = None
    letter_key: str = ""
    letter_type: str = ""


def fits_terms(terms: Terms, *, today: date) -> None:
    """
    Whether days and letter belong to the quality.

    :raises TermsUnfit: they do not
    """
    if terms.role not in PortalAccess.Role.values:
        raise _unfit("/role", _("请选择身份。"))
    if terms.role == PortalAccess.Role.AGENT:
        if not terms.letter_key:
            raise _unfit("/letter", _("代理人要上传授权委托书。"))
        if terms.until_on is None or terms.until_on < today:
            raise _unfit("/until_on", _("请填写委托书的截止日期，不能早于今天。"))
    if terms.role == PortalAccess.Role.TENANT:
        if terms.from_on is None:
            raise _unfit("/from_on", _("请填写租期的第一天。"))
        if terms.until_on is not None and terms.until_on < terms.from_on:
            raise _unfit("/until_on", _("租期的最后一天不能早于第一天。"))


def bind(
    *, account: Account, user_id: int, terms: Terms, proof: str, began_by_id: int | None, at: datetime
) -> PortalAccess:
    """
    Bind a proven claim, inside the caller's transaction with the account locked; another quality is given up for it.

    :raises AlreadyBound: it is bound in this quality
    """
    current = PortalAccess.objects.filter(user_id=user_id, account=account, ended_at=None).first()
    if current is not None:
        has_ended = current.until_on is not None and terms.until_on is not None and current.until_on < terms.until_on
        if current.role == terms.role and not has_ended:
            raise AlreadyBound(_("这个户号已经绑定过了，不用再绑。"))
        _end(current, ended_by_id=began_by_id or user_id, reason=_("换了身份重新绑定"), at=at)
    access = PortalAccess.objects.create(
        user_id=user_id,
        account=account,
        role=terms.role,
        proof=proof,
        from_on=terms.from_on,
        until_on=terms.until_on,
        letter_key=terms.letter_key,
        letter_type=terms.letter_type,
        began_at=at,
        began_by_id=began_by_id,
    )
    _tell_others(access, account, at=at)
    return access


def bind_by_registered_telephone(*, account_id: int, user_id: int, at: datetime) -> None:
    """
    Who signed in by account number and its registered telephone sees that account; inside the caller's transaction.

    As its owner where their checked name is the holder's; else as somebody of the household, who manages no bindings.
    """
    account = Account.objects.select_for_update(of=("self",)).select_related("customer").get(pk=account_id)
    if PortalAccess.objects.filter(user_id=user_id, account=account, ended_at=None).exists():
        return
    known = real_name_of(user_id)
    is_owner = known is not None and is_holder(account, known.name)
    role = PortalAccess.Role.OWNER if is_owner else PortalAccess.Role.DELEGATE
    bind(
        account=account,
        user_id=user_id,
        terms=Terms(role),
        proof=PortalAccess.Proof.REGISTERED_TELEPHONE,
        began_by_id=None,
        at=at,
    )


def is_holder(account: Account, name: str) -> bool:
    """Whether a name is the one the account is held by."""
    return "".join(account.customer.name.split()) == "".join(name.split())


def unbind(*, user_id: int, account_no: str, at: datetime) -> None:
    """
    A person gives up one of their own bindings.

    :raises NotFound: they have none to this account
    """
    with transaction.atomic():
        access = (
            PortalAccess.objects.select_for_update()
            .filter(user_id=user_id, account__account_no=account_no, ended_at=None)
            .first()
        )
        if access is None:
            raise NotFound(_("没有找到这个户号。"))
        _end(access, ended_by_id=user_id, reason=_("本人解除"), at=at)


def end_as_owner(*, owner_id: int, access_id: int, at: datetime) -> None:
    """
    The owner of an account ends somebody else's binding to it; the other is told.

    :raises OwnerOnly: the person is bound to this account, but not as its owner
    :raises NotFound: there is no such binding to an account of theirs
    """
    with transaction.atomic():
        access = PortalAccess.objects.select_for_update().filter(pk=access_id, ended_at=None).first()
        mine = (
            PortalAccess.objects.filter(user_id=owner_id, account_id=access.account_id, ended_at=None).first()
            if access is not None
            else None
        )
        if access is None or mine is None:
            raise NotFound(_("没有找到这个绑定，可能已经解除。"))
        if mine.role != PortalAccess.Role.OWNER:
            raise OwnerOnly(_("只有户主可以解除别人的绑定。"))
        _end(access, ended_by_id=owner_id, reason=_("户主解除"), at=at)
        _tell_ended(access, at=at)


def end_at_counter(*, account_no: str, access_id: int, reason: str, ended_by_id: int, at: datetime) -> None:
    """
    A clerk ends a binding for a reason; the person is told.

    :raises ReasonNeeded: no reason was given
    :raises NotFound: the account has no such binding
    """
    if not reason.strip():
        text = _("请写明解除的原因，例如「户主当面要求」。")
        raise ReasonNeeded(text, errors=[{"pointer": "/reason", "detail": text}])
    with transaction.atomic():
        access = (
            PortalAccess.objects.select_for_update()
            .filter(pk=access_id, account__account_no=account_no, ended_at=None)
            .first()
        )
        if access is None:
            raise NotFound(_("没有找到这个绑定，可能已经解除。"))
        _end(access, ended_by_id=ended_by_id, reason=reason.strip(), at=at)
        _tell_ended(access, at=at)


def end_after_move(*, account_id: int, at: datetime) -> None:
    """
    The customer of an account has moved: whoever looked at it by the customer's right proves anew who they are.

    Who only pays goes on paying the final bill. Inside the caller's transaction.
    """
    PortalAccess.objects.filter(account_id=account_id, ended_at=None).exclude(role=PortalAccess.Role.PAYER).update(
        ended_at=at, end_reason=_("已过户")
    )


def _end(access: PortalAccess, *, ended_by_id: int, reason: str, at: datetime) -> None:
    access.ended_at, access.ended_by_id, access.end_reason = at, ended_by_id, reason[:200]
    access.save(update_fields=["ended_at", "ended_by", "end_reason"])


def _tell_others(access: PortalAccess, account: Account, *, at: datetime) -> None:
    """Those who were bound before, and the registered telephone; never the person themselves."""
    others = PortalAccess.objects.filter(account=account, ended_at=None).exclude(user_id=access.user_id)
    people = PortalPerson.objects.filter(user_id__in=[*others.values_list("user_id", flat=True), access.user_id])
    telephones = {person.user_id: person.telephone for person in people}
    own = telephones.pop(access.user_id, "")
    tell_bound(
        access_id=access.pk,
        telephones={*telephones.values(), account.customer.phone} - {own, ""},
        account_no=account.account_no,
        by_telephone=own,
        role=_(PortalAccess.Role(access.role).label),
        at=at,
    )


def _tell_ended(access: PortalAccess, *, at: datetime) -> None:
    person = PortalPerson.objects.filter(user_id=access.user_id).first()
    if person is None:
        return
    tell_unbound(
        key=access.pk,
        telephone=person.telephone,
        user_id=access.user_id,
        account_no=access.account.account_no,
        at=at,
    )


def _unfit(pointer: str, text: str) -> TermsUnfit:
    return TermsUnfit(text, errors=[{"pointer": pointer, "detail": text}])
