"""What grid service does when something happened below."""

from __future__ import annotations

import logging

from django.utils import timezone

from cis.events import ContactAnswered, OutageAnnounced, OutageChanged
from config.shared.events import handles
from grid_service.operations import notices, questions

log = logging.getLogger(__name__)


@handles(OutageAnnounced)
def tell_of_announced_outage(event: OutageAnnounced) -> None:
    """Tell exactly the customers whom the interruption concerns; repeated, the same version is told once."""
    told = notices.tell_of_outage(outage_id=event.outage_id, version=event.version, what="announced", at=timezone.now())
    log.info("outage told", extra={"outage": event.outage_id, "version": event.version, "people": told})


@handles(OutageChanged)
def tell_of_changed_outage(event: OutageChanged) -> None:
    """Tell those who know of the interruption, and those whom it concerns now; repeated, once."""
    told = notices.tell_of_outage(
        outage_id=event.outage_id,
        version=event.version,
        what=event.what,
        dropped=event.dropped,
        at=timezone.now(),
    )
    log.info("change of outage told", extra={"outage": event.outage_id, "version": event.version, "people": told})


@handles(ContactAnswered)
def answer_what_was_passed_on(event: ContactAnswered) -> None:
    """A question that went on to 95598 was answered there."""
    questions.take_hotline_answer(contact_id=event.contact_id, at=timezone.now())
