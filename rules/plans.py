"""Plans: which clinics may make sessions.

Rule that holds here: a plan limits what a scheduler may make, never what a guest may open; links that were made keep
working. Everybody has room links.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MayMake:
    """Sessions may be made."""


@dataclass(frozen=True, slots=True)
class PlanNeeded:
    """Not on this plan: 403 to the scheduler."""

    plans: tuple[str, ...]  # any of these would do, the lowest first
    addon: str  # and so would this add-on; empty when there is none


@dataclass(frozen=True, slots=True)
class UnknownPlan:
    """The clinic's plan is not on the ladder: a fault of its data, to be refused when it is written."""

    plan: str


def may_make_sessions(
    plan: str, addons: Collection[str], ladder: Sequence[str], session_links_from: str, addon: str
) -> MayMake | PlanNeeded | UnknownPlan:
    """Whether a clinic may make sessions.

    `ladder` names the plans from the lowest to the highest, `session_links_from` the first that has session links,
    `addon` the add-on that brings them to any plan (empty: none does). The ladder has passed `ladder_faults`.
    """
    if plan not in ladder:
        return UnknownPlan(plan)
    enough = tuple(ladder[ladder.index(session_links_from) :])
    if plan in enough or (addon and addon in addons):
        return MayMake()
    return PlanNeeded(enough, addon)


def ladder_faults(ladder: Sequence[str], session_links_from: str) -> list[str]:
    """What is wrong with the plans of a configuration, for the operator."""
    faults: list[str] = []
    if not ladder or not all(ladder):
        faults.append("the ladder needs plans, each with a name")
    if len(set(ladder)) != len(ladder):
        faults.append("the ladder names a plan twice")
    if session_links_from not in ladder:
        faults.append("session_links_from is not a plan of the ladder")
    return faults
