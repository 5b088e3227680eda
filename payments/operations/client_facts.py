"""What a connected client may hear of leaves in the transaction in which it happened."""

from __future__ import annotations

from config.shared.events import publish
from payments.events import ClientFact
from payments.models.channels import OWN_CHANNELS


def tell_client(channel: str, kind: str, *, account_id: int, document_id: int) -> None:
    """Publish that something happened to a payment or a day of a channel; `account_id` 0 where there is no customer."""
    if channel not in OWN_CHANNELS:
        publish(ClientFact(account_id=account_id, kind=str(kind), document_id=document_id))
