"""Addresses of the market in the counter console."""

from django.urls import URLPattern, URLResolver, path

from cis.web import feed_in, market, market_settlements

urlpatterns: list[URLPattern | URLResolver] = [
    path("market/", market.market_home, name="market"),
    path("market/months/new/", market.month_new, name="market_month_new"),
    path("market/months/<int:market_month_id>/", market.month, name="market_month"),
    path("market/retailers/new/", market.retailer_new, name="retailer_new"),
    path("market/retailers/<int:retailer_id>/packages/new/", market.package_new, name="package_new"),
    path("market/settlements/", market_settlements.settlement_list, name="market_settlements"),
    path("market/settlements/new/", market_settlements.settlement_new, name="market_settlement_new"),
    path("market/settlements/<int:settlement_id>/", market_settlements.settlement, name="market_settlement"),
    path("market/settlements/<int:settlement_id>/act/", market_settlements.settlement_act, name="settlement_act"),
    path(
        "market/settlements/<int:settlement_id>/accounts/<str:account_no>/",
        market_settlements.settlement_account,
        name="settlement_account",
    ),
    path(
        "market/settlements/<int:settlement_id>/accounts/<str:account_no>/answer/",
        market_settlements.settlement_answer,
        name="settlement_answer",
    ),
    path("accounts/<str:account_no>/purchase/", market.account_purchase, name="account_purchase"),
    path("accounts/<str:account_no>/purchase/new/", market.agreement_new, name="agreement_new"),
    path("accounts/<str:account_no>/purchase/<int:agreement_id>/end/", market.agreement_end, name="agreement_end"),
    path("feed-in/", feed_in.home, name="feed_in"),
    path("feed-in/act/", feed_in.act, name="feed_in_act"),
    path("feed-in/prices/new/", feed_in.price_new, name="feed_in_price_new"),
    path("feed-in/payments/<int:payment_id>/", feed_in.payment, name="feed_in_payment"),
    path("feed-in/payouts/<int:payout_batch_id>/", feed_in.batch_answer, name="payout_answer"),
    path("feed-in/payouts/<int:payout_batch_id>/file.csv", feed_in.batch_file, name="payout_file"),
    path("accounts/<str:account_no>/solar/", feed_in.account_solar, name="account_solar"),
    path("accounts/<str:account_no>/solar/plant/", feed_in.plant, name="solar_plant"),
]
