"""The only place that talks to Redis or Valkey: doors, directory, presence, hints, time and events.

Rule that holds here: whoever is outside sees values of `rules` and the three errors of `gateway.store.errors`.
"""

from gateway.store.client import Store, StoreSettings
from gateway.store.directory import Directory, Page
from gateway.store.doors import Change, Doors, Located
from gateway.store.errors import Outdated, StoreAway, StoreFull, UnknownOwner
from gateway.store.hooks import Endpoint, Hooks, Lane, Secret, Settlement
from gateway.store.hub import Hub
from gateway.store.identifiers import Identifiers
from gateway.store.ledger import Ledger
from gateway.store.outbox import Entry, Mover
from gateway.store.platform import Known, PlatformFacts
from gateway.store.presence import Connection, Presences
from gateway.store.sessions import Appointment, Listing, Sessions
from gateway.store.snapshot import Snapshot
from gateway.store.trail import Place, Traced, Trail, stream_of
from gateway.store.watcher import Subscription, Watcher
from gateway.store.worker import Worker

__all__ = [
    "Appointment",
    "Change",
    "Connection",
    "Directory",
    "Doors",
    "Endpoint",
    "Entry",
    "Hooks",
    "Hub",
    "Identifiers",
    "Known",
    "Lane",
    "Ledger",
    "Listing",
    "Located",
    "Mover",
    "Outdated",
    "Page",
    "Place",
    "PlatformFacts",
    "Presences",
    "Secret",
    "Sessions",
    "Settlement",
    "Snapshot",
    "Store",
    "StoreAway",
    "StoreFull",
    "StoreSettings",
    "Subscription",
    "Traced",
    "Trail",
    "UnknownOwner",
    "Watcher",
    "Worker",
    "stream_of",
]
