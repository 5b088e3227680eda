"""Addresses of this app's part of the API, version 1."""

from django.urls import path

from payments.api.v1 import payments

urlpatterns = [
    path("accounts/<str:account_no>/payments/", payments.AccountPayments.as_view(), name="api_account_payments"),
    path("payments/<str:receipt_no>/", payments.PaymentDetail.as_view(), name="api_payment"),
    path("payments/<str:receipt_no>/reversal/", payments.PaymentReversal.as_view(), name="api_payment_reversal"),
]
