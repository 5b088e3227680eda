"""Money coming in: payments, receipts, channels."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Payments of any customer at any hall."""

    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "收费"

    def ready(self) -> None:
        """Import what registers itself."""
        from payments import handlers, messages, permissions  # noqa: F401
