"""
An SMS provider in the shape of Aliyun's short message service, version 2017-05-25: SendSms and QuerySendDetails.

It checks signature (ACS3-HMAC-SHA256), clock, nonce, signature name, template and parameters, throttles as the real one
does by default, and pushes SmsReport lists to the address it was given. `behaviour` makes it misbehave.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import logging
import re
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from config.simulators.kept import Shelf

log = logging.getLogger(__name__)

CLOCK_WINDOW_S = 900
MOST_CHARACTERS = 500
# Mobile numbers, and the numbers of invented people that no operator assigns.
_NUMBER = re.compile(r"1[0-9]{10}")
_PLACEHOLDER = re.compile(r"\$\{([a-z_]+)\}")
_CREDENTIAL = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})")
_MUST_BE_SIGNED = frozenset(
    {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
)
_CHINA = timezone(timedelta(hours=8))
# Seconds and how many, per number and signature name (codes) or per number and template (notices).
_CODE_LIMITS = ((60, 1), (3600, 5), (86_400, 10))
_NOTICE_LIMITS = ((86_400, 50),)


@dataclass
class Behaviour:
    """How it misbehaves; counts go down with every use."""

    drop_before_taking: int = 0
    """hang up without having taken the message"""
    drop_after_taking: int = 0
    """take the message and hang up without a word"""
    delay_s: float = 0.0
    """think so long before answering"""
    refuse: list[str] = field(default_factory=list)
    """codes to refuse the next messages with"""
    is_throttling: bool = True
    report: str = "delivered"
    """`delivered`, `failed` or `none`"""
    report_code: str = ""
    report_times: int = 1
    report_delay_s: float = 0.05
    report_secret: str = ""
    """sign reports with this instead of the secret agreed"""


@dataclass(frozen=True)
class Registered:
    """A template as it was approved: its text with `${name}`, and whether it carries one-time codes."""

    text: str
    is_code: bool


@dataclass
class _Sent:
    biz_id: str
    number: str
    sign_name: str
    template: str
    content: str
    out_id: str
    at: float
    status: int = 1
    code: str = ""
    received_at: float = 0.0


class HangUp(Exception):
    """Close the connection without an answer."""


class SmsProvider:
    """`answer` takes one HTTP request and gives status and body; what was sent is on the shelf."""

    def __init__(
        self,
        *,
        shelf: Shelf,
        keys: Mapping[str, str],
        sign_names: frozenset[str],
        templates: Mapping[str, Registered],
        reports_to: str = "",
        reports_secret: str = "",
    ) -> None:
        self.shelf = shelf
        self.behaviour = Behaviour()
        self.clock: Callable[[], float] = time.time
        self.requests = 0
        self.reports_to = reports_to
        self._keys, self._sign_names, self._templates = keys, sign_names, templates
        self._reports_secret = reports_secret
        self._nonces: dict[str, float] = {}
        self._sent: list[_Sent] = []
        self._serial = itertools.count(10**17)
        self._lock = threading.Lock()

    def reset(self) -> None:
        """A new day: nothing sent, nothing throttled, no misbehaviour."""
        with self._lock:
            self.behaviour, self.requests = Behaviour(), 0
            self._sent.clear()
            self._nonces.clear()

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """
        Answer one request.

        :raises HangUp: it was told to say nothing
        """
        self.requests += 1
        lower = {name.lower(): value for name, value in headers.items()}
        path, _mark, query = target.partition("?")
        fault = self._fault_of_caller(method, path, query, lower, body)
        if fault:
            return 400, _said(fault)
        pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        asked = dict(pairs)
        if len(asked) != len(pairs):
            return 400, _said("InvalidParameter")
        action = lower["x-acs-action"]
        if lower["x-acs-version"] != "2017-05-25" or action not in ("SendSms", "QuerySendDetails"):
            return 404, _said("InvalidAction.NotFound")
        if action == "QuerySendDetails":
            return 200, self._details(asked)
        return self._take(asked, nonce=lower["x-acs-signature-nonce"])

    # --- Who calls -------------------------------------------------------------------------

    def _fault_of_caller(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> str:
        found = _CREDENTIAL.fullmatch(headers.get("authorization", ""))
        if found is None:
            return "MissingAuthorization"
        key_id, listed, signature = found.groups()
        secret = self._keys.get(key_id)
        if secret is None:
            return "InvalidAccessKeyId.NotFound"
        names = listed.split(";")
        if names != sorted(names) or not _MUST_BE_SIGNED <= set(names) or any(name not in headers for name in names):
            return "IncompleteSignature"
        digest = hashlib.sha256(body).hexdigest()
        if headers["x-acs-content-sha256"] != digest:
            return "InvalidContentDigest"
        parts = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
        canonical_query = "&".join(
            f"{urllib.parse.quote(name, safe='~')}={urllib.parse.quote(value, safe='~')}" for name, value in parts
        )
        lines = [
            method,
            path,
            canonical_query,
            *(f"{name}:{headers[name].strip()}" for name in names),
            "",
            listed,
            digest,
        ]
        whole = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        wanted = hmac.new(secret.encode(), f"ACS3-HMAC-SHA256\n{whole}".encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted, signature):
            return "SignatureDoesNotMatch"
        try:
            said = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return "InvalidTimeStamp.Format"
        now = self.clock()
        if abs(now - said) > CLOCK_WINDOW_S:
            return "InvalidTimeStamp.Expired"
        nonce = f"{key_id}:{headers['x-acs-signature-nonce']}"
        with self._lock:
            self._nonces = {old: seen for old, seen in self._nonces.items() if now - seen < CLOCK_WINDOW_S}
            if nonce in self._nonces:
                return "SignatureNonceUsed"
            self._nonces[nonce] = now
        return ""

    # --- SendSms ---------------------------------------------------------------------------

    def _take(self, asked: Mapping[str, str], *, nonce: str) -> tuple[int, dict[str, Any]]:
        doing = self.behaviour
        if doing.delay_s:
            time.sleep(doing.delay_s)
        with self._lock:
            if doing.drop_before_taking > 0:
                doing.drop_before_taking -= 1
                # It never came so far that the nonce was used.
                self._nonces = {old: seen for old, seen in self._nonces.items() if not old.endswith(f":{nonce}")}
                raise HangUp
            if doing.refuse:
                return 200, _said(doing.refuse.pop(0))
            fault, content = self._fault_of_message(asked)
            if fault:
                return 200, _said(fault)
            now = time.time()
            sent = _Sent(
                biz_id=f"{next(self._serial)}^0",
                number=asked["PhoneNumbers"],
                sign_name=asked["SignName"],
                template=asked["TemplateCode"],
                content=content,
                out_id=asked.get("OutId", ""),
                at=now,
            )
            self._sent.append(sent)
        self.shelf.keep(
            channel="sms",
            to=sent.number,
            subject="",
            text=content,
            at=now,
            out_id=sent.out_id,
            details={"template": sent.template, "biz_id": sent.biz_id},
        )
        if doing.report != "none":
            threading.Thread(target=self._report, args=(sent, doing), daemon=True).start()
        with self._lock:
            if doing.drop_after_taking > 0:
                doing.drop_after_taking -= 1
                raise HangUp
        return 200, {**_said("OK"), "BizId": sent.biz_id}

    def _fault_of_message(self, asked: Mapping[str, str]) -> tuple[str, str]:
        """Why it is refused, and what it says."""
        if not _NUMBER.fullmatch(asked.get("PhoneNumbers", "")):
            return "isv.MOBILE_NUMBER_ILLEGAL", ""
        if asked.get("SignName", "") not in self._sign_names:
            return "isv.SMS_SIGNATURE_ILLEGAL", ""
        template = self._templates.get(asked.get("TemplateCode", ""))
        if template is None:
            return "isv.SMS_TEMPLATE_ILLEGAL", ""
        try:
            given = json.loads(asked.get("TemplateParam") or "{}")
        except ValueError:
            return "isv.INVALID_JSON_PARAM", ""
        if not isinstance(given, dict) or not all(isinstance(value, str) and value for value in given.values()):
            return "isv.TEMPLATE_PARAMS_ILLEGAL", ""
        if not set(_PLACEHOLDER.findall(template.text)) <= set(given):
            return "isv.TEMPLATE_MISSING_PARAMETERS", ""
        text = _PLACEHOLDER.sub(lambda name: given[name[1]], template.text)
        content = f"【{asked['SignName']}】{text}"
        if len(content) > MOST_CHARACTERS:
            return "isv.PARAM_LENGTH_LIMIT", ""
        if self.behaviour.is_throttling and self._is_too_much(asked, template):
            return "isv.BUSINESS_LIMIT_CONTROL", ""
        return "", content

    def _is_too_much(self, asked: Mapping[str, str], template: Registered) -> bool:
        now = time.time()
        limits = _CODE_LIMITS if template.is_code else _NOTICE_LIMITS
        mine = [
            sent.at
            for sent in self._sent
            if sent.number == asked["PhoneNumbers"]
            and sent.sign_name == asked["SignName"]
            and (self._templates[sent.template].is_code if template.is_code else sent.template == asked["TemplateCode"])
        ]
        return any(sum(now - at < span for at in mine) >= most for span, most in limits)

    # --- What became of it -----------------------------------------------------------------

    def _details(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """QuerySendDetails: what went to a number on a day, a page at a time."""
        try:
            size, page = int(asked["PageSize"]), int(asked["CurrentPage"])
            day = datetime.strptime(asked["SendDate"], "%Y%m%d").replace(tzinfo=_CHINA).date()
        except (KeyError, ValueError):
            return _said("isv.INVALID_PARAMETERS")
        if not (1 <= size <= 50 and page >= 1 and _NUMBER.fullmatch(asked.get("PhoneNumber", ""))):
            return _said("isv.INVALID_PARAMETERS")
        with self._lock:
            found = [
                sent
                for sent in reversed(self._sent)
                if sent.number == asked["PhoneNumber"]
                and datetime.fromtimestamp(sent.at, _CHINA).date() == day
                and asked.get("BizId", sent.biz_id) == sent.biz_id
            ]
        rows = [
            {
                "PhoneNum": sent.number,
                "SendStatus": sent.status,
                "ErrCode": sent.code,
                "TemplateCode": sent.template,
                "Content": sent.content,
                "SendDate": _clock(sent.at),
                "ReceiveDate": _clock(sent.received_at) if sent.received_at else "",
                "OutId": sent.out_id,
            }
            for sent in found[(page - 1) * size : page * size]
        ]
        return {**_said("OK"), "TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}

    def _report(self, sent: _Sent, doing: Behaviour) -> None:
        """Push the report, as often as told; three tries each, as long as the other side does not take it."""
        time.sleep(doing.report_delay_s)
        is_good = doing.report == "delivered"
        with self._lock:
            sent.status, sent.received_at = (3 if is_good else 2), time.time()
            sent.code = doing.report_code or ("DELIVERED" if is_good else "UNDELIVERABLE")
        if not self.reports_to:
            return
        report = {
            "phone_number": sent.number,
            "send_time": _clock(sent.at),
            "report_time": _clock(sent.received_at),
            "success": is_good,
            "err_code": sent.code,
            "err_msg": "用户接收成功" if is_good else "用户未接收",
            "sms_size": "1",
            "biz_id": sent.biz_id,
            "out_id": sent.out_id,
        }
        body = json.dumps([report], ensure_ascii=False).encode()
        for _time in range(doing.report_times):
            push(self.reports_to, body, doing.report_secret or self._reports_secret, "application/json; charset=utf-8")


def push(address: str, body: bytes, secret: str, content_type: str, tries: int = 3) -> int:
    """POST a signed report until it is taken; gives the last status, 0 where nobody answered."""
    where = urllib.parse.urlsplit(address)
    status = 0
    for attempt in range(tries):
        stamp, nonce = str(int(time.time())), uuid.uuid4().hex
        signed = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        headers = {
            "Content-Type": content_type,
            "X-Timestamp": stamp,
            "X-Nonce": nonce,
            "X-Signature": hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(),
        }
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10)
        try:
            connection.request("POST", where.path, body=body, headers=headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        if status in (200, 401, 403):
            break
        time.sleep(0.5 * 2**attempt)
    return status


def _said(code: str) -> dict[str, Any]:
    return {"Code": code, "Message": code, "RequestId": str(uuid.uuid4()).upper()}


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, _CHINA).strftime("%Y-%m-%d %H:%M:%S")
