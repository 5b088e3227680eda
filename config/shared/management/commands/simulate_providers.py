"""
`manage.py simulate_providers`: the simulated SMS provider, mail server and collection system, until stopped.

And whatever SIMULATED_PROVIDERS names: callables of other apps that give something to start and stop, or None.
"""

from __future__ import annotations

import signal
import threading
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.module_loading import import_string

from config.shared.messaging.simulated import agreed


class Command(BaseCommand):
    """Plays the providers for demonstrations and tests; what our settings say is what was agreed with them."""

    help = "Run the simulated providers (SMS and meter data collection over HTTP, e-mail over SMTP) on this machine."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where our own web server listens."""
        parser.add_argument(
            "--house", required=True, help="address of the web server, for reports: http://127.0.0.1:8000"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Serve until SIGTERM or SIGINT."""
        if not settings.SIMULATORS or not settings.SIMULATORS_URL:
            raise CommandError("Simulators run in development only; SIMULATORS_URL says where they listen.")
        simulators = agreed(
            port=urlsplit(settings.SIMULATORS_URL).port or 0, mail_port=settings.EMAIL_PORT, house=options["house"]
        )
        others = [one for path in settings.SIMULATED_PROVIDERS if (one := import_string(path)(at=timezone.now()))]
        simulators.start()
        for one in others:
            one.start()
        self.stdout.write(
            f"SMS {simulators.url}/sms/, meters {simulators.url}/collection/, mail 127.0.0.1:{simulators.mail_port}"
        )
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_ignored: stopped.set())
        stopped.wait()
        for one in (simulators, *others):
            one.stop()
