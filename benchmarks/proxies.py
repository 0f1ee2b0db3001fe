"""The proxies people would use instead, each as its own manual sets it up, one worker, no access log.

Rule that holds here: everybody keeps connections to the platform open and tells it who asks; nothing else is tuned,
but where a name says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import ROOT, NotMeasured, free_port

NODE_DIRECTORY = ROOT / "build" / "node"
WIDE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k;"

NGINX = """\
user {user};
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx-error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  {more}
}}
"""
NGINX_PROXY = """
  map $http_upgrade $kept {{ default upgrade; "" ""; }}
  upstream platform {{ server 127.0.0.1:{platform}; keepalive 64; }}
  {around}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    {beside}
    location / {{
      proxy_pass http://platform;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $kept;
      proxy_read_timeout 1h;
      {inside}
    }}
  }}
"""
NGINX_GATE = """
    location = /_gate {{
      internal;
      proxy_pass http://gate/auth/nginx;
      proxy_http_version 1.1;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      {kept}
    }}
"""
NGINX_KEPT = """
      proxy_cache gate;
      proxy_cache_key "$request_method $http_host $request_uri $http_origin $http_cookie";
      proxy_cache_valid 200 1s;
      proxy_ignore_headers Cache-Control Expires;
"""
NGINX_FILES = """
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ ^/[^/]+/[^/]+/(.+)$ {{ alias {directory}/files/$1; }}
  }}
"""
HAPROXY = """\
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:{port} backlog 4096
  default_backend platform
backend platform
  server one 127.0.0.1:{platform}
"""
CADDY = """\
{{
  admin off
  auto_https off
}}
http://:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{platform}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """How a proxy is started: made of a directory of its own, its port, and the platform's."""

    name: str
    command: Callable[[Path, int, int], list[str]]


def nginx(directory: Path, port: int, platform: int) -> list[str]:
    """The command of an nginx that forwards everything."""
    return _nginx(directory, NGINX_PROXY.format(port=port, platform=platform, around="", beside="", inside=""))


def wide_nginx(directory: Path, port: int, platform: int) -> list[str]:
    """The command of an nginx with 64k buffers."""
    more = NGINX_PROXY.format(port=port, platform=platform, around="", beside="", inside=WIDE_BUFFERS)
    return _nginx(directory, more)


def asking_nginx(directory: Path, port: int, platform: int, gate: int, *, kept: bool) -> list[str]:
    """The command of an nginx that asks a gateway's internal port about each request; `kept`: at most once a second."""
    around = f"upstream gate {{ server 127.0.0.1:{gate}; keepalive 64; }}"
    around += f" proxy_cache_path {directory}/gate keys_zone=gate:1m;" if kept else ""
    beside = NGINX_GATE.format(kept=NGINX_KEPT if kept else "")
    inside = "auth_request /_gate;"
    return _nginx(
        directory, NGINX_PROXY.format(port=port, platform=platform, around=around, beside=beside, inside=inside)
    )


def files(directory: Path, port: int, sizes: dict[str, int]) -> list[str]:
    """The command of an nginx that serves files of these sizes under /any/any/NAME: a platform that does not limit."""
    for name, size in sizes.items():
        (directory / "files").mkdir(exist_ok=True)
        (directory / "files" / name).write_bytes(b"x" * size)
    return _nginx(directory, NGINX_FILES.format(port=port, directory=directory))


def haproxy(directory: Path, port: int, platform: int) -> list[str]:
    """The command of a HAProxy."""
    config = _written(directory / "haproxy.cfg", HAPROXY.format(port=port, platform=platform))
    return [program("haproxy"), "-db", "-f", config]


def caddy(directory: Path, port: int, platform: int) -> list[str]:
    """The command of a Caddy."""
    config = _written(directory / "Caddyfile", CADDY.format(port=port, platform=platform))
    kept = [f"{name}={directory}" for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")]
    return ["env", *kept, program("caddy"), "run", "--config", config, "--adapter", "caddyfile"]


def node_proxy(_directory: Path, port: int, platform: int) -> list[str]:
    """The command of a configurable-http-proxy."""
    script = NODE_DIRECTORY / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
    if not script.exists():
        raise NotMeasured("configurable-http-proxy is not installed")
    where = ["--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(free_port())]
    target = ["--default-target", f"http://127.0.0.1:{platform}", "--log-level", "error"]
    return [program("node"), str(script), *where, *target]


def naive(_directory: Path, port: int, platform: int) -> list[str]:
    """The command of benchmarks.naive."""
    return [sys.executable, "-m", "benchmarks.naive", str(port), f"http://127.0.0.1:{platform}"]


PROXIES = {
    each.name: each
    for each in (
        Proxy("nginx", nginx),
        Proxy("nginx, 64k buffers", wide_nginx),
        Proxy("HAProxy", haproxy),
        Proxy("Caddy", caddy),
        Proxy("configurable-http-proxy", node_proxy),
        Proxy("aiohttp server + ClientSession", naive),
    )
}


def program(name: str) -> str:
    """Where a program is; Debian keeps some outside of a user's PATH. Raises NotMeasured."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotMeasured(f"{name} is not installed")
    return found


def _nginx(directory: Path, more: str) -> list[str]:
    config = _written(
        directory / "nginx.conf", NGINX.format(user=pwd.getpwuid(os.getuid()).pw_name, directory=directory, more=more)
    )
    return [program("nginx"), "-p", str(directory), "-c", config, "-e", str(directory / "nginx-error.log")]


def _written(path: Path, content: str) -> str:
    path.write_text(content, encoding="utf-8")
    return str(path)
