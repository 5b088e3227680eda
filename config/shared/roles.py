"""The roles every utility starts with, as permission words; further roles and changes are data."""

from __future__ import annotations

from dataclasses import dataclass

from config.shared.models import Role

# What a counter does for a customer of any area.
_SERVE = (
    "cis.view_customer",
    "cis.edit_customer",
    "cis.issue_bill",
    "cis.preview_rating",
    "cis.dispute_bill",
    "cis.take_reading",
    "cis.bind_portal",
    "cis.answer_contact",
    "cis.control_fees",
    "payments.take_payment",
    "payments.reverse_payment",
    "payments.ask_refund",
    "payments.view_payments",
    "shared.use_approvals",
    "crm.view_profile",
    "crm.note_objection",
    "crm.take_emergency",
    "halls.call_tickets",
)
# What whoever looks after key accounts sees of them.
_KEY_ACCOUNTS = ("crm.view_profile", "crm.see_sensitive_tags", "crm.list_segments", "crm.view_key_accounts")
_READ_AND_AUDIT = (
    "cis.view_customer",
    "cis.take_reading",
    "cis.import_readings",
    "cis.resolve_readings",
    "cis.see_limits",
    "cis.see_switches",
    "cis.export_data",
)


@dataclass(frozen=True)
class RoleSpec:
    """A role to start with; who holds none may see no customer and no figure."""

    code: str
    name: str
    name_en: str
    permissions: tuple[str, ...]


