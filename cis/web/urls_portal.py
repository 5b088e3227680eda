"""Addresses of the portal pages that show customer information; `cis.web.urls` puts them under /portal/."""

from datetime import date

from django.urls import URLPattern, path, register_converter

from cis.web import portal


class DayConverter:
    """A day, as 2026-01-31."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """The date; a ValueError is no such page."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        """As ISO writes it."""
        return value.isoformat()


register_converter(DayConverter, "day")

urlpatterns: list[URLPattern] = [
    path("sign-in/", portal.sign_in, name="portal_sign_in"),
    path("sign-in/code/", portal.code, name="portal_code"),
    path("account/", portal.switch, name="portal_switch"),
    path("", portal.home, name="portal_home"),
    path("bills/", portal.bill_list, name="portal_bills"),
    path("bills/<str:bill_no>/", portal.bill, name="portal_bill"),
    path("usage/", portal.usage, name="portal_usage"),
    path("usage/export.csv", portal.usage_export, name="portal_usage_export"),
    path("usage/<day:day>/", portal.usage_day, name="portal_usage_day"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    f"cis:{name}": "a customer's own accounts"
    for name in (
        "portal_switch",
        "portal_home",
        "portal_bills",
        "portal_bill",
        "portal_usage",
        "portal_usage_export",
        "portal_usage_day",
    )
}
