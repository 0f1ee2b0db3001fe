"""What is wrong with the platform's address and its routes: name -> the file, the key, what is said."""

from __future__ import annotations

CALL = '[[routes]]\npath = "/call/{alias}"\nclass = "entry"\nbinds = "path"\n'

UPSTREAM: dict[str, tuple[str, str, str]] = {
    "accel for nobody": ('[upstream]\naccel = "@platform"', "upstream.accel", "server.trusted_proxies"),
    "accel to a path": ('[upstream]\naccel = "/platform"', "upstream.accel", "name of a location"),
    "upstream with a path": ('[upstream]\nurl = "http://h:1/x"', "upstream.url", "without a path"),
    "no upstream": ("[upstream]\nurl = []", "upstream.url", "a list of addresses"),
    "one bad upstream of two": ('[upstream]\nurl = ["http://h:1", "h:2"]', "upstream.url", "without a path"),
    "upstream twice": ('[upstream]\nurl = ["http://h:1", "http://h:1/"]', "upstream.url", "name each address once"),
    "upstreams without end": (
        f"[upstream]\nurl = {[f'http://h:{port}' for port in range(1, 18)]}",
        "upstream.url",
        "at most 16",
    ),
    "authorities that are not there": (
        '[upstream]\nca_file = "none.pem"',
        "upstream.ca_file",
        "cannot be read: No such file",
    ),
    "authorities that are none": ('[upstream]\nca_file = "config.toml"', "upstream.ca_file", "no certificate in PEM"),
    "never aside": ("[upstream]\nfails_before_aside = 0", "upstream.fails_before_aside", "must be at least 1"),
    "entry without alias": ('[upstream]\nentry = "/call"', "upstream.entry", 'no route of class "entry"'),
    "entry without route": ('[upstream]\nentry = "/c/{alias}"', "upstream.entry", 'no route of class "entry"'),
    "half a connection": ("[upstream]\nmax_connections = 0.5", "upstream.max_connections", "must be a whole number"),
    "body beyond all": ("[upstream]\nmax_body_bytes = 2_000_000_000_000", "upstream.max_body_bytes", "must be at most"),
    "a header that is none": ('[upstream]\nstrip = ["User Id"]', "upstream.strip[0]", "the name of a header"),
    "a header of the gateway's": ('[upstream]\nstrip = ["X-Real-IP"]', "upstream.strip[0]", "gateway's own matter"),
    "route to nowhere": (CALL + '[[routes]]\npath = "a"\nclass = "asset"', "routes[1].path", "a path is exact"),
    "route with dots": (
        CALL + '[[routes]]\npath = "/a/../b"\nclass = "asset"',
        "routes[1].path",
        "a segment is one placeholder",
    ),
    "route of a person": (
        CALL + '[[routes]]\npath = "/{who}"\nclass = "asset"',
        "routes[1].path",
        "placeholders are {clinic}",
    ),
    "route twice": (CALL + CALL, "routes", "stands here twice"),
    "unknown class": (CALL + '[[routes]]\npath = "/a"\nclass = "page"', "routes[1].class", "must be one of 'asset'"),
    "an answer that is not ours": (CALL + 'answer = "{}"', "routes[0].answer", "class mint"),
    "counting by pages": (CALL + 'counts = "event"', "routes[0].counts", "signal or poll"),
    "odd method": (CALL + 'methods = ["GET/1"]', "routes[0].methods", "not a method"),
    "unknown binding": (CALL.replace('"path"', '"cookie"'), "routes[0].binds", "path, query:NAME"),
    "binding without name": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nbinds = "path"',
        "routes[1].binds",
        "needs {alias}",
    ),
    "route to an unknown place": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nupstream = "ftp://h"',
        "routes[1].upstream",
        "an address such as",
    ),
    "route to one place and to nowhere": (
        CALL + '[[routes]]\npath = "/s"\nclass = "signal"\nbinds = "unbound"\nupstream = ["http://h", "ftp://h"]',
        "routes[1].upstream",
        "an address such as",
    ),
    "route to a number": (CALL + "upstream = 8080", "routes[0].upstream", "a list of addresses"),
}
