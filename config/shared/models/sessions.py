"""Where members of staff are signed in, and where they were until when."""

from __future__ import annotations

from django.db import models

from config.shared.models.identity import User


class StaffSession(models.Model):
    """
    One sign-in of one member of staff on one device; kept after its end, so that one can see where one was.

    `session_key` leads to Django's session and goes when it ends: a dead key is of no use to anybody.
    """

    class End(models.TextChoices):
        """Why a session is over."""

        SIGNED_OUT = "signed-out", "自己退出"
        IDLE = "idle", "长时间没有操作"
        TOO_OLD = "too-old", "超过最长时间"
        TOO_MANY = "too-many", "同时登录过多"
        ENDED_ELSEWHERE = "ended-elsewhere", "在别处退出"
        ENDED_BY_ADMINISTRATOR = "ended-by-administrator", "管理员退出"
        PASSWORD_CHANGED = "password-changed", "密码已更换"
        DISABLED = "disabled", "账号已停用"

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True, null=True)
    device = models.CharField(max_length=100, blank=True)
    address = models.GenericIPAddressField(null=True)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=32, choices=End.choices, blank=True)
    ended_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "shared_staff_session"
        indexes = (
            models.Index(fields=["user", "-began_at"], name="staff_session_of"),
            models.Index(fields=["ended_at"], name="staff_session_ended"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ended_at=None, end="") | models.Q(ended_at__isnull=False, session_key=None),
                name="staff_session_open_or_ended",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} of {self.user_id}"
