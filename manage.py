#!/usr/bin/env python
"""Django's command line. Beside a running `make run` it uses the same database and secrets."""

import os
import sys

from django.core.management import execute_from_command_line

from config.embedded import checks  # noqa: F401 - registers the deployment check
from config.embedded.engines import load_environment

if __name__ == "__main__":
    load_environment()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
