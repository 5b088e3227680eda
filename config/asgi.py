"""The ASGI application that the websocket server loads: live screens, and nothing that a page could be read from."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config.shared.live.server import LiveServer  # noqa: E402 (the apps register their topics first)

application = LiveServer()
