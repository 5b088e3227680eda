"""Addresses of the counter console and of the portal's pages of this app."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from cis.simulators import wechat as sim_wechat
from cis.web import (
    advice,
    analysis,
    audit,
    bill_corrections,
    bill_tables,
    bills,
    collecting,
    collection_system,
    contracts,
    customer_parts,
    customers,
    late_fees,
    notices,
    outages,
    overcharges,
    portal_counter,
    price_check,
    protections,
    runs,
    search,
    tariff_trials,
    to_do,
    usage,
)
from config.shared.web.converters import DAY

app_name = "cis"

console: list[URLPattern | URLResolver] = [
    path("search/", search.search, name="search"),
    path("accounts/<str:account_no>/", customers.account, name="account"),
    path("accounts/<str:account_no>/meters/", customer_parts.meters, name="account_meters"),
    path("accounts/<str:account_no>/contracts/", customer_parts.contracts, name="account_contracts"),
    path("accounts/<str:account_no>/advice/", advice.advice, name="account_advice"),
    path("accounts/<str:account_no>/capacity/", contracts.capacity, name="capacity"),
    path("accounts/<str:account_no>/running/", customer_parts.running, name="account_running"),
    path("accounts/<str:account_no>/terms/", contracts.terms, name="terms"),
    path("accounts/<str:account_no>/disputes/", customer_parts.disputes, name="account_disputes"),
    path("accounts/<str:account_no>/history/", customer_parts.history, name="account_history"),
    path("accounts/<str:account_no>/outages/", customer_parts.account_outages, name="account_outages"),
    path("accounts/<str:account_no>/personal-data/", customers.personal_data, name="personal_data"),
    path("accounts/<str:account_no>/messages/", notices.account_messages, name="account_messages"),
    path("accounts/<str:account_no>/contacts/", notices.account_contacts, name="account_contacts"),
    path("accounts/<str:account_no>/looks/", customer_parts.looks, name="account_looks"),
    path("accounts/<str:account_no>/customer/", customers.customer_edit, name="customer_edit"),
    path("accounts/<str:account_no>/people/", portal_counter.account_people, name="account_people"),
    path("accounts/<str:account_no>/people/bind/", portal_counter.bind, name="people_bind"),
    path("accounts/<str:account_no>/people/<int:access_id>/end/", portal_counter.end, name="people_end"),
    path("accounts/<str:account_no>/people/<int:access_id>/letter/", portal_counter.letter, name="people_letter"),
    path("accounts/<str:account_no>/reports/", portal_counter.account_reports, name="account_reports"),
    path("contacts/<int:contact_id>/", portal_counter.contact, name="contact"),
    path("to-do/contacts/", portal_counter.open_contacts, name="open_contacts"),
    path("to-do/overcharges/", overcharges.overcharges_to_answer, name="overcharges_to_answer"),
    path("overcharges/", overcharges.overcharge_list, name="overcharges"),
    path("overcharges/<int:overcharge_id>/", overcharges.overcharge, name="overcharge"),
    path("overcharges/<int:overcharge_id>/take/", overcharges.overcharge_take, name="overcharge_take"),
    path("accounts/<str:account_no>/premise/", customers.premise_edit, name="premise_edit"),
    path("accounts/<str:account_no>/bills/", bills.account_bills, name="account_bills"),
    path("accounts/<str:account_no>/bill-now/", bills.bill_now, name="bill_now"),
    path("accounts/<str:account_no>/usage/", usage.month, name="account_usage"),
    path("accounts/<str:account_no>/usage/export.csv", usage.month_export, name="account_usage_export"),
    path(f"accounts/<str:account_no>/usage/<{DAY}:day>/", usage.day, name="account_usage_day"),
    path(f"accounts/<str:account_no>/usage/<{DAY}:day>/export.csv", usage.day_export, name="account_usage_day_export"),
    path("accounts/<str:account_no>/arrears/", collecting.account_arrears, name="account_arrears"),
    path("accounts/<str:account_no>/protect/", protections.protect, name="protect"),
    path("arrears/", collecting.case_list, name="arrears_cases"),
    path("bills/<str:bill_no>/late-fee/", late_fees.waive, name="waive_late_fee"),
    path("arrears/quiet/", protections.quiet_times, name="quiet_times"),
    path("arrears/<int:case_id>/", collecting.case, name="arrears_case"),
    path("arrears/<int:case_id>/notice.pdf", collecting.notice_pdf, name="arrears_notice"),
    path("bills/", bill_tables.bills, name="bills"),
    path("bills/<str:bill_no>/", bills.bill, name="bill"),
    path("bills/<str:bill_no>/print/", bills.bill_print, name="bill_print"),
    path("bills/<str:bill_no>/correct/", bill_corrections.bill_correct, name="bill_correct"),
    path("bills/<str:bill_no>/cancel/", bill_corrections.bill_cancel, name="bill_cancel"),
    path("corrections/<int:correction_id>/", bill_corrections.correction, name="correction"),
    path("bills/<str:bill_no>/dispute/", bills.dispute_open, name="dispute_open"),
    path("bills/<str:bill_no>/dispute/close/", bills.dispute_close, name="dispute_close"),
    path("outages/", outages.outage_list, name="outages"),
    path("outages/new/", outages.outage_new, name="outage_new"),
    path("outages/<int:outage_id>/", outages.outage, name="outage"),
    path("outages/<int:outage_id>/change/", outages.outage_change, name="outage_change"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/start/", runs.run_start, name="run_start"),
    path("runs/<int:run_id>/", runs.run, name="run"),
    path("runs/<int:run_id>/exceptions/", runs.run_exceptions, name="run_exceptions"),
    path("runs/<int:run_id>/cancel/", runs.run_cancel, name="run_cancel"),
    path("runs/<int:run_id>/resume/", runs.run_resume, name="run_resume"),
    path("audit/", audit.audit, name="audit"),
    path("audit/questions/<int:question_id>/answer/", audit.answer, name="audit_answer"),
    path("", include("cis.web.urls_readings")),
    path("to-do/disputes/", to_do.open_disputes, name="open_disputes"),
    path("to-do/runs/", to_do.unfinished_runs, name="unfinished_runs"),
    path("to-do/exceptions/", to_do.open_exceptions, name="open_exceptions"),
    path("to-do/doubts/", to_do.waiting_doubts, name="waiting_doubts"),
    path("to-do/reconnections/", collecting.to_reconnect, name="to_reconnect"),
    path("to-do/days/", to_do.days_to_close, name="days_to_close"),
]

figures: list[URLPattern | URLResolver] = [
    path("energy/", analysis.energy_sold, name="energy_sold"),
    path("collection/", analysis.collection_page, name="collection"),
    path("arrears/", analysis.arrears, name="arrears"),
    path("export.csv", analysis.export, name="analysis_export"),
    path("tariff-trials/", tariff_trials.trial_list, name="tariff_trials"),
    path("tariff-trials/new/", tariff_trials.trial_new, name="tariff_trial_new"),
    path("tariff-trials/<int:trial_id>/", tariff_trials.trial, name="tariff_trial"),
    path("tariff-trials/<int:trial_id>/groups/", tariff_trials.trial_groups, name="tariff_trial_groups"),
    path("tariff-trials/<int:trial_id>/accounts/", tariff_trials.trial_accounts, name="tariff_trial_accounts"),
    path("tariff-trials/<int:trial_id>/cancel/", tariff_trials.trial_cancel, name="tariff_trial_cancel"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("console/", include(console)),
    path("dsm/", include(figures)),
    path("my/", include("cis.web.urls_portal")),
    path("collection-system/receipts/", collection_system.take, name="collection_receipts"),
    path("price-check/", price_check.check, name="price_check"),
    path("price-check/report/", price_check.report, name="overcharge_report"),
    path("price-check/reports/<str:overcharge_token>/", price_check.state, name="overcharge_state"),
]

if settings.SIMULATORS:
    urlpatterns += [
        path("sim/wechat/connect/oauth2/authorize", sim_wechat.authorize, name="sim_wechat_authorize"),
        path("sim/wechat/sns/oauth2/access_token", sim_wechat.access_token, name="sim_wechat_token"),
    ]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {
    "cis:collection_receipts": "calls of the meter data collection system, each with a signature of its own",
    "cis:price_check": "whoever pays for electricity may see its legal price",
    "cis:overcharge_report": "whoever is charged too much may say so",
    "cis:overcharge_state": "whoever reported holds a signed address",
    "cis:sim_wechat_authorize": "the simulated provider, only where simulators are on",
    "cis:sim_wechat_token": "the simulated provider, only where simulators are on",
}
