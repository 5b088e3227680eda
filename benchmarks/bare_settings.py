"""The house's settings with nothing but one bare view: what pages are compared with."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.bare_site"
MIDDLEWARE: list[str] = []
