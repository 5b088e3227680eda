"""Grid service: districts, their managers, notices, questions from the field."""

from django.apps import AppConfig


class GridServiceConfig(AppConfig):
    """Districts, their managers, notices and questions."""

    name = "grid_service"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "网格服务"

    def ready(self) -> None:
        """Import what registers itself."""
        from grid_service import handlers, messages, permissions  # noqa: F401
