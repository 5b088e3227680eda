"""What the simulated WeChat Pay looks at before it does anything, and the codes it answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
REFUND_NUMBER = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
MOST_FEN = 10_000_000_00


class Refused(Exception):
    """The request is answered with this status and code, in WeChat Pay's form."""

    def __init__(self, status: int, code: str, message: str, where: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.where = status, code, message, where

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        said: dict[str, Any] = {"code": self.code, "message": self.message}
        return said | ({"detail": {"location": "body", "value": self.where}} if self.where else {})


def wrong(where: str, message: str = "") -> Refused:
    """A field that is missing or cannot be so."""
    return Refused(400, "PARAM_ERROR", message or f"参数错误：{where}", where)


@dataclass(frozen=True)
class Asked:
    """The JSON object of a request, read field by field."""

    fields: Mapping[str, Any]
    at: str = ""

    @classmethod
    def parse(cls, body: str) -> Asked:
        """:raises Refused: no JSON object"""
        try:
            read = json.loads(body)
        except ValueError as error:
            raise Refused(400, "PARAM_ERROR", "请求体不是合法的 JSON") from error
        if not isinstance(read, dict):
            raise Refused(400, "PARAM_ERROR", "请求体不是 JSON 对象")
        return cls(read)

    def text(self, name: str, most: int, *, pattern: re.Pattern[str] | None = None, needed: bool = True) -> str:
        """A text of at most `most` bytes in UTF-8."""
        value = self.fields.get(name, "")
        if value == "" and not needed:
            return ""
        if not isinstance(value, str) or not value or len(value.encode()) > most:
            raise wrong(self.at + name)
        if pattern is not None and not pattern.fullmatch(value):
            raise wrong(self.at + name)
        return value

    def fen(self, name: str) -> int:
        """An amount, integer fen, more than nothing."""
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MOST_FEN:
            raise wrong(self.at + name)
        return value

    def part(self, name: str) -> Asked:
        """An object inside."""
        value = self.fields.get(name)
        if not isinstance(value, dict):
            raise wrong(self.at + name)
        return Asked(value, f"{self.at}{name}.")

    def moment(self, name: str) -> datetime | None:
        """A moment as RFC 3339 with its offset; None where it is not said."""
        if name not in self.fields:
            return None
        try:
            at = datetime.fromisoformat(self.text(name, 64))
        except ValueError as error:
            raise wrong(self.at + name) from error
        if at.tzinfo is None:
            raise wrong(self.at + name)
        return at

    def address(self, name: str, *, needed: bool = True) -> str:
        """Where a notice goes: http or https, without a query."""
        value = self.text(name, 256, needed=needed)
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
            raise wrong(self.at + name, "notify_url 必须为 http(s) 地址，且不能携带参数")
        return value
