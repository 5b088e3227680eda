"""
`python -m benchmarks.page_visitors`: people at their browsers, told by one JSON document on standard input.

Each visitor has a session of their own and turns pages, with a pause between two pages, on one kept-alive connection.
A visit is timed from the first byte sent to the last byte received, with the redirects it leads through; what a page
brings along (styles, scripts) is in every browser's cache and not fetched. Answers with one JSON document.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlencode, urlsplit

_MOST_REDIRECTS = 3


class Step(TypedDict):
    """One thing to do: what it is called in the result, and the request."""

    page: str
    path: str
    method: NotRequired[str]
    form: NotRequired[dict[str, str]]
    holds: NotRequired[str]
    """what the page must say"""


class WrongAnswer(RuntimeError):
    """A page did not answer as it must; its speed says nothing."""


@dataclass
class Visitor:
    """One browser: its cookies and its connection."""

    host: str
    cookies: dict[str, str] = field(default_factory=dict)
    connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, bytes]:
        """Status, where it leads, body."""
        self.connection = self.connection or http.client.HTTPConnection(self.host, timeout=60)
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "text/html",
        }
        body = None
        if form is not None:
            body = urlencode(form)
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-CSRFToken": self.cookies.get("csrftoken", ""),
            }
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), content

    def visit(self, step: Step) -> float:
        """
        Do one step; gives its seconds.

        :raises WrongAnswer: it did not end at a page that holds what it must
        """
        began = time.perf_counter()
        status, where, page = self.ask(step.get("method", "GET"), step["path"], step.get("form"))
        for _ in range(_MOST_REDIRECTS):
            if status not in (301, 302, 303):
                break
            status, where, page = self.ask("GET", _path_of(where))
        took = time.perf_counter() - began
        if status != 200 or "sign-in" in where or step.get("holds", "").encode() not in page:
            raise WrongAnswer(f"{step['page']} {step['path']}: {status} {where}, {len(page)} bytes")
        return took


def followed(client: Any, step: Step) -> Any:
    """The same step by Django's test client."""
    if step.get("method") == "POST":
        return client.post(step["path"], step.get("form"), follow=True)
    return client.get(step["path"], follow=True)


def _path_of(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def main() -> int:
    """Let everybody loose at the same moment; 1 when a page answered wrongly."""
    plan = json.load(sys.stdin)
    people = [(Visitor(plan["host"], dict(person["cookies"])), person["steps"]) for person in plan["people"]]
    seconds: dict[str, list[float]] = {}
    wrong: list[str] = []
    lock, go = threading.Lock(), threading.Barrier(len(people))

    def turn_pages(visitor: Visitor, steps: list[Step], seed: int) -> None:
        chance = random.Random(seed)
        go.wait()
        for step in steps:
            if plan["pause_s"]:
                time.sleep(chance.expovariate(1 / plan["pause_s"]))
            try:
                took = visitor.visit(step)
            except (WrongAnswer, OSError, http.client.HTTPException) as error:
                visitor.connection = None
                with lock:
                    wrong.append(f"{type(error).__name__}: {error}")
                continue
            with lock:
                seconds.setdefault(step["page"], []).append(took)

    threads = [
        threading.Thread(target=turn_pages, args=(visitor, steps, seed)) for seed, (visitor, steps) in enumerate(people)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"seconds": seconds, "wall_s": time.perf_counter() - began, "wrong": wrong[:20]}, sys.stdout)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
