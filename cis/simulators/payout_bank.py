"""
A little bank that pays out: reads a file of orders as strictly as a bank does, and answers every line of it.

It pays a card whose check digit is right and says why it does not pay another; a bank whose name holds 停用 takes no
money. It knows nothing of our database.
"""

from __future__ import annotations

from cis.feed_in import AnswerLine, is_card_no, read_orders, write_answer


def answer(text: str) -> str:
    """
    The answer file to a file of orders.

    :raises BankFileRefused: the file is not one the bank can work off
    """
    batch_no, orders = read_orders(text)
    lines = []
    for order in orders:
        reason = ""
        if not is_card_no(order.card_no):
            reason = "账号有误"
        elif "停用" in order.bank:
            reason = "收款行停用"
        lines.append(AnswerLine(order.seq, order.reference, order.amount_fen, not reason, reason))
    return write_answer(batch_no, lines)
