"""For commands that only compute (`manage.py rate`): no server is reached and nothing kept, so no secret is needed."""

import os
import secrets

# Django wants both to be named; nothing listens on port 1.
os.environ.setdefault("DATABASE_URL", "postgresql://dayingxiao_app@127.0.0.1:1/dayingxiao")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")

from config.settings.base import *

SECRET_KEY = secrets.token_urlsafe(48)
