"""Pure: which tier an account belongs to by its capacity, its energy and whose transformer it is."""

from crm.tiering.rules import DEDICATED, KEY, NORMAL, TIERS, VIP, Limits, Ruled, rule_tiers

__all__ = ["DEDICATED", "KEY", "NORMAL", "TIERS", "VIP", "Limits", "Ruled", "rule_tiers"]
