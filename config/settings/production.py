"""What production adds: no start without its secrets, HTTPS, collected static files."""

import os

from django.core.exceptions import ImproperlyConfigured

from config.settings import base
from config.settings.base import *

_required = (
    "SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "PERSONAL_DATA_KEYS",
    "BLIND_INDEX_KEY",
    "ALLOWED_HOSTS",
)
# base gives ALLOWED_HOSTS a default that is right for development only.
_given = {name: getattr(base, name) for name in _required} | {"ALLOWED_HOSTS": base._listed("ALLOWED_HOSTS")}
_missing = [name for name in _required if not _given[name]]
if _missing:
    raise ImproperlyConfigured(
        f"Production needs these environment variables: {', '.join(_missing)}. "
        "(Set DAYINGXIAO_ENV=development on a developer's machine, or use `make run`.)"
    )

if base.SIMULATORS:
    raise ImproperlyConfigured("These settings are production's: start with DAYINGXIAO_ENV=production or without it.")

DEBUG = False
# The health check asks from inside the machine.
ALLOWED_HOSTS = [*base.ALLOWED_HOSTS, "localhost"]

# Off only where nothing in front of us speaks HTTPS, such as a trial on one machine.
HTTPS = base._is_on("HTTPS", default=True)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS

# Whoever gives others their roles, approves that, or sets prices needs more than a password; an empty text asks nobody.
if "STAFF_MFA_REQUIRED_PERMISSIONS" not in os.environ:
    STAFF_MFA_REQUIRED_PERMISSIONS = ["shared.manage_users", "shared.approve_role_changes", "cis.edit_tariffs"]

STORAGES = {
    **base.STORAGES,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = False
