"""Pure: money as whole fen, and the way between fen and the yuan that people read and type."""

from __future__ import annotations

import re
from decimal import Decimal

FEN_PER_YUAN = 100
# The largest amount any single act may carry: 10^11 fen = one thousand million yuan.
MAX_FEN = 10**11

_YUAN = re.compile(r"[+-]?(?:[0-9]{1,18}(?:\.[0-9]{0,2}0*)?|\.[0-9]{1,2}0*)", re.ASCII)


class NotMoney(ValueError):
    """The text is not an amount in yuan with at most two decimals."""


def fen_from_yuan(text: str) -> int:
    """
    Whole fen of an amount typed in yuan, such as "186.40" or "1,204".

    :raises NotMoney: not a number, more than two decimals, or not finite
    """
    plain = text.strip().replace(",", "").replace("\u2009", "").replace("\u2060", "").replace("，", "")
    if not _YUAN.fullmatch(plain):
        raise NotMoney(text)
    return int(Decimal(plain) * FEN_PER_YUAN)


def yuan_from_fen(fen: int) -> str:
    """Yuan with two decimals, such as "186.40"; the inverse of `fen_from_yuan`."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{yuan}.{rest:02d}"
