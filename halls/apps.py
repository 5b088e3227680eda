"""Smart service halls: counters, tickets, screens, ratings, payment circles."""

from django.apps import AppConfig


class HallsConfig(AppConfig):
    """Halls, tickets, screens and payment circles."""

    name = "halls"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "智能营业厅"

    def ready(self) -> None:
        """Import what registers itself."""
        from halls import consumers, permissions  # noqa: F401
