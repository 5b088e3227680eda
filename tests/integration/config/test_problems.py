"""API errors: one format, stable codes, the request's id, nothing of the inside."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, RequestFactory
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from config.shared import logs
from config.shared.errors import PROBLEM, BadInput, NotAllowed, NotFound, Refused
from config.shared.web import failures

pytestmark = pytest.mark.django_db


class TooLate(Refused):
    """For these tests."""

    code = "too-late"


class View(APIView):
    """Raises what it is told to."""

    permission_classes = ()
    authentication_classes = ()
    error: ClassVar[Exception]

    def get(self, _request: Any) -> Response:
        """Raise."""
        raise self.error


def ask(error: Exception) -> Any:
    view: type[APIView] = type("Told", (View,), {"error": error})
    token = logs.request_id.set("r-1")
    try:
        return view.as_view()(APIRequestFactory().get("/x"))
    finally:
        logs.request_id.reset(token)


class TestProblems:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (TooLate("请明天再来。"), 409, "too-late"),
            (NotFound("没有。"), 404, "not-found"),
            (NotAllowed("不行。"), 403, "not-allowed"),
            (BadInput("有误。"), 422, "bad-input"),
            (Http404(), 404, "not-found"),
            (PermissionDenied(), 403, "permission-denied"),
            (exceptions.ParseError(), 400, "parse-error"),
            (exceptions.MethodNotAllowed("GET"), 405, "method-not-allowed"),
        ],
    )
    def test_every_refusal_has_its_status_and_code(self, error: Exception, status: int, code: str) -> None:
        answer = ask(error)

        assert (answer.status_code, answer.data["status"], answer.data["code"]) == (status, status, code)
        assert answer.data["type"] == f"urn:dayingxiao:problem:{code}"
        assert answer.data["request_id"] == "r-1"
        assert answer.data["title"]
        assert answer.content_type == PROBLEM

    def test_facts_and_places_of_errors_come_along(self) -> None:
        assert ask(TooLate("不行。", reason="closed")).data["reason"] == "closed"
        assert ask(BadInput("不行。", errors=[{"pointer": "/a"}])).data["errors"] == [{"pointer": "/a"}]

    def test_validation_is_flattened_to_pointers(self) -> None:
        answer = ask(exceptions.ValidationError({"bill": {"lines": ["坏"]}, "note": ["太长", "太怪"]}))

        assert answer.status_code == 422
        assert [row["pointer"] for row in answer.data["errors"]] == ["/bill/lines", "/note", "/note"]

    def test_waiting_times_become_a_header(self) -> None:
        answer = ask(exceptions.Throttled(wait=7))

        assert answer.status_code == 429
        assert answer["Retry-After"] == "7"

    def test_a_real_fault_is_no_problem_document(self) -> None:
        with pytest.raises(ZeroDivisionError):
            ask(ZeroDivisionError("inside"))


class TestOutsideEveryView:
    @pytest.mark.parametrize("address", ["/api/v1/nothing", "/api/v1/my/accounts/1/nothing", "/api/v1/channel/no/x"])
    def test_an_address_of_the_api_that_is_none_is_a_problem(self, address: str) -> None:
        answer = Client().get(address)

        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
        assert (answer.json()["code"], answer.json()["status"]) == ("not-found", 404)
        assert answer.json()["request_id"] == answer["X-Request-ID"]

    def test_any_other_is_a_page(self) -> None:
        assert Client().get("/nothing/")["Content-Type"].startswith("text/html")

    def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_the_inside(self) -> None:
        answer = failures.server_error(RequestFactory().get("/api/v1/rating/preview"))

        assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)
        assert b"Traceback" not in answer.content
