"""Addresses of the portal pages that show customer information; `cis.web.urls` puts them under /my/."""

from django.urls import URLPattern, path

from cis.web import (
    advice,
    feed_in,
    operating_cost,
    portal,
    portal_alerts,
    portal_binding,
    portal_faults,
    portal_fee_control,
    portal_me,
    portal_questions,
    portal_reading,
    portal_sign_in,
    portal_wechat,
    use_limits,
    who_looked,
)
from config.shared.web.converters import DAY

urlpatterns: list[URLPattern] = [
    path("sign-in/", portal_sign_in.sign_in, name="portal_sign_in"),
    path("sign-in/account/", portal_sign_in.sign_in_by_account, name="portal_sign_in_account"),
    path("sign-in/code/", portal_sign_in.code, name="portal_code"),
    path("sign-in/wechat/", portal_wechat.start, name="portal_wechat"),
    path("sign-in/wechat/back/", portal_wechat.back, name="portal_wechat_back"),
    path("account/", portal.switch, name="portal_switch"),
    path("", portal.home, name="portal_home"),
    path("bills/", portal.bill_list, name="portal_bills"),
    path("bills/<str:bill_no>/", portal.bill, name="portal_bill"),
    path("who-looked/", who_looked.who_looked, name="portal_who_looked"),
    path("who-looked/ask/", who_looked.ask, name="portal_who_looked_ask"),
    path("usage/", portal.usage, name="portal_usage"),
    path("usage/export.csv", portal.usage_export, name="portal_usage_export"),
    path(f"usage/<{DAY}:day>/", portal.usage_day, name="portal_usage_day"),
    path(f"usage/<{DAY}:day>/export.csv", portal.usage_day_export, name="portal_usage_day_export"),
    path("reading/", portal_reading.reading, name="portal_reading"),
    path("reading/photos/<int:photo_id>/", portal_reading.photo, name="portal_reading_photo"),
    path("prices/", portal.price_page, name="portal_prices"),
    path("advice/", advice.my_advice, name="portal_advice"),
    path("operating-cost/", operating_cost.my_operating, name="portal_operating_cost"),
    path("feed-in/", feed_in.my_feed_in, name="portal_feed_in"),
    path("questions/", portal_questions.questions, name="portal_questions"),
    path("limits/", use_limits.my_limits, name="portal_limits"),
    path("alerts/", portal_alerts.alerts, name="portal_alerts"),
    path("fee-control/", portal_fee_control.fee_control, name="portal_fee_control"),
    path("fee-control/<str:account_no>/balance/", portal_fee_control.balance_part, name="portal_fee_balance"),
    path("outages/", portal.outage_page, name="portal_outages"),
    path("faults/", portal_faults.faults, name="portal_faults"),
    path("me/", portal_me.me, name="portal_me"),
    path("me/telephone/", portal_me.telephone, name="portal_telephone"),
    path("me/telephone/codes/", portal_me.telephone_codes, name="portal_telephone_codes"),
    path("me/sessions/<int:session_id>/end/", portal_me.end_session, name="portal_end_session"),
    path("me/wechat/leave/", portal_wechat.leave, name="portal_wechat_leave"),
    path("me/accounts/bind/", portal_binding.bind, name="portal_bind"),
    path("me/accounts/bind/code/", portal_binding.bind_code, name="portal_bind_code"),
    path("me/accounts/<str:account_no>/", portal_me.my_account, name="portal_my_account"),
    path("me/accounts/<str:account_no>/unbind/", portal_me.unbind, name="portal_unbind"),
    path("me/accounts/<str:account_no>/<int:access_id>/end/", portal_me.end_other, name="portal_end_binding"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {
    f"cis:{name}": "the portal's door"
    for name in ("portal_sign_in", "portal_sign_in_account", "portal_code", "portal_wechat", "portal_wechat_back")
}
SIGNED_IN_ONLY = {
    f"cis:{pattern.name}": "a customer's own accounts" for pattern in urlpatterns if f"cis:{pattern.name}" not in PUBLIC
}
