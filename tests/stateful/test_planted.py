"""Planted faults: what is done wrong on purpose must be found, else the play proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.store.library import Script
from rules import admission, hosting, transitions
from rules.effects import Applied, Happened, Rejected
from rules.events import Event
from rules.model import Door, Guest, Millis, Owner, Policy
from tests.stateful.conftest import Run
from tests.stateful.programs import QUICK, draw_program
from tests.stateful.replicas import CountedRules, Replicas
from tests.stateful.test_stateful import LENGTH, failure, lossy

MOST = 100  # sequences in which a fault must show; all do within the first 33
Plant = Callable[[pytest.MonkeyPatch, Replicas], None]


def script(name: str, right: str, wrong: str) -> Plant:
    """A script that does one thing otherwise."""

    def plant(patch: pytest.MonkeyPatch, replicas: Replicas) -> None:
        for store in replicas.stores:
            for kept in ("_scripts", "_on_full"):
                scripts = dict(getattr(store, kept))
                its: Script = scripts[name]
                assert right in its.text
                patch.setattr(store, kept, {**scripts, name: replace(its, text=its.text.replace(right, wrong))})

    return plant


def answer(change: Callable[[Applied], Applied]) -> Plant:
    """Rules whose answers are changed on their way to the store."""

    class Wrong(CountedRules):
        def apply(self, owner: Owner, door_id: str, event: Event, policy: Policy, now_ms: Millis) -> Applied | Rejected:
            given = super().apply(owner, door_id, event, policy, now_ms)
            return given if isinstance(given, Rejected) else change(given)

    return lambda patch, replicas: patch.setattr(replicas, "rules", Wrong)


def rule(module: object, name: str, wrong: object) -> Plant:
    """One rule does something else."""
    return lambda patch, _: patch.setattr(module, name, wrong)


def _void_nobody(door: Door, _visitor: str, _now_ms: Millis) -> Door:
    return door


def _always_returns(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    return guest.state.value in {"inside", "out"} and now_ms < guest.since_ms + policy.session_grace_ms


def _without_last(applied: Applied) -> Applied:
    told = [e for e in applied.effects if isinstance(e, Happened)]
    return replace(applied, effects=tuple(e for e in applied.effects if len(told) < 2 or e is not told[-1]))


def _no_operation(patch: pytest.MonkeyPatch, _: Replicas) -> None:
    patch.setattr("gateway.store.plan._with_operation", lambda applied, _door, _operation: applied.owner)


def _never_due(patch: pytest.MonkeyPatch, replicas: Replicas) -> None:
    class Wrong(CountedRules):
        def next_change_at(self, owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None:
            at_ms = super().next_change_at(owner, policy, now_ms)
            return None if at_ms is None else at_ms + 5_000

    patch.setattr(replicas, "rules", Wrong)


def _asserts_nothing(patch: pytest.MonkeyPatch, _: Replicas) -> None:
    async def nothing(_presences: object, _entry: object) -> None: ...

    patch.setattr("gateway.store.presence.Presences._assert", nothing)


def _handed_out_twice(patch: pytest.MonkeyPatch, _: Replicas) -> None:
    patch.setattr("rules.arriving.seat_holder", lambda *_: None)
    patch.setattr("rules.verdict.seat_holder", lambda *_: None)


FAULTS: dict[str, Plant] = {
    "commits on any revision": script("commit", "if revision ~= plan.revision", "if false"),
    "commits however old": script("commit", "> plan.fresh_ms", "> 1e15"),
    "forgets who was heard meanwhile": answer(lambda applied: replace(applied, unrenewed=())),
    "renews what has lapsed": script("beat", "local lives = score and tonumber(score) > now", "local lives = score"),
    "keeps no lease": script("beat", "'GT', door.alive_until_ms, '~alive'", "'LT', door.alive_until_ms, '~alive'"),
    "holds nothing after a silence": script("beat", "or now - pulse > plan.presence_ttl_ms then", "then"),
    "does an operation twice": _no_operation,
    "loses the second event of a change": answer(_without_last),
    "looks too late": _never_due,
    "an admission leaves the others theirs": rule(hosting, "void_others", _void_nobody),
    "lets anybody return": rule(admission, "may_return", _always_returns),
    "one seat, two browsers": _handed_out_twice,
    "ends no call at once": rule(transitions, "call_for_attention", lambda step: step),
}


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_found(run: Run, plant: Plant) -> None:
    """Within some hundred sequences the replicas differ from the model, or an invariant breaks."""
    with pytest.MonkeyPatch.context() as patch:

        async def spoil(replicas: Replicas) -> None:
            plant(patch, replicas)

        run(spoil)
        found = next((seed for seed in range(MOST) if failure(run, QUICK, draw_program(seed, LENGTH))), None)
        assert found is not None


def test_a_fault_in_surviving_lost_data_is_found(run: Run) -> None:
    """Connections that are not asserted again when the data are lost are missed."""
    with pytest.MonkeyPatch.context() as patch:

        async def spoil(replicas: Replicas) -> None:
            _asserts_nothing(patch, replicas)

        run(spoil)
        assert any(failure(run, QUICK, lossy(seed)) for seed in range(MOST))
