"""The way back from a page about a customer."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _


def back_to(account_no: str) -> tuple[str, str]:
    """The address of the customer's page and what its button says."""
    return reverse("cis:account", args=[account_no]), _("返回客户")
