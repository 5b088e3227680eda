"""Importing this makes Django ready; processes that call the application import it before anything of it."""

import django

django.setup()
