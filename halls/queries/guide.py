"""Who stands before the guide desk: the account behind a number or telephone that somebody says."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cis.queries.search import find
from config.shared.errors import NotFound, Refused

_PHONE_DIGITS = 7


class SeveralAccounts(Refused):
    """A telephone is known of more than one account."""

    code = "several-accounts"


def account_said(text: str) -> int | None:
    """
    The account with exactly this number or telephone; None for no text: nobody needs an account to be served.

    :raises NotFound: there is none
    :raises SeveralAccounts: the telephone is known of several
    """
    said = "".join(text.split())
    if not said:
        return None
    hits = find(said, limit=20)
    exact = [one for one in hits if one.account_no == said.upper()]
    called = [one for one in hits if one.matched_by == "phone" and said.isdigit() and len(said) >= _PHONE_DIGITS]
    found = exact or called
    if not found:
        raise NotFound(_("没有这个户号或电话。请核对，或者留空直接取号。"))
    if len(found) > 1:
        raise SeveralAccounts(_("这个电话登记了 %(count)s 户，请问客户要办哪个户号。") % {"count": len(found)})
    return found[0].account_id
