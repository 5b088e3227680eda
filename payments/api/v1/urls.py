"""Addresses of this app's part of the API, version 1."""

from django.urls import path

from payments.api.v1 import agents, channel, debits, my_payments, payments

urlpatterns = [
    path("channel/accounts/<str:account_no>/bills", channel.ChannelBills.as_view(), name="api_channel_bills"),
    path("channel/debit-agreements", debits.ChannelDebitAgreements.as_view(), name="api_channel_debit_sign"),
    path("channel/debit-agreements/endings", debits.ChannelDebitEndings.as_view(), name="api_channel_debit_end"),
    path("channel/deposit", agents.ChannelDeposit.as_view(), name="api_channel_deposit"),
    path("channel/payments", channel.ChannelPayments.as_view(), name="api_channel_payments"),
    path("channel/payments/<str:serial>", channel.ChannelPaymentState.as_view(), name="api_channel_payment"),
    path("channel/payments/<str:serial>/reversals", channel.ChannelReversals.as_view(), name="api_channel_reversals"),
    path("my/accounts/<str:account_no>/payment-orders", my_payments.MyOrders.as_view(), name="api_my_orders"),
    path("my/accounts/<str:account_no>/payments", my_payments.MyPayments.as_view(), name="api_my_payments"),
    path("my/payment-orders/<str:out_trade_no>", my_payments.MyOrder.as_view(), name="api_my_order"),
    path("my/payments/<str:receipt_no>", my_payments.MyPayment.as_view(), name="api_my_payment"),
    path("my/payments/<str:receipt_no>/receipt.pdf", my_payments.MyReceiptPdf.as_view(), name="api_my_receipt_pdf"),
    path("accounts/<str:account_no>/payments/", payments.AccountPayments.as_view(), name="api_account_payments"),
    path("payments/<str:receipt_no>/", payments.PaymentDetail.as_view(), name="api_payment"),
    path("payments/<str:receipt_no>/reversal/", payments.PaymentReversal.as_view(), name="api_payment_reversal"),
]
