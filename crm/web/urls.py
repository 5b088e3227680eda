"""Addresses of this app's pages: beside the customer, in the analysis console, in the portal."""

from django.urls import URLPattern, URLResolver, include, path

from crm.web import profiles, tiers

app_name = "crm"

console: list[URLPattern | URLResolver] = [
    path("accounts/<str:account_no>/profile/", profiles.account_profile, name="account_profile"),
    path("accounts/<str:account_no>/profile/objection/", profiles.object_to_tag, name="object_to_tag"),
    path(
        "accounts/<str:account_no>/profile/objections/<int:objection_id>/",
        profiles.answer_objection,
        name="answer_objection",
    ),
    path("accounts/<str:account_no>/tier/", tiers.account_tier, name="account_tier"),
    path("accounts/<str:account_no>/tier/<int:override_id>/end/", tiers.end_override, name="end_override"),
]

figures: list[URLPattern | URLResolver] = [
    path("customers/", tiers.segment_list, name="segments"),
    path("tiers/", tiers.preview, name="tiers"),
    path("tiers/apply/", tiers.apply, name="apply_tiers"),
]

customers: list[URLPattern | URLResolver] = [
    path("profile/", profiles.my_profile, name="portal_profile"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("console/", include(console)),
    path("dsm/", include(figures)),
    path("my/", include(customers)),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {"crm:portal_profile": "a customer's own accounts"}
