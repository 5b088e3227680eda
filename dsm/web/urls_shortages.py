"""Addresses of shortages, their plans, decisions and orders."""

from django.urls import URLPattern, path

from dsm.web import call_backs, decisions, shed_lists, shed_orders, shortages, to_do

urlpatterns: list[URLPattern] = [
    path("dsm/shortages/", shortages.shortage_list, name="shortages"),
    path("dsm/shortages/open/", to_do.open_shortages, name="open_shortages"),
    path("dsm/shortages/new/", shortages.shortage_new, name="shortage_new"),
    path("dsm/shortages/<int:shortage_id>/", shortages.shortage, name="shortage"),
    path("dsm/shortages/<int:shortage_id>/submit/", decisions.shortage_submit, name="shortage_submit"),
    path("dsm/shortages/<int:shortage_id>/authority/", decisions.shortage_authority, name="shortage_authority"),
    path("dsm/shortages/<int:shortage_id>/decision/", decisions.shortage_decision, name="shortage_decision"),
    path("dsm/shortages/<int:shortage_id>/issue/", decisions.shortage_issue, name="shortage_issue"),
    path("dsm/shortages/<int:shortage_id>/withdraw/", decisions.shortage_withdraw, name="shortage_withdraw"),
    path("dsm/shortages/<int:shortage_id>/paper/", decisions.shortage_paper, name="shortage_paper"),
    path("dsm/shortages/<int:shortage_id>/orders/", shed_orders.shortage_orders, name="shortage_orders"),
    path("dsm/shortages/<int:shortage_id>/call-back/", call_backs.shortage_call_back, name="shortage_call_back"),
    path("dsm/shortages/<int:shortage_id>/plans/<slug:strategy>/", shortages.shortage_plan, name="shortage_plan"),
    path(
        "dsm/shortages/<int:shortage_id>/plans/<slug:strategy>/<str:account_no>/",
        shortages.shortage_cut,
        name="shortage_cut",
    ),
    path("dsm/shed-orders/<int:order_id>/receipt/", shed_orders.order_receipt, name="order_receipt"),
    path("dsm/shed-orders/<int:order_id>/call-back/", call_backs.order_call_back, name="order_call_back"),
    path("dsm/shed-list/", shed_lists.shed_list, name="shed_list"),
    path("dsm/shed-list/<int:list_id>/", shed_lists.shed_list_draft, name="shed_list_draft"),
    path("dsm/shed-list/<int:list_id>/approve/", shed_lists.shed_list_approve, name="shed_list_approve"),
    path("my/shed-orders/", shed_orders.portal_orders, name="portal_orders"),
    path("my/shed-orders/<int:order_id>/", shed_orders.portal_order, name="portal_order"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "dsm:portal_orders": "a customer's own orders",
    "dsm:portal_order": "a customer's own orders",
}
