"""The sections of the configuration, one model each: their keys, defaults and what each value must be like.

Rule that holds here: a value is judged by itself; whatever involves two keys is judged in `checks`. Nothing is read,
made or opened. Durations are seconds (``*_s``); the meaning of each key stands in config.example.toml.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.config.texts import (
    AddressText,
    HeaderName,
    HeaderText,
    KeyPrefix,
    NetworkText,
    NginxLocation,
    NotEmpty,
    OptionalBase,
    OptionalOrigin,
    Origin,
    PageLanguage,
    RoomPath,
    Slug,
    StoreUrl,
    StrippedName,
    UpstreamUrls,
    WordOrList,
)
from rules.route_rows import JSON, RouteFault, compile_route
from rules.routes import Route as CompiledRoute

_YEAR_S = 366 * 86_400

Seconds = Annotated[float, Field(ge=0, le=_YEAR_S, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, le=_YEAR_S, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
# The items stay strict; only the list itself may become a tuple.
Languages = Annotated[tuple[PageLanguage, ...], Field(strict=False, min_length=1)]
Slugs = Annotated[tuple[Slug, ...], Field(strict=False, min_length=1)]
Origins = Annotated[tuple[Origin, ...], Field(strict=False)]
Networks = Annotated[tuple[NetworkText, ...], Field(strict=False)]
Methods = Annotated[tuple[str, ...], Field(strict=False)]
StrippedNames = Annotated[tuple[StrippedName, ...], Field(strict=False)]
Keys = Annotated[tuple[str, ...], Field(strict=False, repr=False)]


class Section(BaseModel):
    """What every section is: closed, unchanging, and strict about types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Server(Section):
    public: AddressText = "0.0.0.0:8000"
    internal: AddressText = "127.0.0.1:9000"
    public_url: Origin = "https://video.example.org"
    trusted_proxies: Networks = ()
    desk_url: OptionalOrigin = ""
    drain_max_s: Seconds = 1800
    reuse_port: bool = False
    tls_certificate: str = ""
    tls_key: str = ""
    express: bool = True


class Store(Section):
    url: StoreUrl = Field("embedded", repr=False)  # may hold a password
    state_dir: NotEmpty = "state"
    deadline_s: Positive = 0.5
    durable_deadline_s: Positive = 3
    durable_replicas: Annotated[int, Field(ge=0, le=10)] = 0
    key_prefix: KeyPrefix = "lg"
    fail_static_s: Seconds = 900
    recheck_s: Seconds = 2


class Secrets(Section):
    keys: Keys = ()
    key_file: str = ""


class Links(Section):
    room: str = "/{clinic}/room/{owner}"
    session: str = "/session/{token}"


class Upstream(Section):
    url: UpstreamUrls = "http://127.0.0.1:8080"
    entry: str = "/call/{alias}"
    accel: NginxLocation = ""
    strip: StrippedNames = ()
    ca_file: str = ""
    fails_before_aside: Annotated[int, Field(ge=1, le=1000)] = 3
    aside_s: Positive = 10
    connect_s: Positive = 5
    head_s: Positive = 60
    idle_s: Positive = 300
    body_s: Positive = 30
    max_connections: Count = 512
    max_head_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 16_384
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 40)] = 1 << 30

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address, in the operator's order."""
        return (self.url,) if isinstance(self.url, str) else self.url


