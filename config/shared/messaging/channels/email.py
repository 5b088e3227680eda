"""
E-mail by SMTP, as text and HTML in one multipart message.

The envelope's sender carries our id (`bounces+<id>@…`), so that a bounce names its message whatever its body says. SMTP
cannot be asked what became of an attempt: one that broke off in the middle is left to a person.
"""

from __future__ import annotations

import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.validators import validate_email
from django.forms import ValidationError
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from config.shared.messaging.channels.base import Answer, Channel, Envelope, Outcome, Recipient

GREYLIST_WAIT = timedelta(minutes=5)


class Email(Channel):
    """Letters by wire."""

    name = "email"
    label = _("电子邮件")

    def address(self, to: Recipient) -> str:
        """The address, if it is one."""
        address = to.email.strip()
        try:
            validate_email(address)
        except ValidationError:
            return ""
        return address

    def masked(self, address: str) -> str:
        """z***@example.cn."""
        name, _at, domain = address.partition("@")
        return f"{name[:1]}***@{domain}"

    def send(self, envelope: Envelope) -> Answer:
        """One message in one session."""
        domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
        message = EmailMultiAlternatives(
            subject=envelope.subject,
            body=envelope.text,
            from_email=f"bounces+{envelope.uid.hex}@{domain}",
            to=[envelope.recipient],
            headers={
                "From": settings.DEFAULT_FROM_EMAIL,
                "Message-ID": f"<{envelope.uid.hex}@{domain}>",
                "Auto-Submitted": "auto-generated",
                "Content-Language": "en" if envelope.language == "en" else "zh-CN",
            },
        )
        page = {"subject": envelope.subject, "paragraphs": envelope.text.splitlines(), "language": envelope.language}
        message.attach_alternative(render_to_string("shared/messaging/email.html", page), "text/html")
        connection = get_connection()
        try:
            connection.open()
        except (OSError, smtplib.SMTPException) as error:
            return Answer(Outcome.LATER, code=type(error).__name__)
        try:
            connection.send_messages([message])
        except smtplib.SMTPRecipientsRefused as error:
            return _refused(max(status for status, _text in error.recipients.values()))
        except smtplib.SMTPResponseException as error:
            return _refused(int(error.smtp_code))
        except (OSError, smtplib.SMTPException) as error:
            # It broke off in the middle: whether the far side kept it, nobody can say.
            return Answer(Outcome.UNKNOWN, code=type(error).__name__)
        finally:
            connection.close()
        return Answer(Outcome.ACCEPTED, code="250", provider_id=envelope.uid.hex)


def _refused(status: int) -> Answer:
    """What an SMTP reply means: 4yz is try again, 5yz is never (RFC 5321, 4.2.1)."""
    if 400 <= status < 500:
        return Answer(Outcome.LATER, code=f"smtp-{status}", wait=GREYLIST_WAIT)
    return Answer(Outcome.REFUSED, code=f"smtp-{status}")
