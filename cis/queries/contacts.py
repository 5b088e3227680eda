"""What customers told us and what was answered: for themselves and for whoever serves them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from cis.models import Account, Contact
from cis.queries.customers import no_account
from config.shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One thing that was told; `answer` is empty while it is open."""

    contact_id: int
    account_no: str
    kind_word: str
    channel_word: str
    text: str
    told_at: datetime
    told_by: str
    answer: str
    answered_at: datetime | None
    answered_by: str
    answered_by_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has answered yet."""
        return self.answered_at is None


def contacts_of_person(user_id: int, *, limit: int = 20) -> tuple[ContactRow, ...]:
    """What a person told us, newest first."""
    return _rows(Contact.objects.filter(user_id=user_id).order_by("-told_at", "-pk"), limit)


def contacts_of_account(account_no: str, *, limit: int = 5) -> tuple[ContactRow, ...]:
    """
    What was told about an account, open ones first, then the newest.

    :raises NotFound: there is no such account
    """
    account_id = Account.objects.filter(account_no=account_no).values_list("id", flat=True).first()
    if account_id is None:
        raise no_account()
    is_open_first = F("answered_at").desc(nulls_first=True)
    return _rows(Contact.objects.filter(account_id=account_id).order_by(is_open_first, "-told_at"), limit)


def get_contact(contact_id: int) -> ContactRow:
    """
    One contact.

    :raises NotFound: there is none
    """
    found = _rows(Contact.objects.filter(pk=contact_id), 1)
    if not found:
        raise NotFound(_("没有找到这条联系记录。"))
    return found[0]


def _rows(contacts: QuerySet[Contact], limit: int) -> tuple[ContactRow, ...]:
    rows = contacts.select_related("account", "user", "answered_by")
    return tuple(
        ContactRow(
            contact_id=row.pk,
            account_no=row.account.account_no if row.account else "",
            kind_word=_(Contact.Kind(row.kind).label),
            channel_word=_(Contact.Channel(row.channel).label),
            text=row.text,
            told_at=row.told_at,
            told_by=row.user.display_name,
            answer=row.answer,
            answered_at=row.answered_at,
            answered_by=(row.answered_by.display_name or row.answered_by.username) if row.answered_by else "",
            answered_by_id=row.answered_by_id,
        )
        for row in rows[:limit]
    )


def open_contacts(*, limit: int) -> tuple[tuple[ContactRow, ...], int]:
    """The oldest contacts that nobody has answered, and how many there are."""
    waiting = Contact.objects.filter(answered_at=None)
    return _rows(waiting.order_by("told_at", "pk"), limit), waiting.count()
