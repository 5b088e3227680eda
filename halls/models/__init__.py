"""Tables of halls: rooms and counters, tickets and ratings, pay points, what screens show."""

from halls.models.display import DisplayNote
from halls.models.halls import Counter, CounterDuty, Hall, HallQueue, Zone
from halls.models.pay_points import PayPoint
from halls.models.tickets import Rating, Ticket, TicketEvent, TicketSeries

__all__ = [
    "Counter",
    "CounterDuty",
    "DisplayNote",
    "Hall",
    "HallQueue",
    "PayPoint",
    "Rating",
    "Ticket",
    "TicketEvent",
    "TicketSeries",
    "Zone",
]
