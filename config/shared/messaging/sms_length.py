"""
How many messages a text is billed and sent as.

Chinese providers count every character as one, the signature in its brackets included: 70 in a single message; longer
texts are cut into parts of 67 (Aliyun, rules of sending, "短信长度计算规则").
"""

from __future__ import annotations

SINGLE = 70
PART = 67
LONGEST = 500
"""characters a template's text may have at most once its parameters are filled in"""


def signed(sign_name: str, text: str) -> str:
    """The text as it arrives: the signature before it in brackets."""
    return f"【{sign_name}】{text}"


def parts(text: str) -> int:
    """How many parts a whole text, with its signature, is sent in."""
    return 1 if len(text) <= SINGLE else -(-len(text) // PART)
