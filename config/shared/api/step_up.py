"""Acts of the API that cannot be taken lightly: a person who just proved who they are, and never a key."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from rest_framework.request import Request

from config.shared import proofs, second_factors
from config.shared.errors import NotAllowed
from config.shared.models import ApiKey
from config.shared.permissions import staff_of


class StepUpRequired(NotAllowed):
    """The person must prove again who they are, on a page that asks for it."""

    code = "step-up-required"


class StepUpNeedsAPerson(NotAllowed):
    """A key cannot prove who holds it."""

    code = "step-up-needs-a-person"


def require_step_up(request: Request, *, at: datetime) -> None:
    """
    Let the act go on only for a person whose last proof is fresh.

    :raises StepUpNeedsAPerson: the request came with an API key
    :raises StepUpRequired: the proof is too old, or was weaker than what the person has
    """
    if isinstance(request.auth, ApiKey):
        raise StepUpNeedsAPerson(_("这项操作要由员工本人登录办理，API key 不能代办。"))
    has_second = second_factors.has_any(user_id=staff_of(request).pk)
    if not proofs.is_fresh(request, needs_second_factor=has_second, at=at):
        raise StepUpRequired(_("这项操作要再确认一次身份。请在网页上办理，或重新登录后马上再试。"))
