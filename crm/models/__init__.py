"""The tables of customer relations, by topic."""

from crm.models.contacts import ProposedContact
from crm.models.emergencies import Emergency, EmergencyAlarm, EmergencyProof
from crm.models.key_accounts import EmergencyPlan, KeyAccount, ManagerAssignment
from crm.models.price_effects import PriceEffect
from crm.models.profiles import AccountTag, Profile, ProfileRun, TagObjection
from crm.models.satisfaction import Rating
from crm.models.tiers import AccountTier, TierChange, TierOverride, TierRun

__all__ = [
    "AccountTag",
    "AccountTier",
    "Emergency",
    "EmergencyAlarm",
    "EmergencyPlan",
    "EmergencyProof",
    "KeyAccount",
    "ManagerAssignment",
    "PriceEffect",
    "Profile",
    "ProfileRun",
    "ProposedContact",
    "Rating",
    "TagObjection",
    "TierChange",
    "TierOverride",
    "TierRun",
]
