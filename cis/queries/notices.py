"""What customers were told about their accounts."""

from __future__ import annotations

from cis.queries.customers import account_id_of
from config.shared.messaging import overview


def list_account_messages(*, account_no: str, limit: int) -> list[overview.SentMessage]:
    """
    The newest messages about an account, masked.

    :raises NotFound: there is no such account
    """
    return overview.list_of_account(account_id=account_id_of(account_no), limit=limit)
