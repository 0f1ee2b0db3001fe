"""Which trailers cross: the lines behind a chunked body, by the same table as the lines of a head.

Rule that holds here: a trailer comes too late to be decided about, so only a name crosses that the table leaves alone
and that changes neither how a message is framed, routed, authorised or cached nor how its content is read
(RFC 9110 section 6.5.1). Names are looked up folded, as in rules.headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.headers import OURS, RESPONSE, Header, UpstreamHeaders, fold_name

_IN_HEADS_ONLY = frozenset(
    {
        *(b"age", b"authorization", b"www-authenticate", b"cookie", b"set-cookie", b"host", b"origin", b"via", b"from"),
        *(b"cache-control", b"expires", b"pragma", b"vary", b"warning", b"retry-after", b"date", b"location"),
        *(b"content-encoding", b"content-type", b"content-range", b"content-length", b"content-disposition"),
        *(b"content-security-policy", b"strict-transport-security", b"max-forwards", b"range", b"expect", b"refresh"),
        *(b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range", b"proxy-status"),
    }
)


def request_trailers(lines: Iterable[Header], upstream: UpstreamHeaders) -> list[Header]:
    """What of a visitor's trailers goes on to the upstream."""
    return [line for line in lines if _crosses(line[0], upstream.table)]


def response_trailers(lines: Iterable[Header]) -> list[Header]:
    """What of a platform's trailers goes on to the visitor."""
    return [line for line in lines if _crosses(line[0], RESPONSE)]


def _crosses(name: bytes, table: Mapping[bytes, object]) -> bool:
    folded = fold_name(name)
    return folded not in table and folded not in _IN_HEADS_ONLY and not folded.startswith(OURS)
