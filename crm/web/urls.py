"""Addresses of this app's pages: beside the customer, in the analysis console, in the portal."""

from django.urls import URLPattern, URLResolver, include, path

from crm.web import emergencies, key_accounts, price_effects, profiles, proposals, tiers

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
    path("accounts/<str:account_no>/key-account/", emergencies.account_key, name="account_key"),
    path("accounts/<str:account_no>/manager/", key_accounts.assign, name="assign_manager"),
    path("accounts/<str:account_no>/emergency/", emergencies.take, name="take_emergency"),
    path("accounts/<str:account_no>/plan/", key_accounts.plan, name="plan"),
    path("accounts/<str:account_no>/plan/edit/", key_accounts.plan_edit, name="plan_edit"),
    path("accounts/<str:account_no>/plan/plan.pdf", key_accounts.plan_pdf, name="plan_pdf"),
    path("key-accounts/", key_accounts.key_account_list, name="key_accounts"),
    path("key-accounts/prices/", price_effects.price_effect_list, name="price_effects"),
    path("emergencies/", emergencies.emergency_list, name="emergencies"),
    path("emergencies/<int:emergency_id>/", emergencies.emergency, name="emergency"),
    path("emergencies/<int:emergency_id>/reply/", emergencies.reply, name="emergency_reply"),
    path("emergencies/<int:emergency_id>/arrival/", emergencies.arrive, name="emergency_arrive"),
    path("emergencies/<int:emergency_id>/close/", emergencies.close, name="emergency_close"),
    path("to-do/emergencies/", emergencies.to_do, name="open_emergencies"),
]

figures: list[URLPattern | URLResolver] = [
    path("customers/", tiers.segment_list, name="segments"),
    path("tiers/", tiers.preview, name="tiers"),
    path("proposals/", proposals.proposal_list, name="proposals"),
    path("proposals/<int:proposal_id>/", proposals.proposal, name="proposal"),
    path("satisfaction/", proposals.satisfaction_page, name="satisfaction"),
    path("tiers/apply/", tiers.apply, name="apply_tiers"),
]

customers: list[URLPattern | URLResolver] = [
    path("profile/", profiles.my_profile, name="portal_profile"),
    path("emergency/", emergencies.my_emergency, name="portal_emergency"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("console/", include(console)),
    path("dsm/", include(figures)),
    path("my/", include(customers)),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
SIGNED_IN_ONLY = {
    "crm:portal_profile": "a customer's own accounts",
    "crm:portal_emergency": "a customer's own accounts",
}
