"""Pure: money as whole fen, and the way between fen and the yuan that people read and type."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

FEN_PER_YUAN = 100
# The largest amount any single act may carry: 10^11 fen = one thousand million yuan.
MAX_FEN = 10**11


class NotMoney(ValueError):
    """The text is not an amount in yuan with at most two decimals."""


def fen_from_yuan(text: str) -> int:
    """
    Whole fen of an amount typed in yuan, such as "186.40" or "1,204".

    :raises NotMoney: not a number, more than two decimals, or not finite
    """
    try:
        amount = Decimal(text.strip().replace(",", "").replace("\u2009", "").replace("，", ""))
    except InvalidOperation as error:
        raise NotMoney(text) from error
    if not amount.is_finite():
        raise NotMoney(text)
    fen = amount * FEN_PER_YUAN
    if fen != fen.to_integral_value():
        raise NotMoney(text)
    return int(fen)


def yuan_from_fen(fen: int) -> str:
    """Yuan with two decimals, such as "186.40"; the inverse of `fen_from_yuan`."""
    sign = "-" if fen < 0 else ""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{sign}{yuan}.{rest:02d}"
