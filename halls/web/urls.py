"""Addresses of halls: the console, the portal, and what stands open in a hall."""

from django.urls import URLPattern, path

from halls.web import circle, desk, guide, kiosk, oversight, portal

app_name = "halls"
urlpatterns: list[URLPattern] = [
    path("console/queue/", desk.queue, name="queue"),
    path("console/queue/bar/", desk.bar, name="bar"),
    path("console/queue/to-do/", desk.to_do, name="to_do"),
    path("console/queue/next/", desk.call, name="next"),
    path("console/queue/again/", desk.recall, name="again"),
    path("console/queue/missed/", desk.miss, name="missed"),
    path("console/queue/start/", desk.start, name="start"),
    path("console/queue/finish/", desk.finish, name="finish"),
    path("console/queue/transfer/", desk.transfer, name="transfer"),
    path("console/queue/open/", desk.open_counter, name="open"),
    path("console/queue/pause/", desk.pause, name="pause"),
    path("console/queue/close/", desk.close, name="close"),
    path("console/queue/tickets/", guide.take, name="guide"),
    path("console/halls/", oversight.hall_list, name="halls"),
    path("console/halls/<str:hall_code>/", oversight.hall, name="hall"),
    path("console/halls/<str:hall_code>/close/", oversight.close_counter, name="close_counter"),
    path("console/halls/<str:hall_code>/display/", oversight.notes, name="notes"),
    path("dsm/circle/", circle.circle, name="circle"),
    path("my/halls/", portal.hall_list, name="portal_halls"),
    path("my/halls/ticket/", portal.my_ticket, name="portal_ticket"),
    path("halls/<str:hall_code>/kiosk/", kiosk.kiosk, name="kiosk"),
    path("halls/<str:hall_code>/screen/", kiosk.wall, name="screen"),
    path("halls/<str:hall_code>/screen/state/", kiosk.wall_state, name="screen_state"),
    path("halls/<str:hall_code>/display/", kiosk.display, name="display"),
    path("halls/tickets/<str:ticket_token>/", kiosk.ticket, name="ticket"),
    path("halls/tickets/<str:ticket_token>/cancel/", kiosk.cancel, name="ticket_cancel"),
    path("halls/tickets/<str:ticket_token>/back/", kiosk.come_back, name="ticket_back"),
    path("halls/tickets/<str:ticket_token>/rate/", kiosk.rate, name="ticket_rate"),
]

# For `tests/architecture`: addresses that need no named permission, and why they do not.
PUBLIC = {
    "halls:kiosk": "stands in the hall; takes a ticket",
    "halls:screen": "hangs on the wall: number and counter",
    "halls:screen_state": "hangs on the wall: number and counter",
    "halls:display": "hangs on the wall: published prices and texts",
    "halls:ticket": "whoever holds the paper knows its secret address",
    "halls:ticket_cancel": "whoever holds the paper knows its secret address",
    "halls:ticket_back": "whoever holds the paper knows its secret address",
    "halls:ticket_rate": "whoever holds the paper knows its secret address",
}
SIGNED_IN_ONLY = {
    "halls:portal_halls": "a customer's own ticket",
    "halls:portal_ticket": "a customer's own ticket",
}
