from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.plans import MayMake, PlanNeeded, UnknownPlan, ladder_faults, may_make_sessions

LADDER = ("essentials", "professional", "premium", "enterprise")
NEEDED = PlanNeeded(LADDER[1:], "sessions")


@pytest.mark.parametrize(
    ("plan", "addons", "answer"),
    [
        ("essentials", (), NEEDED),
        ("essentials", ("sms",), NEEDED),
        ("essentials", ("sms", "sessions"), MayMake()),
        ("professional", (), MayMake()),
        ("premium", (), MayMake()),
        ("enterprise", ("sessions",), MayMake()),
        ("gold", ("sessions",), UnknownPlan("gold")),
        ("Professional", (), UnknownPlan("Professional")),
        ("", (), UnknownPlan("")),
    ],
)
def test_sessions_need_a_plan_or_the_addon(
    plan: str, addons: tuple[str, ...], answer: MayMake | PlanNeeded | UnknownPlan
) -> None:
    assert may_make_sessions(plan, addons, LADDER, "professional", "sessions") == answer


def test_without_an_addon_on_offer_only_the_plan_counts() -> None:
    assert may_make_sessions("essentials", ("",), LADDER, "professional", "") == PlanNeeded(LADDER[1:], "")


@given(st.sampled_from(LADDER), st.sampled_from(LADDER))
def test_a_higher_plan_never_may_less(plan: str, first: str) -> None:
    allowed = [isinstance(may_make_sessions(each, (), LADDER, first, "sessions"), MayMake) for each in LADDER]
    assert allowed == sorted(allowed)
    assert allowed[LADDER.index(plan)] is (LADDER.index(plan) >= LADDER.index(first))


@pytest.mark.parametrize(
    ("ladder", "first", "faults"),
    [
        (LADDER, "essentials", []),
        ((), "a", ["the ladder needs plans, each with a name", "session_links_from is not a plan of the ladder"]),
        (("a", ""), "a", ["the ladder needs plans, each with a name"]),
        (("a", "a"), "a", ["the ladder names a plan twice"]),
        (("a",), "b", ["session_links_from is not a plan of the ladder"]),
    ],
)
def test_every_fault_of_the_ladder_is_told(ladder: tuple[str, ...], first: str, faults: list[str]) -> None:
    assert ladder_faults(ladder, first) == faults
