"""People of the portal and who is bound to an account: for themselves, for owners, for the counter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.sessions.models import Session
from django.utils.translation import gettext as _

from cis.models import PortalAccess, PortalPerson, PortalSession, WechatIdentity
from cis.queries.real_names import RealName, real_names_of
from config.shared.errors import NotFound
from config.shared.personal_data import blind_index, mask_phone


@dataclass(frozen=True, slots=True)
class Me:
    """A person as the portal's own page shows them."""

    user_id: int
    phone_masked: str
    telephone_since: datetime
    real_name: RealName | None
    has_wechat: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of an account, running or ended; telephones are masked."""

    access_id: int
    user_id: int
    phone_masked: str
    role: str
    role_word: str
    proof_word: str
    from_on: date | None
    until_on: date | None
    has_letter: bool
    began_at: datetime
    began_by: str
    ended_at: datetime | None
    ended_by: str
    end_reason: str
    real_name: RealName | None
    has_run_out: bool

    @property
    def is_running(self) -> bool:
        """Whether it holds now."""
        return self.ended_at is None and not self.has_run_out


def get_me(user_id: int) -> Me:
    """
    The person behind a portal user.

    :raises NotFound: the user has no telephone of their own yet
    """
    person = PortalPerson.objects.filter(user_id=user_id).first()
    if person is None:
        raise NotFound(_("没有这位网上客户。请用手机重新登录。"))
    return Me(
        user_id=user_id,
        phone_masked=mask_phone(person.telephone),
        telephone_since=person.telephone_since,
        real_name=real_names_of([user_id]).get(user_id),
        has_wechat=WechatIdentity.objects.filter(user_id=user_id, left_at=None).exists(),
    )


def bindings_of(account_id: int, *, today: date, with_ended: bool = False) -> tuple[Binding, ...]:
    """Who is bound to an account, the running first; with those that have ended, newest first. Three statements."""
    rows = PortalAccess.objects.filter(account_id=account_id).select_related("began_by", "ended_by")
    if not with_ended:
        rows = rows.filter(ended_at=None)
    found = list(rows.order_by("-began_at", "-pk")[:200])
    ids = [row.user_id for row in found]
    telephones = {person.user_id: mask_phone(person.telephone) for person in PortalPerson.objects.filter(pk__in=ids)}
    names = real_names_of(ids)
    bindings = [_binding(row, telephones, names, today) for row in found]
    return tuple(sorted(bindings, key=lambda one: not one.is_running))


def get_binding(*, account_no: str, access_id: int, today: date) -> Binding:
    """
    One running binding of an account.

    :raises NotFound: there is none
    """
    row = (
        PortalAccess.objects.select_related("began_by", "ended_by")
        .filter(pk=access_id, account__account_no=account_no, ended_at=None)
        .first()
    )
    if row is None:
        raise NotFound(_("没有找到这个绑定，可能已经解除。"))
    person = PortalPerson.objects.filter(pk=row.user_id).first()
    telephones = {row.user_id: mask_phone(person.telephone)} if person is not None else {}
    return _binding(row, telephones, real_names_of([row.user_id]), today)


def letter_of(*, account_no: str, access_id: int) -> tuple[str, str]:
    """
    Key and media type of the letter of authority behind a binding.

    :raises NotFound: there is none
    """
    row = PortalAccess.objects.filter(pk=access_id, account__account_no=account_no).exclude(letter_key="").first()
    if row is None:
        raise NotFound(_("这个绑定没有授权委托书。"))
    return row.letter_key, row.letter_type


def _binding(row: PortalAccess, telephones: dict[int, str], names: dict[int, RealName], today: date) -> Binding:
    return Binding(
        access_id=row.pk,
        user_id=row.user_id,
        phone_masked=telephones.get(row.user_id, ""),
        role=row.role,
        role_word=_(PortalAccess.Role(row.role).label),
        proof_word=_(PortalAccess.Proof(row.proof).label),
        from_on=row.from_on,
        until_on=row.until_on,
        has_letter=bool(row.letter_key),
        began_at=row.began_at,
        began_by=(row.began_by.display_name or row.began_by.username) if row.began_by else "",
        ended_at=row.ended_at,
        ended_by=(row.ended_by.display_name or row.ended_by.username) if row.ended_by else "",
        end_reason=row.end_reason,
        real_name=names.get(row.user_id),
        has_run_out=row.role == PortalAccess.Role.AGENT and row.until_on is not None and row.until_on < today,
    )


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One sign-in that lasts."""

    session_id: int
    device: str
    began_at: datetime
    is_this: bool


def sessions_of(user_id: int, *, session_key: str, at: datetime) -> tuple[SessionRow, ...]:
    """Where the person is signed in, newest first; who signed out or whose session ran out is not."""
    alive = Session.objects.filter(expire_date__gt=at).values("session_key")
    rows = PortalSession.objects.filter(user_id=user_id, ended_at=None, session_key__in=alive).order_by("-began_at")
    return tuple(
        SessionRow(row.pk, row.device or _("未知设备"), row.began_at, row.session_key == session_key)
        for row in rows[:20]
    )


def user_of_telephone(telephone: str) -> int:
    """
    The portal's user with this telephone.

    :raises NotFound: nobody has come to the portal with it
    """
    user_id = (
        PortalPerson.objects.filter(telephone_index=blind_index(telephone)).values_list("user_id", flat=True).first()
    )
    if user_id is None:
        raise NotFound(_("没有人用这个手机号登录过。"))
    return user_id


def openid_of(*, user_id: int, app_id: str) -> str:
    """Who the person is to this app in WeChat; empty where they never signed in with it."""
    known = WechatIdentity.objects.filter(user_id=user_id, app_id=app_id, left_at=None).order_by("-joined_at").first()
    return known.openid if known is not None else ""


def masked_telephone_of(user_id: int) -> str:
    """A person's telephone, masked; empty for a user who has none of their own yet."""
    person = PortalPerson.objects.filter(user_id=user_id).first()
    return mask_phone(person.telephone) if person is not None else ""
