"""Customer relations: profiles and tags, tiers, satisfaction, key accounts."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    """Profiles, tiers, key accounts and satisfaction; reads cis and payments."""

    name = "crm"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "客户关系"

    def ready(self) -> None:
        """Import what registers itself."""
        from crm import handlers, messages, permissions, workers  # noqa: F401
