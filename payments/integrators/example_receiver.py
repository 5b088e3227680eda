"""SECRET=whsec_… PORT=8080 python example_receiver.py  (behind your own HTTPS; two secrets while one is replaced)"""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEYS = [base64.b64decode(secret.removeprefix("whsec_")) for secret in os.environ["SECRET"].split()]
SEEN = set()  # in earnest: a table with a unique key on webhook-id, written with what you do about the event


def is_genuine(headers, body):
    """Signed with a secret of ours, not older and not newer than five minutes."""
    identity, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > 300:
        return False
    text = f"{identity}.{timestamp}.".encode() + body
    ours = ["v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in KEYS]
    theirs = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one, other) for one in ours for other in theirs)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length <= 65536 else b""
        if not is_genuine(self.headers, body):
            self.answer(400)  # it comes again; with the right secret it will be believed
            return
        if self.headers["webhook-id"] not in SEEN:  # the same event may come twice, under the same id
            SEEN.add(self.headers["webhook-id"])
            event = json.loads(body)
            print(event["type"], json.dumps(event["data"]), flush=True)
        self.answer(204)  # at once; what takes long is done afterwards

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_parts):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver)
print("listening", server.server_port, flush=True)
server.serve_forever()
