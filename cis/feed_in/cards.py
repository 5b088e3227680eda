"""Pure: numbers of bank cards."""

__all__ = ["is_card_no", "masked"]


def is_card_no(text: str) -> bool:
    """Return whether it is 16 to 19 digits with the right check digit (ISO/IEC 7812-1)."""
    if not (text.isascii() and text.isdecimal() and 16 <= len(text) <= 19):
        return False
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def masked(last4: str) -> str:
    """Return how a card is shown: its last four digits."""
    return f"•••• {last4}" if last4 else ""
