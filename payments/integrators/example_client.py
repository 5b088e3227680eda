"""BASE=https://… CLIENT=icbc KEY=k_… PRIVATE=private.pem ACCOUNT=4290000001 python example_client.py"""

import base64
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

BASE, CLIENT, KEY, ACCOUNT = (os.environ[name] for name in ("BASE", "CLIENT", "KEY", "ACCOUNT"))
PRIVATE = serialization.load_pem_private_key(Path(os.environ["PRIVATE"]).read_bytes(), password=None)


def call(method, target, values=None, idempotency_key=""):
    """One signed request; (status, answer). Every try has a time, a nonce and a signature of its own."""
    body = json.dumps(values).encode() if values is not None else b""
    now, nonce = str(int(time.time())), secrets.token_hex(16)
    text = f"{method}\n{target}\n{now}\n{nonce}\n".encode() + body + b"\n"
    signature = base64.b64encode(PRIVATE.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    headers = {
        "Authorization": f'DAYINGXIAO-RSA2048-SHA256 client="{CLIENT}",key="{KEY}",nonce="{nonce}",'
        f'timestamp="{now}",signature="{signature}"',
        "Content-Type": "application/json",
    }
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    request = urllib.request.Request(BASE + target, data=body or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def pay(serial, day, fen):
    """Pay until the outcome is known: when no answer came, ask what became of the serial, and only then repeat."""
    values = {"channel_serial": serial, "bank_date": day, "account_no": ACCOUNT, "amount_fen": fen}
    for _attempt in range(5):
        try:
            status, answer = call("POST", "/api/v1/channel/payments", values, serial)
            if status < 500 and answer.get("reason") not in ("still-running", "too-many-requests"):
                return status, answer
        except OSError:
            pass  # the answer did not come: the money may be booked
        time.sleep(2)
        try:
            status, answer = call("GET", f"/api/v1/channel/payments/{serial}")
            if status == 200:
                return status, answer
        except OSError:
            continue
    raise SystemExit(f"{serial}: outcome unknown, reverse it or ask later")


serial = f"T{int(time.time())}{secrets.token_hex(2)}"
day = datetime.now(timezone(timedelta(hours=8))).date().isoformat()

print(*call("GET", f"/api/v1/channel/accounts/{ACCOUNT}/bills"))
print(*pay(serial, day, 100))
print(*call("GET", f"/api/v1/channel/payments/{serial}"))
back = {"reversal_serial": f"R{serial}", "bank_date": day, "reason": "example"}
print(*call("POST", f"/api/v1/channel/payments/{serial}/reversals", back, f"R{serial}"))
