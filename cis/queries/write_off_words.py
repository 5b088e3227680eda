"""Grounds of write-offs, named in the language of the request."""

from __future__ import annotations

from django.utils.translation import gettext as _

from cis.models import WriteOff


def choices_of_grounds() -> list[tuple[str, str]]:
    """The grounds by code."""
    return [(ground.value, _(ground.label)) for ground in WriteOff.Ground]
