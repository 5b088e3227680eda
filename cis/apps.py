"""Customer information: the base that every other app stands on."""

from django.apps import AppConfig


class CisConfig(AppConfig):
    """Customers, network, metering, tariffs, billing, ledger."""

    name = "cis"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "客户信息"

    def ready(self) -> None:
        """Import what registers itself: event handlers, job workers, permissions, templates of messages."""
        from cis import handlers, messages, permissions, workers  # noqa: F401
