"""Telling the customers of transformer districts: exactly them, each person once, and again when it changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.queries import network
from cis.queries.outages import OutagePage, get_outage
from config.shared import messaging
from config.shared.display_formats import format_day
from config.shared.errors import BadInput, NotAllowed, Refused
from config.shared.personal_data import decrypt, mask_numbers_in
from grid_service import messages
from grid_service.models import Notice, NoticeChoice, NoticeFollowUp, NoticeRecipient, NoticeVersion, ServiceDistrict
from grid_service.queries.notices import message_key, no_notice
from grid_service.queries.territory import Served, districts_at, districts_of_transformers, no_district, transformers_of

MAX_TEXT = 70
# Ten digits in a row are an account number, or as good as one.
_LONG_NUMBER = re.compile(r"\d{8,}")
_DEBT = re.compile("欠费|欠款|欠了|逾期|未交电费")
_What = NoticeVersion.What
# Where no district covers a place, the hotline answers.
_NOBODY = {"manager": "", "phone": settings.SERVICE_HOTLINE}


class SaysTooMuch(BadInput):
    """The text names a number, a person or a debt, or is empty or too long."""

    code = "says-too-much"


class WrongNoticeState(Refused):
    """The act does not fit how far the notice is."""

    code = "wrong-notice-state"


class StaleNotice(Refused):
    """Somebody published, changed or cancelled it since the form was opened."""

    code = "stale-notice"


class SaysTheSame(BadInput):
    """The new text is the one everybody has."""

    code = "says-the-same"


class AnotherDistrictsNotice(NotAllowed):
    """Only the people of the district that wrote it may publish, change or cancel it."""

    code = "another-districts-notice"


class NotMine(BadInput):
    """A transformer district of somebody else's service district, or none at all."""

    code = "not-my-places"


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody to be told, once, with the transformer district whose manager answers them."""

    key: str
    transformer_district_id: int
    user_id: int | None
    language: str
    sealed_phone: str
    is_dropped: bool

    def joined(self, known: _Person | None) -> _Person:
        """The same person as known from another account: with both ways to them, and concerned if by either."""
        if known is None:
            return self
        here, other = (self, known) if known.is_dropped else (known, self)
        return replace(
            here,
            user_id=here.user_id if here.user_id is not None else other.user_id,
            language=here.language if here.user_id is not None else other.language,
            sealed_phone=here.sealed_phone or other.sealed_phone,
        )


def draft_notice(
    *, district_id: int, transformer_district_ids: Collection[int], text: str, by_id: int, at: datetime
) -> int:
    """
    Write a notice of one's own words that nobody is told of yet; its id.

    :raises SaysTooMuch: the text names a number, a customer or a debt, or is empty or too long
    :raises NotMine: a transformer district is not covered by the district
    """
    places = sorted(set(transformer_district_ids))
    with transaction.atomic():
        district = ServiceDistrict.objects.select_related("org_unit").filter(pk=district_id).first()
        if district is None:
            raise no_district()
        if not places or not set(places) <= set(transformers_of([district_id], at=at)):
            raise NotMine(_("请选择本片区的台区。"))
        said = check_text(text, places)
        notice = Notice.objects.create(
            org_unit=district.org_unit, service_district=district, created_by_id=by_id, created_at=at
        )
        NoticeVersion.objects.create(
            notice=notice,
            number=1,
            what=_What.ANNOUNCED,
            text=said,
            places=places,
            written_by_id=by_id,
            written_at=at,
        )
    return notice.pk


def publish_notice(*, notice_id: int, at: datetime, district_ids: Collection[int] | None = None) -> int:
    """
    Send a draft to exactly the customers of its transformer districts; gives how many people it concerns.

    `district_ids` are the districts the actor works in; None where nobody acts but the house itself.

    :raises NotFound: there is no such notice
    :raises AnotherDistrictsNotice: it is of none of these districts
    :raises WrongNoticeState: it was published before
    :raises NotMine: a transformer district went to another district since it was written
    """
    with transaction.atomic():
        notice = _locked(notice_id, district_ids)
        version = _last(notice)
        if version.published_at is not None:
            raise WrongNoticeState(_("这条通知已经发布。内容有变请用「改正并重发」。"))
        if not set(version.places) <= set(transformers_of([notice.service_district_id or 0], at=at)):
            raise NotMine(_("写好以后，有台区划给了别的片区。请点「不发了」，再按现在的台区重新写一条。"))
        return _tell(version, messages.DISTRICT_NOTICE, {"text": version.text}, dropped=(), at=at)


def change_notice(
    *,
    notice_id: int,
    text: str,
    from_version: int,
    by_id: int,
    at: datetime,
    district_ids: Collection[int] | None = None,
) -> int:
    """
    Say it anew: to those whom it concerns, and to everybody who got an earlier version; gives how many people.

    `from_version` is the number of the published version the change was made from; each change goes to everybody, so
    that a second press or a page left open must not send one. `district_ids` as of `publish_notice`.

    :raises NotFound: there is no such notice
    :raises AnotherDistrictsNotice: it is of none of these districts
    :raises WrongNoticeState: it comes from an outage, is a draft, or was cancelled
    :raises StaleNotice: it was changed since that version
    :raises SaysTheSame: everybody has this text already
    :raises SaysTooMuch: the text names a number, a customer or a debt, or is empty or too long
    """
    with transaction.atomic():
        notice = _locked(notice_id, district_ids)
        last = _published(notice)
        _check_version(last, from_version)
        said = check_text(text, last.places)
        if said == last.text:
            raise SaysTheSame(_("内容没有变，客户已经收到过，不用重发。"))
        version = _next(last, _What.CHANGED, said, by_id, at)
        return _tell(version, messages.DISTRICT_NOTICE, {"text": said}, dropped=(), at=at)


def cancel_notice(
    *, notice_id: int, from_version: int, by_id: int, at: datetime, district_ids: Collection[int] | None = None
) -> int:
    """
    Take it back: everybody who got a version is told so; a draft is simply put away. Gives how many people.

    `from_version` is the number of the published version one looks at, 0 for a draft: who puts a draft away does not
    take back what went out meanwhile. `district_ids` as of `publish_notice`.

    :raises NotFound: there is no such notice
    :raises AnotherDistrictsNotice: it is of none of these districts
    :raises WrongNoticeState: it comes from an outage, or was cancelled before
    :raises StaleNotice: it was published or changed since that version
    """
    with transaction.atomic():
        notice = _locked(notice_id, district_ids)
        if notice.outage_id is None and notice.versions.filter(published_at=None).exists():
            notice.delete()
            return 0
        last = _published(notice)
        _check_version(last, from_version)
        version = _next(last, _What.CANCELLED, last.text, by_id, at)
        return _tell(version, messages.DISTRICT_NOTICE_CANCELLED, {"text": last.text}, dropped=(), at=at)


def tell_of_outage(*, outage_id: int, version: int, what: str, dropped: Iterable[int] = (), at: datetime) -> int:
    """
    Tell the customers of an outage what one version of it says; repeated, the same version is told once.

    `what` is announced, changed, restored or cancelled. Who was told before and is not concerned any more hears that.
    Gives how many people it concerns.
    """
    page = get_outage(outage_id, at=at)
    outage = page.outage
    with transaction.atomic():
        notice, _is_new = Notice.objects.get_or_create(
            outage_id=outage_id, defaults={"org_unit_id": page.org_unit_id, "created_at": at}
        )
        notice = Notice.objects.select_for_update().get(pk=notice.pk)
        if notice.versions.filter(number=version).exists():
            return 0
        row = NoticeVersion.objects.create(
            notice=notice,
            number=version,
            what=what,
            text=_in_words(page)[:300],
            places=list(outage.transformer_district_ids),
            written_at=at,
        )
        form, parameters = _said_of(page, what)
        return _tell(row, form, parameters, dropped=dropped, off=_times(page), at=at)


def follow_up(
    *,
    version_id: int,
    account_id: int,
    way: str,
    by_id: int,
    at: datetime,
    transformer_district_ids: Collection[int] | None = None,
) -> None:
    """
    Note that somebody told a household which no message reached; once.

    `transformer_district_ids` are the places the actor answers for; None where nobody acts but the house itself.

    :raises NotFound: the version did not concern it, or it is behind none of these transformer districts
    """
    with transaction.atomic():
        if not NoticeRecipient.objects.filter(version_id=version_id, account_id=account_id).exists():
            raise no_notice()
        if transformer_district_ids is not None:
            place = network.transformers_of_accounts([account_id]).get(account_id)
            if place not in transformer_district_ids:
                raise no_notice()
        NoticeFollowUp.objects.get_or_create(
            version_id=version_id, account_id=account_id, defaults={"way": way, "done_by_id": by_id, "done_at": at}
        )


def choose(*, user_id: int, wants_sms: bool) -> None:
    """How somebody of the portal hears of notices from now on."""
    NoticeChoice.objects.update_or_create(user_id=user_id, defaults={"wants_sms": wants_sms})


def check_text(text: str, places: Iterable[int]) -> str:
    """
    The text as it may be sent to everybody behind these transformer districts.

    :raises SaysTooMuch: it names a number, a customer or a debt, or is empty or too long
    """
    said = " ".join(text.split())
    if not said or len(said) > MAX_TEXT:
        raise SaysTooMuch(_("请用 %(most)s 个字以内写清楚：什么事、什么时候、要客户做什么。") % {"most": MAX_TEXT})
    if _LONG_NUMBER.search(said) or mask_numbers_in(said) != said:
        raise SaysTooMuch(_("通知会发给整片客户，不能写户号、手机号或证件号。您的服务电话会自动附上。"))
    if _DEBT.search(said):
        raise SaysTooMuch(_("通知会发给整片客户，不能提欠费。请在「欠费」里逐户联系。"))
    named = next((name for name in network.names_behind(places) if len(name) > 1 and name in said), "")
    if named:
        raise SaysTooMuch(_("通知会发给整片客户，不能写客户姓名「%(name)s」。") % {"name": named})
    return said


# --- Sending ---------------------------------------------------------------------------------


def _tell(
    version: NoticeVersion,
    form: messaging.Template,
    parameters: Mapping[str, str],
    *,
    dropped: Iterable[int],
    off: Mapping[str, str] | None = None,
    at: datetime,
) -> int:
    """Note whom a version concerns, in a fixed number of statements, and ask for their messages; how many people."""
    gone = set(dropped)
    rows = _recipients(version, gone, at)
    NoticeRecipient.objects.bulk_create([row for row, _person in rows], batch_size=1000)
    people: dict[str, _Person] = {}
    for _recipient, person in rows:
        people[person.key] = person.joined(people.get(person.key))
    served = _served(people.values(), at)
    told = {False: (form, dict(parameters)), True: (messages.OUTAGE_OFF, dict(off or {}))}
    silent = set(NoticeChoice.objects.filter(wants_sms=False).values_list("user_id", flat=True))
    for is_dropped, (template, said) in told.items():
        chosen = [one for one in people.values() if one.is_dropped == is_dropped]
        for channel in ("in_app", "sms"):
            if chosen:
                messaging.send_many(
                    template=template.code,
                    channel=channel,
                    messages=_asked(version, chosen, channel, said, served, silent),
                    at=at,
                )
    version.published_at = at
    version.save(update_fields=["published_at"])
    return len(people)


def _recipients(version: NoticeVersion, gone: set[int], at: datetime) -> list[tuple[NoticeRecipient, _Person]]:
    """Whom the version concerns now, and whoever was told an earlier one."""
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    found: dict[tuple[int, str], tuple[NoticeRecipient, _Person]] = {}
    for one in network.people_behind(version.places, today=today):
        person = _Person(
            one.person_key, one.transformer_district_id, one.user_id, one.language, one.sealed_phone, is_dropped=False
        )
        row = NoticeRecipient(
            version=version,
            account_id=one.account_id,
            person_key=one.person_key,
            customer_id=one.customer_id,
            user_id=one.user_id,
            has_phone=bool(one.sealed_phone),
        )
        found[one.account_id, one.person_key] = (row, person)
    earlier = NoticeRecipient.objects.filter(version__notice_id=version.notice_id).exclude(version=version)
    newest = {(row.account_id, row.person_key): row for row in earlier.order_by("version__number")}
    told = [row for key, row in newest.items() if key not in found and not row.is_dropped]
    phones_of_customers, phones_of_users = (
        network.sealed_phones(
            customer_ids=[row.customer_id for row in told if row.customer_id is not None],
            user_ids=[row.user_id for row in told if row.user_id is not None],
        )
        if told
        else ({}, {})
    )
    places = network.transformers_of_accounts({row.account_id for row in told}) if told else {}
    for row in told:
        phone = phones_of_users.get(row.user_id or 0) or phones_of_customers.get(row.customer_id or 0, "")
        place = places.get(row.account_id, 0)
        is_dropped = place in gone
        person = _Person(row.person_key, place, row.user_id, settings.LANGUAGE_CODE, phone, is_dropped)
        again = NoticeRecipient(
            version=version,
            account_id=row.account_id,
            person_key=row.person_key,
            customer_id=row.customer_id,
            user_id=row.user_id,
            has_phone=bool(phone),
            is_dropped=is_dropped,
        )
        found[row.account_id, row.person_key] = (again, person)
    return list(found.values())


def _served(people: Iterable[_Person], at: datetime) -> dict[int, Served]:
    """Transformer district to who serves it now."""
    covered = districts_of_transformers({one.transformer_district_id for one in people}, at=at)
    districts = districts_at(set(covered.values()), at=at)
    return {place: districts[district] for place, district in covered.items() if district in districts}


def _asked(
    version: NoticeVersion,
    people: Iterable[_Person],
    channel: str,
    said: Mapping[str, str],
    served: Mapping[int, Served],
    silent: Collection[int],
) -> Iterator[messaging.BulkMessage]:
    for one in people:
        if channel == "sms" and one.user_id in silent:
            continue
        here = served.get(one.transformer_district_id)
        card = {"manager": here.manager.name, "phone": here.manager.phone} if here else _NOBODY
        yield messaging.BulkMessage(
            to=messaging.Recipient(
                phone=decrypt(one.sealed_phone) if one.sealed_phone and channel == "sms" else "",
                user_id=one.user_id,
                language=one.language,
            ),
            parameters={**said, **card},
            dedupe_key=message_key(version.pk, channel, one.key),
        )


# --- Versions --------------------------------------------------------------------------------


def _locked(notice_id: int, district_ids: Collection[int] | None) -> Notice:
    notice = Notice.objects.select_for_update().filter(pk=notice_id).first()
    if notice is None:
        raise no_notice()
    is_from_district = notice.service_district_id is not None
    if is_from_district and district_ids is not None and notice.service_district_id not in district_ids:
        raise AnotherDistrictsNotice(_("这条通知是别的片区发的，只有他们能改。请和发通知的片区联系。"))
    return notice


def _check_version(last: NoticeVersion, from_version: int) -> None:
    if last.number != from_version:
        raise StaleNotice(_("您打开以后，这条通知又发过一次。上面是现在的内容，请对照以后再办。"))


def _last(notice: Notice) -> NoticeVersion:
    return notice.versions.order_by("number").last() or NoticeVersion()


def _published(notice: Notice) -> NoticeVersion:
    last = _last(notice)
    if notice.outage_id is not None:
        raise WrongNoticeState(_("停电通知随停电安排变更，请在停电里改。"))
    if last.published_at is None:
        raise WrongNoticeState(_("这条通知还没有发布。"))
    if last.what == _What.CANCELLED:
        raise WrongNoticeState(_("这条通知已经取消。"))
    return last


def _next(last: NoticeVersion, what: str, text: str, by_id: int, at: datetime) -> NoticeVersion:
    return NoticeVersion.objects.create(
        notice_id=last.notice_id,
        number=last.number + 1,
        what=what,
        text=text,
        places=last.places,
        written_by_id=by_id,
        written_at=at,
    )


def _clock(moment: datetime) -> str:
    local = moment.astimezone(settings.BILLING_TIME_ZONE)
    return f"{local:%m-%d %H:%M}"


def _times(page: OutagePage) -> dict[str, str]:
    return {"starts": _clock(page.outage.starts_at), "ends": _clock(page.outage.ends_at)}


def _said_of(page: OutagePage, what: str) -> tuple[messaging.Template, dict[str, str]]:
    outage = page.outage
    if what == _What.CANCELLED:
        return messages.OUTAGE_OFF, _times(page)
    if what == _What.RESTORED and outage.restored_at is not None:
        return messages.OUTAGE_RESTORED, {"area": outage.area, "restored": _clock(outage.restored_at)}
    said = {"area": outage.area, "reason": outage.reason, **_times(page)}
    if what == _What.CHANGED:
        return messages.OUTAGE_CHANGED, said
    return messages.OUTAGE_ANNOUNCED, {**said, "kind": outage.kind_word}


def _in_words(page: OutagePage) -> str:
    outage, zone = page.outage, settings.BILLING_TIME_ZONE
    day, last = (format_day(moment, zone) for moment in (outage.starts_at, outage.ends_at))
    ends = _clock(outage.ends_at)[6:] if day == last else _clock(outage.ends_at)
    return f"{outage.kind_word} {day} {_clock(outage.starts_at)[6:]}–{ends} {outage.area} {outage.reason}"
