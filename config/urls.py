"""Every address of the house; composition only."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from config.shared.web.pages import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", health, name="health"),
    path("", include("config.shared.web.sign_in")),
    path("console/", include("config.shared.web.operations_pages")),
    path("", include("cis.web.urls")),
    path("api/v1/", include("config.shared.api.urls")),
    path("api/v1/", include("cis.api.v1.urls")),
]
if find_spec("payments.web.urls"):
    urlpatterns.append(path("", include("payments.web.urls")))
if find_spec("payments.api.v1") and find_spec("payments.api.v1.urls"):
    urlpatterns.append(path("api/v1/", include("payments.api.v1.urls")))

handler400 = "config.shared.web.failures.bad_request"
handler403 = "config.shared.web.failures.forbidden"
handler404 = "config.shared.web.failures.not_found"
handler500 = "config.shared.web.failures.server_error"
