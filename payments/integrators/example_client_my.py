"""BASE=https://… CODE=what-wx.login-gave ACCOUNT=4290000001 python example_client_my.py"""

import json
import os
import urllib.error
import urllib.request

BASE, CODE, ACCOUNT = (os.environ[name] for name in ("BASE", "CODE", "ACCOUNT"))


def call(method, path, values=None, token="", key=""):
    """One request; (status, answer). `code` of a refusal never changes: decide by it."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if key:
        headers["Idempotency-Key"] = key
    body = json.dumps(values).encode() if values is not None else None
    request = urllib.request.Request(f"{BASE}/api/v1/my/{path}", body, headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


_status, session = call("POST", "sessions", {"code": CODE})
TOKEN = session["token"]
for method, path in (
    ("GET", "accounts"),
    ("GET", f"accounts/{ACCOUNT}/balance"),
    ("GET", f"accounts/{ACCOUNT}/bills?limit=2"),
    ("DELETE", "sessions/current"),
    ("GET", "accounts"),
):
    print(json.dumps(call(method, path, token=TOKEN)[1], ensure_ascii=False))
