"""What can go wrong between the gateway and its store, in the few ways that callers tell apart.

Rule that holds here: nothing of redis-py's leaves this package; a caller sees `StoreAway`, `StoreFull` or
`UnknownOwner`.
"""

from __future__ import annotations

from redis import exceptions as redis_errors

from rules.model import Millis


class StoreAway(Exception):
    """The store gave no answer that can be trusted. Whether a write happened is unknown.

    Repeat it with its operation id.

    `kind` is from a closed list, fit for a metric label: slow, down, open (the breaker), readonly, loading, busy,
    refused, cluster, contended, undurable, crossed, error.
    """

    def __init__(self, kind: str, detail: str = "") -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(f"the store is away: {kind}{': ' + detail if detail else ''}")


class StoreFull(Exception):
    """The store has no memory left for this write, and nothing of it was written."""

    kind = "full"

    def __init__(self) -> None:
        super().__init__("the store is full")


class UnknownOwner(Exception):
    """No room of this id, or no clinic of that room, is in the store.

    While `epoch_since_ms` is younger than twice the presence TTL, the store may have lost data: answer 503, not 404.
    """

    def __init__(self, owner_id: str, epoch_since_ms: Millis, now_ms: Millis) -> None:
        self.owner_id = owner_id
        self.epoch_since_ms = epoch_since_ms
        self.now_ms = now_ms
        super().__init__(f"no owner {owner_id} is known")


class Outdated(Exception):
    """A change was asked for on the condition that the door is as the caller knew it, and it is not."""


class ScriptMismatch(Exception):
    """A call does not fit the header of the script it names. A fault of the program, never of the store."""


# The first word of the server's answer, where redis-py has no class of its own for it.
_KINDS = {
    word: kind
    for kind, words in {
        "readonly": ("READONLY", "MASTERDOWN", "NOREPLICAS", "MISCONF", "UNBLOCKED"),
        "refused": ("NOAUTH", "NOPERM", "WRONGPASS"),
        "loading": ("LOADING",),
        "busy": ("BUSY",),
        "cluster": ("CLUSTERDOWN", "MOVED", "ASK", "TRYAGAIN"),
    }.items()
    for word in words
}
_CLASSES: tuple[tuple[type[Exception], str], ...] = (
    (redis_errors.ReadOnlyError, "readonly"),
    (redis_errors.BusyLoadingError, "loading"),
    (redis_errors.AuthenticationError, "refused"),
    (redis_errors.NoPermissionError, "refused"),
    (redis_errors.MasterDownError, "readonly"),
    (redis_errors.ClusterError, "cluster"),
    (redis_errors.RedisClusterException, "cluster"),
    (redis_errors.AskError, "cluster"),  # and MOVED, its subclass
    (redis_errors.TryAgainError, "cluster"),
    (redis_errors.ClusterDownError, "cluster"),
    (redis_errors.TimeoutError, "slow"),
    (TimeoutError, "slow"),
    (redis_errors.ConnectionError, "down"),
    (OSError, "down"),
)


def fault_of(error: BaseException) -> StoreAway | StoreFull:
    """What `error`, raised or answered by the client library, means to a caller."""
    if isinstance(error, StoreAway | StoreFull):
        return error
    if isinstance(error, redis_errors.OutOfMemoryError) or str(error).startswith("OOM"):
        return StoreFull()
    word = str(error).split(" ", 1)[0]
    if word in _KINDS:
        return StoreAway(_KINDS[word], str(error))
    for class_, kind in _CLASSES:
        if isinstance(error, class_):
            return StoreAway(kind, str(error))
    return StoreAway("error", f"{type(error).__name__}: {error}")
