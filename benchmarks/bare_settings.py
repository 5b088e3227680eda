"""The house's settings with nothing but one bare view: what pages are compared with."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare_site"
# What the sign-in library refuses to start without; it does nothing here.
MIDDLEWARE = ["allauth.account.middleware.AccountMiddleware"]
