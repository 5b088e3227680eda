"""What leads to one receipt without signing in: its number under our own signature."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.utils.translation import gettext as _

from config.shared.errors import NotFound

_SALT = "payments.receipt"


def verification_token(receipt_no: str) -> str:
    """What a message about a receipt carries: the number and our signature, so that numbers cannot be guessed."""
    return Signer(salt=_SALT).sign(receipt_no)


def receipt_no_in(token: str) -> str:
    """
    The receipt number of a token.

    :raises NotFound: it is none of ours
    """
    try:
        return str(Signer(salt=_SALT).unsign(token))
    except BadSignature as error:
        raise NotFound(_("这个核验码无效，可能抄写有误，或不是我公司开具的收据。")) from error
