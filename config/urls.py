"""Every address of the house; composition only."""

from django.conf import settings
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
    path("", include("config.shared.web.notice_stop_pages")),
    path("console/", include("config.shared.web.people_pages")),
    path("console/", include("config.shared.web.client_pages")),
    path("", include("config.shared.web.provider_reports")),
    *(path("", include(f"{app}.web.urls")) for app in settings.HOUSE_APPS),
    path("api/v1/", include("config.shared.api.urls")),
    *(path("api/v1/", include(f"{app}.api.v1.urls")) for app in settings.HOUSE_APPS),
]

handler400 = "config.shared.web.failures.bad_request"
handler403 = "config.shared.web.failures.forbidden"
handler404 = "config.shared.web.failures.not_found"
handler500 = "config.shared.web.failures.server_error"

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {"health": "probes; says only whether the database answers"}
