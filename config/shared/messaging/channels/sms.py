"""
SMS by Aliyun's short message service (SendSms, QuerySendDetails, version 2017-05-25).

Two things keep a message from going twice. `OutId` is our own id, by which the provider tells what became of it; and
the nonce of a request is the key of the attempt, which the provider takes once only, so that a repeat of an attempt
whose first request is still on its way is refused.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.shared.messaging import templates
from config.shared.messaging.channels import acs3
from config.shared.messaging.channels.base import Answer, Channel, Envelope, Outcome, Recipient
from config.shared.personal_data import mask_phone

VERSION = "2017-05-25"
CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 8
LIMIT_WAIT = timedelta(minutes=1)

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
# Numbers nobody was ever given: the people of demonstrations have them.
_INVENTED = re.compile(r"1[02][0-9]{9}")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# The number, the text or the template is at fault: it would be refused for ever. (Aliyun, API error codes.)
_FINAL = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.INVALID_PARAMETERS",
        "isv.INVALID_JSON_PARAM",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.TEMPLATE_MISSING_PARAMETERS",
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        "isv.SMS_TEMPLATE_ILLEGAL",
        "isv.SMS_SIGNATURE_ILLEGAL",
        "isv.SMS_CONTENT_ILLEGAL",
        "isv.SMS_SIGN_ILLEGAL",
    }
)
# Nothing was taken, and none of it is the message's fault.
_LIMITED = frozenset({"isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"})
_ENDED = {2: Outcome.REFUSED, 1: Outcome.ACCEPTED, 3: Outcome.ACCEPTED}


class Sms(Channel):
    """Text messages to Chinese mobile numbers."""

    name = "sms"
    label = _("短信")
    rings = True
    can_look_up = True

    def address(self, to: Recipient) -> str:
        """The mobile number in eleven digits; other telephones take no SMS."""
        number = re.sub(r"[\s-]", "", to.phone).removeprefix("+86")
        can_be = _MOBILE.fullmatch(number) or (settings.SIMULATORS and _INVENTED.fullmatch(number))
        return number if can_be else ""

    def masked(self, address: str) -> str:
        """138****1234."""
        return mask_phone(address)

    def send(self, envelope: Envelope) -> Answer:
        """SendSms, once."""
        asked = {
            "PhoneNumbers": envelope.recipient,
            "SignName": settings.SMS_SIGN_NAME,
            "TemplateCode": provider_template(envelope.template, envelope.language),
            "TemplateParam": json.dumps(dict(envelope.parameters), ensure_ascii=False),
            "OutId": str(envelope.uid),
        }
        status, body, failure = _call("SendSms", asked, nonce=envelope.attempt_key.hex, at=envelope.at)
        if failure is not None:
            return failure
        return _answer(status, body)

    def look_up(self, envelope: Envelope) -> Answer:
        """QuerySendDetails by number and day; ours is the one that carries our id."""
        first, last = (
            moment.astimezone(settings.BILLING_TIME_ZONE).date() for moment in (envelope.tried_at, envelope.at)
        )
        for day in (first + timedelta(days=number) for number in range(min((last - first).days, 2) + 1)):
            page = 1
            while True:
                asked = {
                    "PhoneNumber": envelope.recipient,
                    "SendDate": f"{day:%Y%m%d}",
                    "PageSize": "50",
                    "CurrentPage": str(page),
                }
                status, body, failure = _call("QuerySendDetails", asked, nonce="", at=envelope.at)
                if failure is not None or status != 200 or body.get("Code") != "OK":
                    return Answer(Outcome.UNKNOWN, code=str(body.get("Code", "")) or "unanswered")
                rows = body.get("SmsSendDetailDTOs", {}).get("SmsSendDetailDTO", [])
                for row in rows:
                    if row.get("OutId") == str(envelope.uid):
                        return Answer(
                            _ENDED.get(int(row.get("SendStatus", 1)), Outcome.ACCEPTED),
                            code=str(row.get("ErrCode") or "OK"),
                        )
                if len(rows) < 50:
                    break
                page += 1
        return Answer(Outcome.NOT_FOUND)


def provider_template(code: str, language: str) -> str:
    """
    The provider's own code of one of our templates.

    Where the provider is simulated it is made from ours; otherwise it stands in SMS_TEMPLATES, as approved.
    """
    known: str | None = settings.SMS_TEMPLATES.get(f"{code}.{language}")
    if known is None and settings.SIMULATORS:
        return f"SMS_{zlib.crc32(f'{code}.{language}'.encode()) % 10**9:09d}"
    return known or ""


def registered_templates() -> dict[str, str]:
    """Provider's code to text with `${name}`, of every template that goes by SMS: what is handed in for approval."""
    return {
        provider_template(one.code, language): _PLACEHOLDER.sub(r"${\1}", one.text(language))
        for one in templates.TEMPLATES.values()
        if "sms" in one.channels
        for language in templates.LANGUAGES
    }


def _answer(status: int, body: Mapping[str, Any]) -> Answer:
    code = str(body.get("Code", ""))
    if status == 200 and code == "OK":
        return Answer(Outcome.ACCEPTED, code="OK", provider_id=str(body.get("BizId", ""))[:64])
    if code in _FINAL:
        return Answer(Outcome.REFUSED, code=code)
    if code in _LIMITED:
        return Answer(Outcome.LATER, code=code, wait=LIMIT_WAIT)
    if code == "SignatureNonceUsed" or status >= 500 or code.startswith("isp.") or not code:
        # The same attempt was taken before, or the far side fell over: it must be asked.
        return Answer(Outcome.UNKNOWN, code=code or f"http-{status}")
    # Keys, clock, account, throttling: somebody mends it, the message waits.
    return Answer(Outcome.LATER, code=code)


def _call(
    action: str, parameters: Mapping[str, str], *, nonce: str, at: datetime
) -> tuple[int, dict[str, Any], Answer | None]:
    """One signed call: status and answer, or what its failure means."""
    if not (settings.SMS_ENDPOINT and settings.SMS_ACCESS_KEY_ID and settings.SMS_ACCESS_KEY_SECRET):
        return 0, {}, Answer(Outcome.LATER, code="not-configured")
    address = urlsplit(settings.SMS_ENDPOINT)
    body, path = b"", address.path or "/"
    query = acs3.query_of(parameters)
    moment = at.astimezone(UTC)
    headers = {
        "host": address.netloc,
        "x-acs-action": action,
        "x-acs-version": VERSION,
        "x-acs-date": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce or hashlib.sha256(f"{query}{moment.isoformat()}".encode()).hexdigest()[:32],
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    headers["Authorization"] = acs3.authorization(
        key_id=settings.SMS_ACCESS_KEY_ID,
        secret=settings.SMS_ACCESS_KEY_SECRET,
        method="POST",
        path=path,
        query=query,
        headers=headers,
        body=body,
    )
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=CONNECT_TIMEOUT_S)
    try:
        try:
            connection.connect()
        except OSError as error:
            return 0, {}, Answer(Outcome.LATER, code=type(error).__name__)
        connection.sock.settimeout(READ_TIMEOUT_S)
        # From the first byte on it may have been taken.
        connection.request("POST", f"{path}?{query}", body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, _parsed(answer.read(1_000_000)), None
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        return 0, {}, Answer(Outcome.UNKNOWN, code=type(error).__name__)
    finally:
        connection.close()


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
