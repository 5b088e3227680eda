"""What tests change. Keys are fixed and public: nothing real is ever encrypted with them."""

import os

# Type checkers and `makemigrations --check` load these settings without any server.
os.environ.setdefault("DATABASE_URL", "postgresql://dayingxiao_app@127.0.0.1:1/dayingxiao")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")

from config.settings import base
from config.settings.base import *

SECRET_KEY = "test-" * 12
MEDIA_ROOT = base.VAR_DIR / "test-files"
PERSONAL_DATA_KEYS = ["dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdCE="]
BLIND_INDEX_KEY = "dGVzdC1pbmRleC10ZXN0LWluZGV4LXRlc3QtaW5kZXg="
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Finds queries that a loop repeats, and fails the test that made them.
INSTALLED_APPS = [*base.INSTALLED_APPS, "zeal"]
MIDDLEWARE = ["zeal.middleware.zeal_middleware", *base.MIDDLEWARE]
ZEAL_RAISE = True

# A suite sends more requests in a minute than any person; throttling has its own tests.
REST_FRAMEWORK = {**base.REST_FRAMEWORK, "DEFAULT_THROTTLE_CLASSES": []}

# A suite runs at any hour, and what it sends must not wait for the morning; quiet hours have their own tests.
MESSAGE_QUIET_HOURS = ("00:00", "00:00")
