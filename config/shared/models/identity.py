"""People who sign in, the organisation they work in, and what their roles let them do where."""

from __future__ import annotations

import pghistory
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.languages import in_language


@pghistory.track()
class OrgUnit(models.Model):
    """
    One node of the organisation: province, city, county, hall, station, district; a tree of any depth.

    `path` holds the ids from the root down, such as `/1/4/9/`, so that "everything below" is one prefix.
    """

    class Kind(models.TextChoices):
        """What a node is; the tree itself sets no order."""

        PROVINCE = "province", "省"
        CITY = "city", "市"
        COUNTY = "county", "区县"
        HALL = "hall", "营业厅"
        STATION = "station", "供电所"
        DISTRICT = "district", "片区"

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    path = models.CharField(max_length=255, unique=True)

    class Meta:
        db_table = "shared_org_unit"
        indexes = (models.Index(fields=["path"], name="org_unit_path_prefix", opclasses=["text_pattern_ops"]),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def shown_name(self) -> str:
        """Its name in the language of the request."""
        return in_language(self.name, self.name_en)


class User(AbstractUser):
    """Somebody who signs in: staff with a place in the organisation, a customer in the portal, or a machine."""

    class Kind(models.TextChoices):
        """Which doors a user comes through."""

        STAFF = "staff", "员工"
        CUSTOMER = "customer", "客户"
        MACHINE = "machine", "接口"

    class Theme(models.TextChoices):
        """Which set of colours they want to see."""

        SYSTEM = "", "跟随系统"
        LIGHT = "light", "浅色"
        DARK = "dark", "深色"

    class TextSize(models.TextChoices):
        """Which set of measures they want to read."""

        NORMAL = "", "标准字"
        ELDER = "elder", "大字"

    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.STAFF)
    display_name = models.CharField(max_length=100, blank=True)
    org_unit = models.ForeignKey(OrgUnit, models.PROTECT, null=True, blank=True, related_name="+")
    language = models.CharField(max_length=10, blank=True)
    # They stand here and not in a table of their own because every page needs them, and the user is read anyway.
    theme = models.CharField(max_length=8, blank=True, choices=Theme.choices, default=Theme.SYSTEM)
    text_size = models.CharField(max_length=8, blank=True, choices=TextSize.choices, default=TextSize.NORMAL)
    must_change_password = models.BooleanField(default=False)
    # Until when a temporary password lets its holder in; empty for a password of one's own.
    password_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "shared_user"
        constraints = (
            models.CheckConstraint(condition=models.Q(theme__in=["", "light", "dark"]), name="theme_is_known"),
            models.CheckConstraint(condition=models.Q(text_size__in=["", "elder"]), name="text_size_is_known"),
        )

    def __str__(self) -> str:
        return self.username


@pghistory.track()
class Role(models.Model):
    """A named set of permissions, such as counter clerk."""

    code = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    permissions = ArrayField(models.CharField(max_length=64), default=list)

    class Meta:
        db_table = "shared_role"

    def __str__(self) -> str:
        return self.code


@pghistory.track()
class RoleGrant(models.Model):
    """A user holds a role for one part of the organisation and everything below it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    role = models.ForeignKey(Role, models.PROTECT, related_name="+")
    org_unit = models.ForeignKey(OrgUnit, models.PROTECT, related_name="+")

    class Meta:
        db_table = "shared_role_grant"
        constraints = (models.UniqueConstraint(fields=["user", "role", "org_unit"], name="role_granted_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id} {self.org_unit_id}"


class ApiKey(models.Model):
    """A key for programs: only its digest is stored; it acts as its user."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "shared_api_key"

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"
