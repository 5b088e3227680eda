"""Structured logs: one JSON object a line, with the request or job it belongs to and no personal data."""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

from config.shared.personal_data import mask_numbers_in

request_id: ContextVar[str] = ContextVar("request_id", default="")
job_id: ContextVar[int] = ContextVar("job_id", default=0)

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON; `extra` values stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        if job_id.get():
            line["job_id"] = job_id.get()
        line.update({key: value for key, value in record.__dict__.items() if key not in _STANDARD})
        if record.exc_info:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        # The last net: whatever a library or a fault put into a line, no telephone and no identity number leaves in it.
        return mask_numbers_in(json.dumps(line, ensure_ascii=False, default=str))
