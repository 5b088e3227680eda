"""Addresses of the portal pages that show customer information; `cis.web.urls` puts them under /my/."""

from django.urls import URLPattern, path

from cis.web import portal, who_looked
from cis.web.converters import DAY

urlpatterns: list[URLPattern] = [
    path("sign-in/", portal.sign_in, name="portal_sign_in"),
    path("sign-in/code/", portal.code, name="portal_code"),
    path("account/", portal.switch, name="portal_switch"),
    path("", portal.home, name="portal_home"),
    path("bills/", portal.bill_list, name="portal_bills"),
    path("bills/<str:bill_no>/", portal.bill, name="portal_bill"),
    path("who-looked/", who_looked.who_looked, name="portal_who_looked"),
    path("who-looked/ask/", who_looked.ask, name="portal_who_looked_ask"),
    path("usage/", portal.usage, name="portal_usage"),
    path("usage/export.csv", portal.usage_export, name="portal_usage_export"),
    path(f"usage/<{DAY}:day>/", portal.usage_day, name="portal_usage_day"),
    path(f"usage/<{DAY}:day>/export.csv", portal.usage_day_export, name="portal_usage_day_export"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    f"cis:{name}": "a customer's own accounts"
    for name in (
        "portal_switch",
        "portal_home",
        "portal_bills",
        "portal_bill",
        "portal_who_looked",
        "portal_who_looked_ask",
        "portal_usage",
        "portal_usage_export",
        "portal_usage_day",
        "portal_usage_day_export",
    )
}
