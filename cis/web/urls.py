"""Addresses of the counter console and of the portal's pages of this app."""

from django.urls import URLPattern, URLResolver, include, path

from cis.web import bills, customers, runs, search, usage
from cis.web.converters import DAY

app_name = "cis"

console: list[URLPattern | URLResolver] = [
    path("search/", search.search, name="search"),
    path("accounts/<str:account_no>/", customers.account, name="account"),
    path("accounts/<str:account_no>/personal-data/", customers.personal_data, name="personal_data"),
    path("accounts/<str:account_no>/customer/", customers.customer_edit, name="customer_edit"),
    path("accounts/<str:account_no>/premise/", customers.premise_edit, name="premise_edit"),
    path("accounts/<str:account_no>/bills/", bills.account_bills, name="account_bills"),
    path("accounts/<str:account_no>/bill-now/", bills.bill_now, name="bill_now"),
    path("accounts/<str:account_no>/usage/", usage.month, name="account_usage"),
    path("accounts/<str:account_no>/usage/export.csv", usage.month_export, name="account_usage_export"),
    path(f"accounts/<str:account_no>/usage/<{DAY}:day>/", usage.day, name="account_usage_day"),
    path(f"accounts/<str:account_no>/usage/<{DAY}:day>/export.csv", usage.day_export, name="account_usage_day_export"),
    path("bills/<str:bill_no>/", bills.bill, name="bill"),
    path("bills/<str:bill_no>/print/", bills.bill_print, name="bill_print"),
    path("bills/<str:bill_no>/dispute/", bills.dispute_open, name="dispute_open"),
    path("bills/<str:bill_no>/dispute/close/", bills.dispute_close, name="dispute_close"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/start/", runs.run_start, name="run_start"),
    path("runs/<int:run_id>/", runs.run, name="run"),
    path("runs/<int:run_id>/exceptions/", runs.run_exceptions, name="run_exceptions"),
    path("runs/<int:run_id>/cancel/", runs.run_cancel, name="run_cancel"),
    path("runs/<int:run_id>/resume/", runs.run_resume, name="run_resume"),
    path("", include("cis.web.urls_readings")),
]

urlpatterns = [
    path("console/", include(console)),
    path("my/", include("cis.web.urls_portal")),
]
