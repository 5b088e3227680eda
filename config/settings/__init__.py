"""The settings of the environment named by DAYINGXIAO_ENV: production unless it says otherwise."""

import os

from django.core.exceptions import ImproperlyConfigured

_environment = os.environ.get("DAYINGXIAO_ENV", "production")

if _environment == "production":
    from config.settings.production import *
elif _environment == "development":
    from config.settings.base import *
elif _environment == "test":
    from config.settings.test import *
elif _environment == "offline":
    from config.settings.offline import *
else:
    raise ImproperlyConfigured(f"DAYINGXIAO_ENV={_environment}: write production, development, test or offline.")
