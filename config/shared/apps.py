"""The floor of the house: what every app stands on."""

from django.apps import AppConfig


class SharedConfig(AppConfig):
    """Registers the shared app; handlers and job workers of the floor itself are imported when apps are ready."""

    name = "config.shared"
    label = "shared"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "公共基础"

    def ready(self) -> None:
        """Import what registers itself."""
        from config.shared import handlers  # noqa: F401