class Route(Section):
    """One row of the route table; `rules.route_rows` judges it and gives it its meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    path: str
    class_: Literal["asset", "entry", "signal", "poll", "api", "mint", "internal"] = Field(alias="class")
    role: Literal["", "host", "guest"] = ""
    methods: Methods = ()
    binds: str = "path"
    upstream: WordOrList = ""
    service_worker: bool = False
    counts: Literal["open", "event"] = "open"
    cookieless: bool = False
    answer: str = ""
    answer_type: str = JSON

    def compiled(self) -> CompiledRoute | tuple[RouteFault, ...]:
        """This row as the rules use it, or what they find wrong with it."""
        return compile_route(
            self.path,
            self.class_,
            self.role,
            self.methods,
            self.binds,
            self.upstream if isinstance(self.upstream, str) else " ".join(self.upstream),
            service_worker=self.service_worker,
            counts=self.counts,
            cookieless=self.cookieless,
            answer=self.answer,
            answer_type=self.answer_type,
        )


class Sessions(Section):
    opens_early_s: Seconds = 600
    host_early_s: Seconds = 1800
    closes_late_s: Seconds = 1800
    reentry_grace_s: Seconds = 900
    guest_admission: Literal["knock", "direct"] = "knock"
    max_length_h: Annotated[float, Field(gt=0, le=744)] = 24
    undo_end_s: Seconds = 120


class Rooms(Section):
    reentry_grace_s: Seconds = 300
    admission_ttl_s: Positive = 60
    denials_before_block: Annotated[int, Field(ge=1, le=100)] = 2
    deny_block_s: Seconds = 900


class Waiting(Section):
    ttl_s: Positive = 600
    remind_after_s: Positive = 120
    host_absent_after_s: Seconds = 300
    heartbeat_s: Positive = 10


class Presence(Section):
    ttl_s: Positive = 45
    heartbeat_s: Positive = 10


class Plans(Section):
    ladder: Slugs = ("essentials", "professional", "premium", "enterprise")
    session_links_from: Slug = "professional"
    addon: Slug = "sessions"


class Pages(Section):
    templates_dir: str = ""
    languages: Languages = ("en", "es", "fr", "de", "it", "pt", "el", "ar", "zh-Hans", "vi", "hi", "ja")
    frame_ancestors: Origins = ()


class Limits(Section):
    guests_per_door: Annotated[int, Field(ge=1, le=1000)] = 200
    places_per_address: Count = 5
    links_per_address_per_min: Count = 600
    unknown_links_per_address_per_min: Count = 60
    joins_per_address_per_min: Count = 60
    joins_per_door_per_min: Count = 120
    requests_per_address_per_s: Count = 200
    api_requests_per_key_per_min: Count = 1200
    event_streams: Count = 20_000
    event_streams_per_address: Count = 500
    event_streams_per_door: Count = 1_000
    tunnels: Count = 20_000
    tunnels_per_address: Count = 500
    tunnels_per_door: Count = 1_000


class Webhooks(Section):
    retention_days: Annotated[int, Field(ge=4, le=3660)] = 90  # more than deliveries are tried for
    endpoints: Annotated[int, Field(ge=1, le=200)] = 100
    allow_http: bool = False
    allow_networks: Networks = ()


class Halaxy(Section):
    base_url: OptionalBase = ""
    client_id: str = ""
    client_secret: str = Field("", repr=False)
    vendor: HeaderText = ""
    mail: HeaderText = ""
    rooms: dict[str, RoomPath] = Field(default_factory=dict)
    telehealth: Literal["location-type", "service-name", "all"] = "location-type"
    telehealth_words: Annotated[tuple[NotEmpty, ...], Field(strict=False, min_length=1)] = ("telehealth", "online")
    poll_s: Annotated[float, Field(ge=10, le=3600)] = 120
    requests_per_min: Annotated[int, Field(ge=10, le=500)] = 400
    webhook_secret: str = Field("", repr=False)
    webhook_header: HeaderName = "X-Halaxy-Webhook"
    webhook_header_value: str = Field("", repr=False)


class Tracing(Section):
    endpoint: OptionalBase = ""
    ratio: Annotated[float, Field(ge=0, le=1)] = 0.01


class Log(Section):
    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


# The routes of the demo platform: its page, its signalling, its assets.
DEFAULT_ROUTES = (
    Route(path="/call/{alias}", class_="entry"),
    Route(path="/signal/{alias}", class_="signal"),
    Route(path="/static/**", class_="asset"),
)


def _table(rows: tuple[Route, ...]) -> tuple[Route, ...]:
    seen = set()
    for route in rows:
        row = (route.path, route.methods)
        if row in seen:
            raise ValueError(f"{route.path} stands here twice; the second is never reached")
        seen.add(row)
    return rows or DEFAULT_ROUTES


Routes = Annotated[tuple[Route, ...], Field(strict=False), AfterValidator(_table)]
