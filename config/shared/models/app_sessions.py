"""Where customers are signed in with an app or a mini program: by a token of which only the digest is kept."""

from __future__ import annotations

from django.db import models

from config.shared.models.identity import User
from config.shared.personal_data import EncryptedTextField


class AppSession(models.Model):
    """
    One sign-in of one app; without a user as long as nobody has proved a telephone.

    `app_id`, `openid` and `unionid` say who is there to WeChat, empty where the app knows no WeChat. When a session
    ends, its digest and these go: nothing of it can be used again.
    """

    digest = models.BinaryField(max_length=32, unique=True, null=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="+")
    app_id = models.CharField(max_length=64, blank=True)
    openid = EncryptedTextField(blank=True)
    unionid = EncryptedTextField(blank=True)
    device = models.CharField(max_length=100, blank=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "shared_app_session"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ended_at=None, digest__isnull=False)
                | models.Q(ended_at__isnull=False, digest=None, app_id=""),
                name="app_session_open_or_ended",
            ),
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("began_at")), name="app_session_expires"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(app_id="") | models.Q(ended_at__isnull=False),
                name="app_session_is_somebodys",
            ),
        )
        indexes = (
            models.Index(fields=["user", "-began_at"], name="app_sessions_of_user"),
            models.Index(fields=["expires_at"], name="app_sessions_by_end"),
        )

    def __str__(self) -> str:
        return f"{self.pk} of {self.user_id}"
