"""
A meter data collection system: takes signed commands to meters, carries them out or not, and pushes receipts.

It checks client, signature, clock, nonce and every field, knows a command by its number (sent again it is answered for
and not carried out again), and refuses what comes after its time. `behaviour` makes it misbehave.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from config.simulators.sms import HangUp, push

CLOCK_WINDOW_S = 300
_NUMBER = re.compile(r"[A-Z0-9-]{8,32}")
_METER = re.compile(r"[A-Za-z0-9-]{4,32}")
_FIELDS = {"command_no", "kind", "meter_no", "ordered_at", "not_after", "balance_fen"}
_KINDS = ("stop", "reconnect", "warn")


@dataclass
class MeterBehaviour:
    """How it misbehaves; counts go down with every use."""

    lose_before_taking: int = 0
    """hang up without having taken the command"""
    lose_after_taking: int = 0
    """take the command and hang up without a word"""
    delay_s: float = 0.0
    """think so long before answering"""
    refuse: list[str] = field(default_factory=list)
    """codes to refuse the next commands with"""
    ends: str = "executed"
    """what meters make of commands: executed, refused, timeout, or none"""
    code: str = ""
    receipt_times: int = 1
    receipt_delay_s: float = 0.05
    receipt_secret: str = ""
    """sign receipts with this instead of the secret agreed"""


@dataclass
class _Command:
    number: str
    kind: str
    meter_no: str
    not_after: float
    body: bytes
    state: str = "accepted"
    code: str = ""
    at: float = 0.0


class MeterCollection:
    """`answer` takes one HTTP request and gives status and body; `meters` says which meter is off."""

    def __init__(self, *, clients: Mapping[str, str], receipts_to: str = "", receipts_secret: str = "") -> None:
        self.behaviour = MeterBehaviour()
        self.clock: Callable[[], float] = time.time
        self.receipts_to = receipts_to
        self.executions: list[tuple[str, str]] = []
        """meter and kind of each command that a meter carried out, in order"""
        self._clients, self._receipts_secret = clients, receipts_secret
        self._commands: dict[str, _Command] = {}
        self._nonces: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def meters_off(self) -> set[str]:
        """Meters whose supply is away."""
        off: set[str] = set()
        for meter_no, kind in self.executions:
            if kind == "stop":
                off.add(meter_no)
            elif kind == "reconnect":
                off.discard(meter_no)
        return off

    def reset(self) -> None:
        """Nothing was ever commanded, and it behaves."""
        with self._lock:
            self.behaviour = MeterBehaviour()
            self.executions.clear()
            self._commands.clear()
            self._nonces.clear()

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """
        Answer one request; `path` from its root.

        :raises HangUp: it was told to say nothing
        """
        fault = self._fault_of_caller(method, path, {name.lower(): value for name, value in headers.items()}, body)
        if fault:
            return 401, {"state": "refused", "code": fault}
        parts = [part for part in path.partition("/commands/")[2].split("/") if part]
        if method == "POST" and not parts:
            return self._take(body)
        with self._lock:
            command = self._commands.get(parts[0]) if parts else None
            if command is None and method == "POST" and parts[1:] == ["withdraw"]:
                # A command called back before it came is never carried out when it comes.
                command = _Command(parts[0], "", "", 0, b"", "withdrawn", "never-taken", self.clock())
                self._commands[command.number] = command
            if command is None:
                return 404, {"state": "not-found", "code": "no-such-command"}
            self._expire(command)
            if method == "POST" and parts[1:] == ["withdraw"] and command.state == "accepted":
                command.state, command.at = "withdrawn", self.clock()
            elif method != "GET" and parts[1:] != ["withdraw"]:
                return 400, {"state": "refused", "code": "no-such-act"}
            return 200, _said(command)

    def _fault_of_caller(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
        secret = self._clients.get(headers.get("x-client", ""))
        stamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
        if secret is None:
            return "no-such-client"
        if not stamp.isdecimal() or not 16 <= len(nonce) <= 64:
            return "malformed-headers"
        signed = "\n".join([method, path, stamp, nonce, ""]).encode() + body
        if not hmac.compare_digest(
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), headers.get("x-signature", "")
        ):
            return "signature-does-not-match"
        now = self.clock()
        if abs(now - int(stamp)) > CLOCK_WINDOW_S:
            return "clock"
        with self._lock:
            self._nonces = {old: seen for old, seen in self._nonces.items() if now - seen < CLOCK_WINDOW_S}
            if nonce in self._nonces:
                return "nonce-used"
            self._nonces[nonce] = now
        return ""

    def _take(self, body: bytes) -> tuple[int, dict[str, Any]]:
        doing = self.behaviour
        if doing.delay_s:
            time.sleep(doing.delay_s)
        with self._lock:
            if doing.lose_before_taking > 0:
                doing.lose_before_taking -= 1
                raise HangUp
            fault, said = _fault_of(body)
            if fault:
                return 400, {"command_no": str(said.get("command_no", "")), "state": "refused", "code": fault}
            known = self._commands.get(said["command_no"])
            if known is not None:
                if known.body not in (b"", body):
                    return 400, {"command_no": known.number, "state": "refused", "code": "number-used-otherwise"}
                self._expire(known)
                return 200, _said(known)
            command = _Command(
                number=said["command_no"],
                kind=said["kind"],
                meter_no=said["meter_no"],
                not_after=_moment(said["not_after"]),
                body=body,
                at=self.clock(),
            )
            if doing.refuse:
                command.state, command.code = "refused", doing.refuse.pop(0)
            self._expire(command)
            self._commands[command.number] = command
            is_lost = doing.lose_after_taking > 0
            doing.lose_after_taking -= is_lost
        if doing.ends != "none" and command.state == "accepted":
            threading.Thread(target=self._carry_out, args=(command, doing), daemon=True).start()
        if is_lost:
            raise HangUp
        return 200, _said(command)

    def _expire(self, command: _Command) -> None:
        """What comes, or is still not done, after its time is never done."""
        if command.state == "accepted" and self.clock() > command.not_after:
            command.state, command.code, command.at = "timeout", "too-late", self.clock()

    def _carry_out(self, command: _Command, doing: MeterBehaviour) -> None:
        time.sleep(doing.receipt_delay_s)
        with self._lock:
            self._expire(command)
            if command.state == "accepted":
                command.state, command.code, command.at = doing.ends, doing.code, self.clock()
                if doing.ends == "executed":
                    self.executions.append((command.meter_no, command.kind))
        if self.receipts_to:
            body = json.dumps([_said(command)]).encode()
            for _time in range(doing.receipt_times):
                push(
                    self.receipts_to,
                    body,
                    doing.receipt_secret or self._receipts_secret,
                    "application/json; charset=utf-8",
                )


def _fault_of(body: bytes) -> tuple[str, dict[str, Any]]:
    """Why a command is not taken, and what it says."""
    try:
        said = json.loads(body)
    except ValueError:
        return "not-json", {}
    if not isinstance(said, dict) or set(said) != _FIELDS:
        return "fields", said if isinstance(said, dict) else {}
    if not _NUMBER.fullmatch(str(said["command_no"])) or not _METER.fullmatch(str(said["meter_no"])):
        return "number", said
    if said["kind"] not in _KINDS:
        return "kind", said
    if said["balance_fen"] is not None and not isinstance(said["balance_fen"], int):
        return "balance", said
    try:
        ordered, until = _moment(said["ordered_at"]), _moment(said["not_after"])
    except (TypeError, ValueError):
        return "moment", said
    return ("moment" if until <= ordered else ""), said


def _moment(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()


def _said(command: _Command) -> dict[str, Any]:
    return {
        "command_no": command.number,
        "state": command.state,
        "code": command.code,
        "at": datetime.fromtimestamp(command.at, UTC).isoformat(),
        "receipt_no": uuid.uuid4().hex,
    }
