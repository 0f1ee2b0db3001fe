"""The shell of the link gateway: it reads facts, waits and writes; package ``rules`` decides."""

__version__ = "0.1.0"
