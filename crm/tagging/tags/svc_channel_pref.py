"""Pure: by which way the customer comes to us."""

import numpy as np

from crm.tagging.facts import Facts
from crm.tagging.tag import Limits, Tag, Tagged, Value, where


def decide(facts: Facts, _limits: Limits) -> Tagged:
    """The way used most in twelve months, by contacts and payments; being bound in the portal breaks a tie."""
    online = facts.contacts_portal + facts.paid_online
    hall = facts.contacts_counter + facts.paid_at_hall
    telephone = facts.contacts_telephone
    used = np.stack([online * 2 + (facts.portal_people > 0), hall * 2, telephone * 2])
    return Tagged(
        where(used.max(axis=0) > 0, used.argmax(axis=0).astype("int8")),
        {"online": online, "at_hall": hall, "telephone": telephone},
    )


TAG = Tag(
    code="svc.channel_pref",
    version=1,
    owner="客户服务中心",
    name="常用渠道",
    name_en="Usual channel",
    values=(
        Value("online", "网上", "Online"),
        Value("hall", "营业厅", "Hall"),
        Value("telephone", "电话", "Telephone"),
    ),
    why="十二个月内网上 {online} 次，营业厅 {at_hall} 次，电话 {telephone} 次。",
    why_en="In twelve months {online} times online, {at_hall} at halls, {telephone} by telephone.",
    decide=decide,
)
