"""
A mail server on a loopback socket: RFC 5321 as far as a sending client needs it, strict about order and line ends.

Mailboxes decide what happens: `nobody@…` does not exist (550), `later@…` is greylisted once (451), `bounce@…` is taken
and comes back as a delivery status notification to the envelope's sender. Anything else is kept.
"""

from __future__ import annotations

import email
import email.policy
import re
import socketserver
import threading
import time
import uuid
from email.message import EmailMessage, Message
from typing import Any

from config.simulators.kept import Shelf
from config.simulators.sms import push

_FROM = re.compile(r"FROM:<([^<>\s]*)>(?: .*)?", re.IGNORECASE)
_TO = re.compile(r"TO:<([^<>\s]+@[^<>\s]+)>(?: .*)?", re.IGNORECASE)
MOST_BYTES = 10_000_000


class MailServer(socketserver.ThreadingTCPServer):
    """`drop_after_data` makes it take the next so many messages and hang up before it says so."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, *, shelf: Shelf, bounces_to: str = "", bounces_secret: str = "") -> None:
        super().__init__(("127.0.0.1", port), _Session)
        self.shelf, self.bounces_to, self.bounces_secret = shelf, bounces_to, bounces_secret
        self.drop_after_data = 0
        self.greylisted: set[str] = set()
        self.sessions = 0

    def reset(self) -> None:
        """No misbehaviour, nobody greylisted."""
        self.drop_after_data, self.sessions = 0, 0
        self.greylisted.clear()

    def take(self, sender: str, recipients: list[str], raw: bytes) -> None:
        """Put a message into its mailboxes, or send it back."""
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        body = mail.get_body(preferencelist=("plain",))
        for recipient in recipients:
            if recipient.startswith("bounce@"):
                threading.Thread(target=self._bounce, args=(sender, recipient, mail), daemon=True).start()
                continue
            self.shelf.keep(
                channel="email",
                to=recipient,
                subject=str(mail["Subject"]),
                text=body.get_content() if body is not None else "",
                at=time.time(),
                details={
                    "message_id": str(mail["Message-ID"]),
                    "sender": sender,
                    "types": ",".join(part.get_content_type() for part in mail.walk()),
                },
            )

    def _bounce(self, sender: str, recipient: str, mail: EmailMessage) -> None:
        if not sender or not self.bounces_to:
            return  # a notification never bounces
        notice = notification(sender=sender, recipient=recipient, about=str(mail["Message-ID"]))
        push(self.bounces_to, notice.as_bytes(), self.bounces_secret, "message/rfc822")


def notification(
    *, sender: str, recipient: str, about: str, action: str = "failed", status: str = "5.1.1"
) -> EmailMessage:
    """A delivery status notification (RFC 3464) to the sender of an envelope."""
    notice = EmailMessage()
    notice["From"] = "MAILER-DAEMON@mail.example"
    notice["To"] = sender
    notice["Subject"] = "Undelivered Mail Returned to Sender"
    notice["Message-ID"] = f"<{uuid.uuid4().hex}@mail.example>"
    notice["MIME-Version"] = "1.0"
    notice["Content-Type"] = 'multipart/report; report-type="delivery-status"; boundary="dsn"'
    human = EmailMessage()
    human.set_content(f"The message {about} could not be delivered to {recipient}.")
    machine = Message()
    machine["Content-Type"] = "message/delivery-status"
    reporting, per_recipient = Message(), Message()
    reporting["Reporting-MTA"] = "dns; mail.example"
    per_recipient["Final-Recipient"] = f"rfc822; {recipient}"
    per_recipient["Action"] = action
    per_recipient["Status"] = status
    machine.set_payload([reporting, per_recipient])
    notice.set_payload([human, machine])
    return notice


class _Session(socketserver.StreamRequestHandler):
    timeout = 30
    server: MailServer

    def setup(self) -> None:
        super().setup()
        self.hello, self.sender, self.recipients = False, None, []  # type: tuple[bool, str | None, list[str]]

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        self.server.sessions += 1
        self._say("220 mail.example ESMTP, a simulated mail server")
        while True:
            try:
                raw = self.rfile.readline(1001)
            except OSError:
                return
            if not raw:
                return
            if not raw.endswith(b"\r\n") or len(raw) > 1000:
                self._say("500 5.5.2 lines end in CRLF and have at most 1000 bytes")
                continue
            verb, _space, rest = raw.decode("utf-8", "replace").strip().partition(" ")
            act: Any = getattr(self, f"_{verb.lower()}", None)
            if act is None or verb.lower() not in _VERBS:
                self._say("502 5.5.1 not known")
            elif act(rest.strip()):
                return

    def _ehlo(self, name: str) -> None:
        if not name:
            self._say("501 5.5.4 say who you are")
            return
        self.hello, self.sender, self.recipients = True, None, []
        for line in ("250-mail.example", f"250-SIZE {MOST_BYTES}", "250-8BITMIME", "250-SMTPUTF8"):
            self._say(line)
        self._say("250 ENHANCEDSTATUSCODES")

    def _helo(self, name: str) -> None:
        self.hello, self.sender, self.recipients = bool(name), None, []
        self._say("250 mail.example" if name else "501 5.5.4 say who you are")

    def _mail(self, rest: str) -> None:
        found = _FROM.fullmatch(rest)
        if not self.hello or self.sender is not None:
            self._say("503 5.5.1 not now")
        elif found is None:
            self._say("501 5.1.7 that is no sender")
        else:
            self.sender = found[1]
            self._say("250 2.1.0 well")

    def _rcpt(self, rest: str) -> None:
        found = _TO.fullmatch(rest)
        if self.sender is None:
            self._say("503 5.5.1 sender first")
        elif found is None:
            self._say("501 5.1.3 that is no address")
        elif found[1].startswith("nobody@"):
            self._say("550 5.1.1 no such mailbox")
        elif found[1].startswith("later@") and found[1] not in self.server.greylisted:
            self.server.greylisted.add(found[1])
            self._say("451 4.7.1 greylisted, come back later")
        else:
            self.recipients.append(found[1])
            self._say("250 2.1.5 well")

    def _data(self, _rest: str) -> bool:
        if self.sender is None or not self.recipients:
            self._say("503 5.5.1 recipients first")
            return False
        self._say("354 end with a line that has only a dot")
        lines: list[bytes] = []
        size = 0
        while True:
            line = self.rfile.readline(MOST_BYTES)
            if not line:
                return True
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
            size += len(line)
            if size > MOST_BYTES:
                self._say("552 5.3.4 too large")
                return True
        self.server.take(self.sender, self.recipients, b"".join(lines))
        if self.server.drop_after_data > 0:
            self.server.drop_after_data -= 1
            return True
        self.sender, self.recipients = None, []
        self._say("250 2.0.0 kept")
        return False

    def _rset(self, _rest: str) -> None:
        self.sender, self.recipients = None, []
        self._say("250 2.0.0 well")

    def _noop(self, _rest: str) -> None:
        self._say("250 2.0.0 well")

    def _quit(self, _rest: str) -> bool:
        self._say("221 2.0.0 bye")
        return True


_VERBS = frozenset({"ehlo", "helo", "mail", "rcpt", "data", "rset", "noop", "quit"})