# One role a persona. Nobody who asks for an act of two persons holds the word that decides on it alone: the mechanism
# refuses one's own request, and the roles keep asking and deciding apart where a hall has people enough.
ROLES: tuple[RoleSpec, ...] = (
    RoleSpec("clerk", "柜员", "Counter clerk", _SERVE),
    RoleSpec(
        "agent",
        "95598 坐席",
        "95598 agent",
        (
            "cis.preview_rating",
            "cis.view_customer",
            "cis.dispute_bill",
            "cis.answer_contact",
            "crm.view_profile",
            "crm.note_objection",
            "crm.take_emergency",
            "crm.view_key_accounts",
        ),
    ),
    RoleSpec(
        "hall-manager",
        "营业厅主任",
        "Hall manager",
        (
            *_SERVE,
            "cis.see_personal_data",
            "cis.agree_advances",
            "cis.export_data",
            "payments.oversee_takings",
            "shared.see_cockpit",
            "payments.approve_refund",
            "payments.approve_reversal",
            "shared.see_messages",
            "shared.resend_messages",
            "crm.answer_objection",
            "crm.work_proposals",
            "crm.see_satisfaction",
            "crm.view_key_accounts",
            "halls.oversee",
            "halls.close_counters",
            "halls.edit_display",
            "halls.see_circle",
        ),
    ),
    RoleSpec(
        "district-manager",
        "片区经理",
        "District manager",
        (
            "cis.view_customer",
            "cis.take_reading",
            "cis.dispute_bill",
            "payments.view_payments",
            "crm.view_profile",
            "grid_service.work_district",
            "grid_service.see_care",
        ),
    ),
    RoleSpec(
        "district-supervisor",
        "片区主管",
        "District supervisor",
        (
            "cis.view_customer",
            "payments.view_payments",
            "cis.collect_arrears",
            "cis.control_fees",
            "grid_service.oversee_districts",
            "grid_service.hand_over",
            "shared.see_cockpit",
            "shared.use_approvals",
        ),
    ),
    RoleSpec(
        "key-account-manager",
        "大客户经理",
        "Key-account manager",
        (
            "cis.preview_rating",
            "cis.view_customer",
            "cis.dispute_bill",
            "cis.collect_arrears",
            "cis.agree_advances",
            "cis.control_fees",
            "cis.see_market",
            "cis.edit_agreements",
            "cis.answer_settlements",
            "cis.export_data",
            "cis.see_statistics",
            "payments.view_payments",
            "shared.see_cockpit",
            "shared.use_approvals",
            *_KEY_ACCOUNTS,
            "dsm.view_load",
            "crm.note_objection",
            "crm.answer_objection",
            "crm.work_proposals",
            "crm.see_satisfaction",
            "crm.edit_emergency_plan",
            "crm.take_emergency",
            "crm.work_emergency",
            "dsm.view_plans",
            "dsm.note_receipt",
        ),
    ),
    RoleSpec(
        "dispatcher",
        "需求侧调度员",
        "DSM dispatcher",
        (
            "cis.view_customer",
            "cis.export_data",
            "cis.plan_outages",
            "dsm.view_load",
            "dsm.make_forecast",
            "shared.see_cockpit",
            "dsm.view_plans",
            "dsm.plan_shortage",
            "dsm.note_receipt",
        ),
    ),
    RoleSpec(
        "reading-auditor",
        "抄核员",
        "Reading auditor",
        (*_READ_AND_AUDIT, "cis.see_market", "cis.answer_settlements"),
    ),
    RoleSpec(
        "accountant",
        "电费会计",
        "Billing accountant",
        (
            "cis.preview_rating",
            *_READ_AND_AUDIT,
            "cis.run_billing",
            "cis.issue_bill",
            "cis.dispute_bill",
            "cis.correct_bills",
            "cis.approve_corrections",
            "cis.close_day",
            "cis.see_market",
            "cis.edit_agreements",
            "cis.work_settlements",
            "cis.answer_settlements",
            "cis.work_feed_in",
            "cis.change_contract",
            "cis.collect_arrears",
            "cis.agree_advances",
            "cis.control_fees",
            "cis.see_statistics",
            "cis.try_tariffs",
            "shared.see_cockpit",
            "shared.watch_notices",
            "payments.view_payments",
            "payments.approve_refund",
            "payments.approve_reversal",
            "shared.see_jobs",
            "shared.use_approvals",
        ),
    ),
    RoleSpec(
        "leader",
        "分管领导",
        "Leader",
        (
            "cis.view_customer",
            "cis.plan_outages",
            "cis.approve_outages",
            "cis.approve_disconnection",
            "cis.approve_corrections",
            "cis.approve_debt_relief",
            "cis.approve_prices",
            "cis.approve_payouts",
            "cis.see_market",
            "cis.export_data",
            "cis.see_statistics",
            "cis.try_tariffs",
            "dsm.view_load",
            "shared.see_cockpit",
            "payments.view_payments",
            "grid_service.oversee_districts",
            "shared.use_approvals",
            "shared.approve_role_changes",
            "shared.watch_notices",
            "shared.release_notices",
            "shared.see_audit",
            *_KEY_ACCOUNTS,
            "crm.see_satisfaction",
            "crm.apply_tiers",
            "crm.override_tier",
            "crm.assign_managers",
            "crm.hear_escalations",
            "halls.oversee",
            "halls.see_circle",
            "dsm.view_plans",
            "dsm.decide_shortage",
        ),
    ),
    RoleSpec(
        "administrator",
        "系统管理员",
        "Administrator",
        (
            "cis.preview_rating",
            "shared.see_jobs",
            "shared.manage_jobs",
            "shared.see_messages",
            "shared.resend_messages",
            "shared.watch_notices",
            "shared.see_audit",
            "shared.manage_users",
            "shared.use_approvals",
            "cis.edit_tariffs",
            "cis.see_market",
            "cis.see_limits",
            "cis.edit_limits",
            "cis.see_switches",
            "cis.edit_switches",
            "cis.try_tariffs",
            "cis.view_customer",
        ),
    ),
    RoleSpec(
        "it-operator",
        "运维人员",
        "IT operator",
        ("shared.see_jobs", "shared.manage_jobs", "shared.see_messages", "shared.resend_messages"),
    ),
    RoleSpec(
        "audit-officer",
        "安全审计员",
        "Audit officer",
        ("shared.see_audit", "shared.use_approvals", "shared.approve_role_changes"),
    ),
    RoleSpec(
        "bank-integrator",
        "银行代收接口",
        "Bank integrator",
        ("payments.take_payment", "payments.view_payments", "payments.reverse_payment"),
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
