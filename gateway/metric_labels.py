"""The closed sets that the labels of metrics come from.

Rule that holds here: no clinic, person, door or path is in any of them; what is in no set is counted as OTHER.
"""

from __future__ import annotations

from rules.reasons import Outcome
from rules.routes import RouteClass

OTHER = "other"
LINKS = ("room", "session", "none")
ROUTES = ("link", "desk", "host", "own", "v1", "auth", "probe", "unlisted", *RouteClass)
CODE_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
UPSTREAM_KINDS = ("connect", "timeout", "tls", "protocol", "closed", "truncated", "full")
UPSTREAMS = (*(str(number) for number in range(1, 17)), "route")  # as [upstream] url lists them; those of routes
TUNNEL_ENDS = ("client", "upstream", "stalled", "revoked", "drained")
STORE_KINDS = (
    *("slow", "down", "open", "readonly", "loading", "busy", "refused", "cluster"),
    *("contended", "undurable", "crossed", "error", "full"),
)
WAIT_OUTCOMES = ("admitted", "denied", "removed", "gave_up", "ended")
CHECKS = (*Outcome, "faulty")
DIALECTS = ("nginx", "traefik", "caddy", "haproxy", "envoy")
STORE_OPERATIONS = ("read", "commit", "beat", "append", "settle", "command")
WEBHOOK_OUTCOMES = ("delivered", "retried", "given_up", "gone")
RELOADS = ("done", "refused")
PLATFORM_CALLS = ("open", "remove", "end", "ask", "check")
PLATFORM_CALL_OUTCOMES = ("done", "refused", "unanswered", "not_made", "given_up")
PLATFORM_KINDS = ("livekit", "bigbluebutton", "openvidu", "jitsi", "janus")
PLATFORM_OUTCOMES = (
    *("joined", "left", "ended", "refused", "late", "duplicate"),
    *("stale", "unknown", "ignored", "unreadable", "forged", "away"),
)
