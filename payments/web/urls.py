"""Addresses of taking money: the counter, the portal, the wallet, the simulators."""

from django.conf import settings
from django.urls import URLPattern, path, register_converter

from payments.simulators import wallet as sim_wallet
from payments.web import (
    agents,
    channels,
    cheques,
    console,
    debits,
    drawers,
    held_money,
    integrators,
    late_fees,
    notices,
    portal,
    reconciliation,
    refunds,
    statements,
    to_do,
    transfers,
    verify,
    webhooks,
)


class PaperConverter:
    """The papers a receipt is made for."""

    regex = "a4|slip"

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands."""
        return value


register_converter(PaperConverter, "paper")

app_name = "payments"
urlpatterns: list[URLPattern] = [
    path("console/payments/", console.desk, name="desk"),
    path("console/payments/to-do/mine/", to_do.my_takings, name="my_takings"),
    path("console/payments/to-do/clerks/", to_do.takings_by_clerk, name="takings_by_clerk"),
    path("console/payments/list/", console.day_list, name="day_list"),
    path("console/payments/day/", console.day, name="day"),
    path("console/payments/held/", held_money.held_list, name="held"),
    path("console/payments/held/<int:held_id>/", held_money.held, name="held_one"),
    path("console/reconciliation/", reconciliation.reconciliations, name="reconciliations"),
    path("console/reconciliation/<int:reconciliation_id>/", reconciliation.reconciliation, name="reconciliation"),
    path("console/reconciliation/differences/<int:difference_id>/", reconciliation.difference, name="difference"),
    path("console/transfers/", transfers.pool, name="transfers"),
    path("console/transfers/<int:line_id>/", transfers.transfer, name="transfer"),
    path("console/transfers/statements/", transfers.statements, name="bank_statements"),
    path("console/transfers/statements/<int:statement_id>/", transfers.statement, name="bank_statement"),
    path("console/transfers/sub-accounts/", transfers.sub_accounts, name="sub_accounts"),
    path("console/cheques/", cheques.cheque_list, name="cheques"),
    path("console/cheques/<int:cheque_id>/", cheques.cheque, name="cheque"),
    path("console/accounts/<str:account_no>/cheque/", cheques.take, name="cheque_take"),
    path("console/debits/", debits.batches, name="debits"),
    path("console/debits/agreements/", debits.agreements, name="debit_agreements"),
    path("console/debits/bank/", debits.bank_edit, name="debit_bank_new"),
    path("console/debits/bank/<str:bank_code>/", debits.bank_edit, name="debit_bank"),
    path("console/debits/<int:debit_batch_id>/", debits.batch, name="debit_batch"),
    path("console/accounts/<str:account_no>/debit/", debits.account_debit, name="account_debit"),
    path("my/debit/", debits.portal_debit, name="portal_debit"),
    path("console/drawer/", drawers.drawer, name="drawer"),
    path("console/drawer/<int:shift_id>/", drawers.drawer_report, name="drawer_report"),
    path("console/channels/", channels.channel_list, name="channels"),
    path("console/channels/new/", channels.channel_new, name="channel_new"),
    path("console/channels/<str:channel_code>/", channels.channel, name="channel"),
    path("console/agents/", agents.agent_list, name="agents"),
    path("console/channels/<str:channel_code>/agent/", agents.agent, name="agent"),
    path("console/channels/<str:channel_code>/agent/terms/", agents.agent_terms, name="agent_terms"),
    path("console/channels/<str:channel_code>/agent/deposit/", agents.agent_deposit, name="agent_deposit"),
    path("console/channels/<str:channel_code>/agent/<str:settled_on>/", agents.agent_day, name="agent_day"),
    path("console/channels/<str:channel_code>/switch/", channels.channel_switch, name="channel_switch"),
    path("console/channels/<str:channel_code>/area/", channels.channel_area, name="channel_area"),
    path("console/channels/<str:channel_code>/change/", channels.channel_change, name="channel_change"),
    path("console/channels/<str:channel_code>/key/", channels.channel_key, name="channel_key"),
    path(
        "console/channels/<str:channel_code>/keys/<str:client_key>/revoke/",
        channels.channel_key_revoke,
        name="channel_key_revoke",
    ),
    path("console/channels/<str:channel_code>/webhooks/", webhooks.webhook_list, name="webhooks"),
    path("console/channels/<str:channel_code>/webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path("console/channels/<str:channel_code>/webhooks/<int:endpoint_id>/", webhooks.webhook, name="webhook"),
    path(
        "console/channels/<str:channel_code>/webhooks/<int:endpoint_id>/change/",
        webhooks.webhook_change,
        name="webhook_change",
    ),
    path(
        "console/channels/<str:channel_code>/webhooks/<int:endpoint_id>/secret/",
        webhooks.webhook_secret,
        name="webhook_secret",
    ),
    path(
        "console/channels/<str:channel_code>/webhooks/<int:endpoint_id>/act/", webhooks.webhook_act, name="webhook_act"
    ),
    path("console/accounts/<str:account_no>/pay/", console.pay, name="desk_account"),
    path("console/accounts/<str:account_no>/refund/", refunds.ask, name="refund"),
    path("console/accounts/<str:account_no>/payments/", console.account_payments, name="account_payments"),
    path("console/accounts/<str:account_no>/late-fees/", late_fees.account_late_fees, name="account_late_fees"),
    path("console/accounts/<str:account_no>/statement/", statements.statement, name="statement"),
    path("console/accounts/<str:account_no>/statement.pdf", statements.statement_pdf, name="statement_pdf"),
    path("console/payments/refunds/<str:refund_no>/", refunds.refund, name="refund_done"),
    path("console/payments/<str:receipt_no>/", console.payment, name="payment"),
    path("console/payments/<str:receipt_no>/reversal/", console.reverse_payment, name="reverse"),
    path("console/payments/<str:receipt_no>/receipt-<paper:paper>.pdf", console.receipt_pdf, name="receipt_pdf"),
    path("integrators/", integrators.integrators_page, name="integrators"),
    path("receipts/<str:token>/", verify.verify, name="verify"),
    path("verify/", verify.verify_page, name="verify_page"),
    path("verify/keys.json", verify.verify_keys, name="verify_keys"),
    path("verify/<str:signed>/", verify.verify_code, name="verify_code"),
    path("my/pay/", portal.pay, name="portal_pay"),
    path("my/accounts/<str:account_no>/late-fees/", late_fees.portal_late_fees, name="portal_late_fees"),
    path("my/orders/", portal.receipt_list, name="portal_orders"),
    path("my/orders/<str:out_trade_no>/", portal.order, name="portal_order"),
    path("my/receipts/", portal.receipt_list, name="portal_receipts"),
    path("my/receipts/<str:receipt_no>/", portal.receipt, name="portal_receipt"),
    path("my/receipts/<str:receipt_no>/receipt-<paper:paper>.pdf", portal.receipt_pdf, name="portal_receipt_pdf"),
    path("my/statement/", statements.portal_statement, name="portal_statement"),
    path("my/statement.pdf", statements.portal_statement_pdf, name="portal_statement_pdf"),
    path("pay/<str:channel>/notice/", notices.notice, name="notice"),
]

if settings.SIMULATORS:
    urlpatterns += [
        path("sim/wallet/", sim_wallet.checkout, name="sim_wallet"),
        path("sim/wallet/repeat/", sim_wallet.repeat, name="sim_wallet_repeat"),
    ]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {
    "payments:integrators": "whoever connects to us reads how; it names no customer and no client",
    "payments:verify_page": "whoever is shown a receipt may check it",
    "payments:verify_code": "whoever is shown a receipt may check it; nothing is looked up before its signature holds",
    "payments:verify_keys": "public keys are public",
}
SIGNED_IN_ONLY = {
    "payments:portal_pay": "a customer's own accounts",
    "payments:portal_debit": "a customer's own accounts",
    "payments:portal_late_fees": "a customer's own accounts",
    "payments:portal_orders": "a customer's own accounts",
    "payments:portal_order": "a customer's own accounts",
    "payments:portal_receipts": "a customer's own accounts",
    "payments:portal_receipt": "a customer's own accounts",
    "payments:portal_receipt_pdf": "a customer's own accounts",
    "payments:portal_statement": "a customer's own accounts",
    "payments:portal_statement_pdf": "a customer's own accounts",
}
