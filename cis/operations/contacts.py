"""What customers tell us in the portal, and what we answer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.events import ContactAnswered
from cis.models import Contact, PortalPerson
from cis.operations.portal_notices import tell_answered
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish

MAX_TEXT = 500


class SaysNothing(BadInput):
    """The text is empty or too long."""

    code = "says-nothing"


class AlreadyAnswered(Refused):
    """Somebody has answered it."""

    code = "already-answered"


def report(*, user_id: int, account_id: int | None, kind: str, text: str, form_key: str, at: datetime) -> int:
    """
    Note what a person reports in the portal; the same form sent twice is one contact. Gives its id.

    :raises SaysNothing: the text is empty or too long, or the kind is unknown
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT or kind not in Contact.Kind.values:
        detail = _("请写下哪里、什么情况，例如「整栋楼没电」，不超过 500 个字。")
        raise SaysNothing(detail, errors=[{"pointer": "/text", "detail": detail}])
    with transaction.atomic():
        contact, _is_new = Contact.objects.get_or_create(
            form_key=f"{user_id}:{form_key}"[:64],
            defaults={
                "account_id": account_id,
                "user_id": user_id,
                "kind": kind,
                "channel": Contact.Channel.PORTAL,
                "text": said,
                "told_at": at,
            },
        )
        return contact.pk


def answer(*, contact_id: int, text: str, answered_by_id: int, at: datetime) -> None:
    """
    Close a contact with what was done; the person sees it in the portal and is told by message.

    :raises SaysNothing: the answer is empty or too long
    :raises AlreadyAnswered: it was answered before
    :raises NotFound: there is no such contact
    """
    said = text.strip()
    if not said or len(said) > MAX_TEXT:
        detail = _("请写下处理的结果，客户会看到，不超过 500 个字。")
        raise SaysNothing(detail, errors=[{"pointer": "/answer", "detail": detail}])
    with transaction.atomic():
        contact = Contact.objects.select_for_update().filter(pk=contact_id).first()
        if contact is None:
            raise NotFound(_("没有找到这条联系记录。"))
        if contact.answered_at is not None:
            raise AlreadyAnswered(_("这条联系记录已经答复过了。"))
        contact.answer, contact.answered_at, contact.answered_by_id = said, at, answered_by_id
        contact.save(update_fields=["answer", "answered_at", "answered_by"])
        publish(ContactAnswered(contact_id=contact.pk))
        person = PortalPerson.objects.filter(user_id=contact.user_id).first()
        if person is not None:
            tell_answered(key=contact.pk, telephone=person.telephone, user_id=person.user_id, at=at)
