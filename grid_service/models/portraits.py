"""Photos of the people who serve districts, for their cards."""

from __future__ import annotations

from django.db import models

FOLDER = "portraits"
DIGEST_LENGTH = 64


class Portrait(models.Model):
    """
    The photo that somebody put on their own card, kept as the file `key`.

    It is shown by its owner's consent and as long as they wish (个人信息保护法, articles 13 and 15): taken back, the
    row and the file go, and no history is kept. It belongs to the person, as the telephone belongs to the post.
    """

    user = models.OneToOneField("shared.User", models.CASCADE, primary_key=True, related_name="+")
    key = models.CharField(max_length=100)
    kept_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_portrait"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(key__regex=rf"^{FOLDER}/[0-9a-f]{{2}}/[0-9a-f]{{{DIGEST_LENGTH}}}$"),
                name="portrait_is_named_by_its_digest",
            ),
        )
        indexes = (models.Index(fields=["key"], name="portrait_by_key"),)

    def __str__(self) -> str:
        return f"{self.user_id}"
