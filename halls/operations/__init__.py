"""What is done in halls: take a ticket, call it, serve it, rate it; open and close counters."""

from halls.operations.calling import (
    AlreadyServing,
    CalledTicket,
    NobodyWaits,
    NotAtCounter,
    NothingCalled,
    call_next,
    finish,
    miss,
    recall,
    start_serving,
    transfer,
)
from halls.operations.counters import close_counter, close_counter_of, open_counter, pause_counter
from halls.operations.night import EndedDay, end_day
from halls.operations.notes import add_note, remove_note
from halls.operations.ratings import rate
from halls.operations.tickets import (
    AlreadyWaiting,
    HallClosed,
    NotDoneHere,
    TakenTicket,
    cancel_ticket,
    return_missed,
    take_ticket,
)

__all__ = [
    "AlreadyServing",
    "AlreadyWaiting",
    "CalledTicket",
    "EndedDay",
    "HallClosed",
    "NobodyWaits",
    "NotAtCounter",
    "NotDoneHere",
    "NothingCalled",
    "TakenTicket",
    "add_note",
    "call_next",
    "cancel_ticket",
    "close_counter",
    "close_counter_of",
    "end_day",
    "finish",
    "miss",
    "open_counter",
    "pause_counter",
    "rate",
    "recall",
    "remove_note",
    "return_missed",
    "start_serving",
    "take_ticket",
    "transfer",
]
