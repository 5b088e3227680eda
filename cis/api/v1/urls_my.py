"""Addresses for customers' own apps; `cis.api.v1.urls` puts them under /api/v1/my/."""

from django.urls import URLPattern, path

from cis.api.v1 import my_accounts, my_bills, my_sessions
from config.shared.web.converters import DAY

urlpatterns: list[URLPattern] = [
    path("sign-in-codes", my_sessions.SignInCodes.as_view(), name="api_my_sign_in_codes"),
    path("sessions", my_sessions.Sessions.as_view(), name="api_my_sessions"),
    path("sessions/current", my_sessions.CurrentSession.as_view(), name="api_my_session"),
    path("devices", my_sessions.Devices.as_view(), name="api_my_devices"),
    path("devices/<int:session_id>", my_sessions.Device.as_view(), name="api_my_device"),
    path("binding-codes", my_accounts.BindingCodes.as_view(), name="api_my_binding_codes"),
    path("accounts", my_accounts.Accounts.as_view(), name="api_my_accounts"),
    path("accounts/<str:account_no>", my_accounts.Account.as_view(), name="api_my_account"),
    path("accounts/<str:account_no>/balance", my_accounts.Balance.as_view(), name="api_my_balance"),
    path("accounts/<str:account_no>/bills", my_bills.Bills.as_view(), name="api_my_bills"),
    path("accounts/<str:account_no>/bills/<str:bill_no>", my_bills.Bill.as_view(), name="api_my_bill"),
    path("accounts/<str:account_no>/usage", my_bills.Usage.as_view(), name="api_my_usage"),
    path(f"accounts/<str:account_no>/usage/<{DAY}:day>", my_bills.UsageDay.as_view(), name="api_my_usage_day"),
    path("accounts/<str:account_no>/outages", my_accounts.Outages.as_view(), name="api_my_outages"),
    path("accounts/<str:account_no>/applications", my_accounts.Applications.as_view(), name="api_my_applications"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {
    "api_my_sign_in_codes": "the door of customers' apps",
    "api_my_sessions": "the door of customers' apps",
}
