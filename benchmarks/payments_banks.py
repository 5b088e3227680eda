"""
`python -m benchmarks.payments_banks`: banks that pay over HTTP, open loop; told by one line of JSON on standard input.

Every request is signed beforehand and has a moment when it is meant to be sent; its latency counts from that moment,
however late it was sent, so that a slow answer is not hidden by the requests that it held up. With `rate` 0 all are
meant at once. Imports nothing of Django: what it costs is this process's CPU, told apart.
"""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import threading
import time
from typing import Any

from payments.signing import request_signature as signing

TARGET = "/api/v1/channel/payments"


def main() -> None:
    """Pay as told; the answer says how long each payment took, in milliseconds from its intended moment."""
    told = json.loads(sys.stdin.readline())
    requests = [_request(told, number) for number in range(told["count"])]
    late: list[float] = [0.0] * len(requests)
    wrong: list[str] = []
    turn = iter(range(len(requests)))
    lock = threading.Lock()
    began_cpu, began = time.process_time(), time.perf_counter() + 0.2

    def pay() -> None:
        connection = http.client.HTTPConnection(told["host"], timeout=60)
        while True:
            with lock:
                number = next(turn, None)
            if number is None:
                connection.close()
                return
            meant = began + (number / told["rate"] if told["rate"] else 0.0)
            time.sleep(max(0.0, meant - time.perf_counter()))
            headers, body = requests[number]
            connection.request("POST", TARGET, body=body, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            late[number] = (time.perf_counter() - meant) * 1000
            if answer.status != 201:
                wrong.append(f"{answer.status} {text[:300]!r}")

    threads = [threading.Thread(target=pay) for _ in range(told["connections"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    print(json.dumps({"wall_s": wall, "cpu_s": time.process_time() - began_cpu, "late_ms": late, "wrong": wrong[:3]}))


def _request(told: dict[str, Any], number: int) -> tuple[dict[str, str], bytes]:
    bank = told["banks"][number % len(told["banks"])]
    values = {
        "channel_serial": f"{told['run']}-{number}",
        "bank_date": told["bank_date"],
        "account_no": told["accounts"][number % len(told["accounts"])],
        "amount_fen": 1_234,
    }
    body, timestamp, nonce = json.dumps(values).encode(), int(time.time()), secrets.token_hex(16)
    text = signing.text_to_sign(method="POST", target=TARGET, timestamp=timestamp, nonce=nonce, body=body)
    signature = signing.sign(signing.HMAC_SHA256, text, bank["secret"])
    header = signing.SignedHeader(signing.HMAC_SHA256, bank["code"], bank["key"], nonce, timestamp, signature)
    headers = {
        "Authorization": signing.write_header(header),
        "Idempotency-Key": f"{told['run']}-{number}",
        "Content-Type": "application/json",
    }
    return headers, body


if __name__ == "__main__":
    main()
