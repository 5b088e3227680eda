"""Every address of the house; composition only."""

from django.urls import URLPattern, URLResolver, include, path

from config.shared.web.pages import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health, name="health"),
    path("", include("config.shared.web.sign_in")),
    path("", include("config.shared.web.single_sign_on")),
    path("", include("config.shared.web.appearance")),
    path("", include("config.shared.web.design_page")),
    path("", include("config.shared.web.account_pages")),
    path("", include("config.shared.web.consoles")),
    path("", include("config.shared.web.cockpit")),
    path("", include("config.shared.web.working_place")),
    path("", include("config.shared.web.drafts")),
    path("", include("config.shared.web.table_choices")),
    path("console/", include("config.shared.web.operations_pages")),
    path("console/", include("config.shared.web.approval_pages")),
    path("", include("config.shared.web.message_pages")),
    path("console/", include("config.shared.web.people_pages")),
    path("console/", include("config.shared.web.client_pages")),
    path("", include("config.shared.web.provider_reports")),
    path("", include("cis.web.urls")),
    path("", include("payments.web.urls")),
    path("", include("crm.web.urls")),
    path("", include("dsm.web.urls")),
    path("", include("halls.web.urls")),
    path("", include("grid_service.web.urls")),
    path("api/v1/", include("config.shared.api.urls")),
    path("api/v1/", include("cis.api.v1.urls")),
    path("api/v1/", include("payments.api.v1.urls")),
    path("api/v1/", include("crm.api.v1.urls")),
    path("api/v1/", include("dsm.api.v1.urls")),
    path("api/v1/", include("halls.api.v1.urls")),
    path("api/v1/", include("grid_service.api.v1.urls")),
]

handler400 = "config.shared.web.failures.bad_request"
handler403 = "config.shared.web.failures.forbidden"
handler404 = "config.shared.web.failures.not_found"
handler500 = "config.shared.web.failures.server_error"

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {"health": "probes; says only whether the database answers"}
