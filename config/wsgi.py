"""The WSGI application that web servers load."""

import os
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

from config.client_certificates import without_forged_certificates

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application: Any = get_wsgi_application()
if settings.TRUSTED_PROXIES:
    # Log-in limits and throttles count by address, which must be the client's, not the proxy's.
    application = wrap_wsgi_with_proxy_headers(application, trusted_hosts=settings.TRUSTED_PROXIES)
# Outermost: it must see who really speaks, before the address becomes the client's.
application = without_forged_certificates(application, settings.TRUSTED_PROXIES)
