#!/usr/bin/env python
"""Django's command line. Beside a running `make run` it uses the same database and secrets."""

import os
import sys

from django.core.management import execute_from_command_line

from config.embedded import checks  # noqa: F401 - registers the deployment check
from config.embedded.engines import load_environment

# Commands that compute and touch no database run on a bare checkout too, before anything was configured.
OFFLINE = ("rate",)

if __name__ == "__main__":
    load_environment()
    if sys.argv[1:2] and sys.argv[1] in OFFLINE and "DATABASE_URL" not in os.environ:
        os.environ.setdefault("DAYINGXIAO_ENV", "offline")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
