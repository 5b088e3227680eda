"""
Pure: what follows a bill that is not paid by its due date. No Django, no clock, no input or output.

Late fees (`late_fees`, and `late_fee_bill` for one document), where a payment goes (`allocation`), and the procedure
from a missed due date to the stop of supply and back (`disconnection`). Money in fen, days
as whole days since 1970-01-01 in columns and as `date` in the plain forms, rates in parts per million a day.
"""
