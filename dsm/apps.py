"""Demand side: load series, forecasts, shortage plans."""

from django.apps import AppConfig


class DsmConfig(AppConfig):
    """Load series, forecasts, shortage plans."""

    name = "dsm"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "需求侧管理"

    def ready(self) -> None:
        """Import what registers itself."""
        from dsm import handlers, messages, permissions, workers  # noqa: F401
