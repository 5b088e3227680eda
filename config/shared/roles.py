"""The roles every utility starts with, as permission words; further roles and changes are data."""

from __future__ import annotations

from dataclasses import dataclass

from config.shared.models import Role

_SERVE = (
    "cis.view_customer",
    "cis.edit_customer",
    "cis.issue_bill",
    "cis.dispute_bill",
    "payments.take_payment",
    "payments.reverse_payment",
    "payments.view_payments",
    "shared.use_approvals",
)


@dataclass(frozen=True)
class RoleSpec:
    """A role to start with."""

    code: str
    name: str
    name_en: str
    permissions: tuple[str, ...]


ROLES: tuple[RoleSpec, ...] = (
    RoleSpec("clerk", "柜员", "Counter clerk", _SERVE),
    RoleSpec("agent", "95598 坐席", "95598 agent", ("cis.view_customer", "cis.dispute_bill")),
    RoleSpec("hall-manager", "营业厅主任", "Hall manager", (*_SERVE, "cis.see_personal_data", "cis.export_data")),
    RoleSpec(
        "reading-auditor",
        "抄核员",
        "Reading auditor",
        ("cis.view_customer", "cis.import_readings", "cis.resolve_readings", "cis.export_data"),
    ),
    RoleSpec(
        "accountant",
        "电费会计",
        "Billing accountant",
        (
            "cis.view_customer",
            "cis.run_billing",
            "cis.issue_bill",
            "cis.import_readings",
            "cis.resolve_readings",
            "cis.dispute_bill",
            "cis.close_day",
            "cis.export_data",
            "payments.view_payments",
            "shared.see_jobs",
        ),
    ),
    RoleSpec(
        "administrator",
        "系统管理员",
        "Administrator",
        (
            "shared.see_jobs",
            "shared.manage_jobs",
            "shared.see_audit",
            "shared.manage_users",
            "shared.use_approvals",
            "cis.edit_tariffs",
            "cis.view_customer",
        ),
    ),
    RoleSpec(
        "audit-officer",
        "安全审计员",
        "Audit officer",
        ("shared.see_audit", "shared.use_approvals", "shared.approve_role_changes"),
    ),
    RoleSpec(
        "leader",
        "分管领导",
        "Leader",
        ("cis.view_customer", "shared.use_approvals", "shared.approve_role_changes", "shared.see_audit"),
    ),
    RoleSpec("collection-system", "采集系统接口", "Collection system", ("cis.import_readings",)),
)


def load_roles() -> None:
    """Create the starting roles that are missing; existing ones are the utility's own and stay as they are."""
    for spec in ROLES:
        Role.objects.get_or_create(
            code=spec.code,
            defaults={"name": spec.name, "name_en": spec.name_en, "permissions": list(spec.permissions)},
        )
