"""Addresses of this app's part of the API, version 1."""

from django.urls import include, path

from cis.api.v1 import accounts, advice, bills, rating, runs

urlpatterns = [
    path("accounts/", accounts.AccountSearch.as_view(), name="api_accounts"),
    path("accounts/<str:account_no>/", accounts.AccountDetail.as_view(), name="api_account"),
    path("accounts/<str:account_no>/personal-data/", accounts.AccountPersonalData.as_view(), name="api_personal_data"),
    path("accounts/<str:account_no>/bills/", bills.AccountBills.as_view(), name="api_account_bills"),
    path("accounts/<str:account_no>/advice/", advice.AccountAdvice.as_view(), name="api_account_advice"),
    path("bills/<str:bill_no>/", bills.BillDetail.as_view(), name="api_bill"),
    path("bills/<str:bill_no>/explanation/", bills.BillExplanation.as_view(), name="api_bill_explanation"),
    path("billing-runs/", runs.Runs.as_view(), name="api_runs"),
    path("billing-runs/<int:run_id>/", runs.RunDetail.as_view(), name="api_run"),
    path("rating/preview", rating.RatingPreview.as_view(), name="api_rating_preview"),
    path("reading-imports/", include("cis.api.v1.readings")),
    path("my/", include("cis.api.v1.urls_my")),
]
