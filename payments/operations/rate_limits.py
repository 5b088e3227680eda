"""Limits for connected clients: the house's token buckets, under the clients' own names."""

from config.shared.rate_limits import Taken, take

__all__ = ["Taken", "take"]
