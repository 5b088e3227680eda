"""Addresses of this app's pages: the district console, the overseer's pages, the portal's."""

from django.urls import URLPattern, URLResolver, include, path

from grid_service.web import cards, district, notices, overseers, portal

app_name = "grid_service"

console: list[URLPattern | URLResolver] = [
    path("to-do/questions/", district.questions_to_answer, name="questions_to_answer"),
    path("to-do/outages/", district.outages_here, name="outages_here"),
    path("to-do/arrears/", district.arrears_here, name="arrears_here"),
    path("to-do/care/", district.care_here, name="care_here"),
    path("to-do/my-card/", cards.my_card_here, name="my_card_here"),
    path("questions/", district.question_list, name="questions"),
    path("questions/<int:asked_id>/", district.question, name="question"),
    path("notices/", notices.notice_list, name="notices"),
    path("notices/new/", notices.notice_new, name="notice_new"),
    path("notices/<int:notice_id>/", notices.notice, name="notice"),
    path("arrears/", district.arrears, name="arrears"),
    path("customers/", district.customers, name="customers"),
    path("customers/<str:account_no>/call/", district.call, name="call"),
    path("care/", district.care, name="care"),
    path("care/<str:account_no>/", district.care_of, name="care_of"),
    path("my-card/", cards.my_card, name="my_card"),
    path("my-card/remove-photo/", cards.remove_photo, name="remove_photo"),
]

overseen: list[URLPattern | URLResolver] = [
    path("", overseers.district_list, name="districts"),
    path("check/", overseers.check, name="check"),
    path("<int:district_id>/", overseers.district, name="district"),
    path("<int:district_id>/hand-over/", overseers.hand_over, name="hand_over"),
    path("<int:district_id>/cover/", overseers.cover, name="cover"),
    path("<int:district_id>/receive/", overseers.receive, name="receive"),
    path("to-do/uncovered/", overseers.uncovered_here, name="uncovered_here"),
    path("<int:district_id>/hand-over/<int:assignment_id>/cancel/", overseers.cancel, name="cancel_hand_over"),
]

mine: list[URLPattern | URLResolver] = [
    path("", portal.district, name="portal_district"),
    path("card/<str:account_no>/", cards.portal_card, name="portal_card"),
    path("questions/<int:asked_id>/rate/", portal.rate, name="portal_rate"),
    path("notices/choose/", portal.choose_notices, name="portal_choose_notices"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("grid/", include(console)),
    path("console/districts/", include(overseen)),
    path("console/accounts/<str:account_no>/district/", cards.account_card, name="account_card"),
    path("console/accounts/<str:account_no>/district/paper/", cards.card_on_paper, name="card_on_paper"),
    path("my/district/", include(mine)),
    path("portraits/<str:digest>/", cards.portrait, name="portrait"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    **{f"grid_service:{entry.name}": "a customer's own" for entry in mine if isinstance(entry, URLPattern)},
    "grid_service:portrait": "on the card that customers and staff see; its address is the digest of the picture",
}
