"""Addresses of the market in the counter console."""

from django.urls import URLPattern, URLResolver, path

from cis.web import market

urlpatterns: list[URLPattern | URLResolver] = [
    path("market/", market.market_home, name="market"),
    path("market/months/new/", market.month_new, name="market_month_new"),
    path("market/months/<int:market_month_id>/", market.month, name="market_month"),
    path("market/retailers/new/", market.retailer_new, name="retailer_new"),
    path("market/retailers/<int:retailer_id>/packages/new/", market.package_new, name="package_new"),
    path("accounts/<str:account_no>/purchase/", market.account_purchase, name="account_purchase"),
    path("accounts/<str:account_no>/purchase/new/", market.agreement_new, name="agreement_new"),
    path("accounts/<str:account_no>/purchase/<int:agreement_id>/end/", market.agreement_end, name="agreement_end"),
]
