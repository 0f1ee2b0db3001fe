from __future__ import annotations

import json
from http import HTTPStatus

import pytest

from gateway.errors import FieldFault, Problem, ProblemError


def test_a_problem_is_an_rfc_9457_document_with_the_requests_id() -> None:
    problem = Problem(
        "times", 422, "They cannot be so.", (FieldFault("closes_at", "must be later"),), extra={"reason": "times"}
    )
    assert json.loads(json.dumps(problem.document("4711"))) == {
        "type": "urn:link-gateway:problem:times",
        "title": HTTPStatus(422).phrase,
        "status": 422,
        "detail": "They cannot be so.",
        "errors": [{"field": "closes_at", "reason": "must be later"}],
        "reason": "times",
        "request_id": "4711",
    }
    assert problem.headers() == {"Content-Type": "application/problem+json"}


def test_what_a_problem_does_not_say_is_left_out() -> None:
    document = Problem("store_away", 503, retry_after_s=5).document("1")
    assert set(document) == {"type", "title", "status", "request_id"}
    assert Problem("store_away", 503, retry_after_s=5).headers()["Retry-After"] == "5"


def test_more_members_cannot_hide_the_fixed_ones() -> None:
    assert Problem("gone", 410, extra={"status": 200, "type": "x"}).document("1")["status"] == 410


def test_a_raised_problem_carries_it() -> None:
    problem = Problem("plan", 403)
    with pytest.raises(ProblemError, match="403 plan") as caught:
        raise ProblemError(problem)
    assert caught.value.problem is problem
