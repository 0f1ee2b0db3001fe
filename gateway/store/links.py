"""Connections to the server, whatever it is: one machine, Sentinel or a cluster.

Rule that holds here: nothing is ever sent twice. redis-py's own retries are off; a connection that failed, timed out or
was cancelled in the middle of an exchange is closed, so no answer can reach the wrong caller.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import AskError, MovedError, ResponseError, TryAgainError

Command = Sequence[str | int | float]


class Link(Protocol):
    """One way to the server, used by one task at a time."""

    async def prepare(self) -> None:
        """Connect if need be, as far as possible before it is known what to send where. Raises when that fails."""

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send all, read all answers; a refused command's answer is its ResponseError. Raises when the link broke."""

    async def drop(self) -> None:
        """Close what is open; the next exchange connects anew."""


class SingleLink:
    """One connection to one server, made when needed."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    async def prepare(self) -> None:
        """See Link."""
        await self._open()

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See Link."""
        whole = False
        try:
            connection = await self._open()
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            answers = [await read_answer(connection) for _ in commands]
            whole = True
            return answers
        finally:
            if not whole:
                await self.drop()

    async def _open(self) -> Connection:
        """The connection, made anew if the server has closed it since: then nothing has been sent on it."""
        reader = getattr(self._connection, "_reader", None)
        if self._connection is not None and (reader is None or reader.at_eof()):
            await self.drop()
        if self._connection is None:
            self._connection = self._connect()
            await self._connection.connect()
        return self._connection

    async def drop(self) -> None:
        """See Link."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


class ClusterLink:
    """One connection to each node; the slots' map is redis-py's."""

    def __init__(self, make: Callable[[], RedisCluster], connect: Callable[[str, int], Connection]) -> None:
        self._make = make
        self._connect = connect
        self._cluster: RedisCluster | None = None
        self._nodes: dict[str, SingleLink] = {}

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """See Link. Commands go to the node of their first key; a redirected one was not executed and is sent on."""
        cluster = await self._find()
        groups: dict[str, list[int]] = defaultdict(list)
        nodes: dict[str, ClusterNode] = {}
        for index, command in enumerate(commands):
            node = self._node_of(cluster, command, previous=next(reversed(nodes.values()), None))
            nodes[node.name] = node
            groups[node.name].append(index)
        answers: list[Any] = [None] * len(commands)
        parts = [self._to(nodes[name]).exchange([commands[i] for i in group]) for name, group in groups.items()]
        # All are waited for, so that none goes on with a connection that is dropped because another failed.
        done = await asyncio.gather(*parts, return_exceptions=True)
        for group, part in zip(groups.values(), done, strict=True):
            if isinstance(part, BaseException):
                raise part
            for index, answer in zip(group, part, strict=True):
                answers[index] = await self._follow(commands[index], answer)
        return answers

    async def prepare(self) -> None:
        """See Link."""
        await self._find()

    async def _find(self) -> RedisCluster:
        self._cluster = self._cluster or self._make()
        return await self._cluster.initialize()

    def _node_of(self, cluster: RedisCluster, command: Command, previous: ClusterNode | None) -> ClusterNode:
        key = key_of(command)
        if key is None:  # WAITAOF: it belongs to the write before it
            return previous or cluster.get_random_node()
        return cluster.nodes_manager.get_node_from_slot(cluster.keyslot(key))

    def _to(self, node: ClusterNode) -> SingleLink:
        if node.name not in self._nodes:
            self._nodes[node.name] = SingleLink(lambda: self._connect(str(node.host), int(node.port)))
        return self._nodes[node.name]

    async def _follow(self, command: Command, answer: Any) -> Any:
        if not isinstance(answer, MovedError | AskError | TryAgainError) or self._cluster is None:
            return answer
        try:
            return await self._cluster.execute_command(*command)
        except ResponseError as error:
            return error

    async def drop(self) -> None:
        """See Link."""
        for link in self._nodes.values():
            await link.drop()
        self._nodes.clear()
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            await cluster.aclose()


def key_of(command: Command) -> str | None:
    """The first key of a command as this package writes them."""
    name = str(command[0])
    if name in ("EVALSHA", "EVAL"):
        return str(command[3])
    return str(command[1]) if len(command) > 1 and not name.startswith("WAIT") and name != "PUBLISH" else None


async def read_answer(connection: Connection) -> Any:
    """One answer, a refused command's being its error. Raises when the connection broke."""
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


class Server:
    """Where the store is, as its url says; makes links and subscriber connections.

    `redis://`, `rediss://`, `unix://` as redis-py reads them (with `ssl_ca_certs=` and the like in the query);
    `sentinel://[user:password@]h1:p,h2:p/service` and `cluster://h1:p,h2:p`, with `?ssl=true` for TLS.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self.url = url
        self._options: dict[str, Any] = {
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": timeout_s,
            "socket_connect_timeout": timeout_s,
            "protocol": 2,
            "decode_responses": True,
        }
        self._parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(self._parts.query).items()}
        self._ssl = query.pop("ssl", "") == "true"
        self._sentinels: SentinelConnectionPool | None = None
        if self._parts.scheme in ("sentinel", "cluster"):
            self._options |= query
            if self._parts.username or self._parts.password:
                self._options |= {"username": unquote(self._parts.username or "") or None}
                self._options |= {"password": unquote(self._parts.password or "")}
        if self._parts.scheme == "sentinel":
            self._sentinels = self._sentinel_pool(timeout_s)

    def link(self) -> Link:
        """A new way to the server; connects when first used."""
        if self._parts.scheme == "cluster":
            return ClusterLink(self._cluster, self._connection_to)
        return SingleLink(self.connection)

    def connection(self) -> Connection:
        """A connection not yet connected: to the server, the current primary, or any node of a cluster."""
        if self._sentinels is not None:
            found: Connection = self._sentinels.make_connection()
            return found
        if self._parts.scheme == "cluster":
            host, port = random.choice(self._addresses())  # noqa: S311  spreads load, guards nothing
            return self._connection_to(host, port)
        given: dict[str, Any] = dict(parse_url(self.url))
        class_ = given.pop("connection_class", Connection)
        connection: Connection = class_(**(given | self._options))
        return connection

    async def close(self) -> None:
        """Close what was opened to find the server."""
        if self._sentinels is not None:
            for sentinel in self._sentinels.sentinel_manager.sentinels:
                await sentinel.aclose()

    def _addresses(self) -> list[tuple[str, int]]:
        places = self._parts.netloc.rsplit("@", 1)[-1].split(",")
        return [(place.rsplit(":", 1)[0].strip("[]"), int(place.rsplit(":", 1)[1])) for place in places]

    def _connection_to(self, host: str, port: int) -> Connection:
        return (SSLConnection if self._ssl else Connection)(host=host, port=port, **self._options)

    def _cluster(self) -> RedisCluster:
        nodes = [ClusterNode(host, port) for host, port in self._addresses()]
        options = {k: v for k, v in self._options.items() if k != "retry"}
        return RedisCluster(startup_nodes=nodes, ssl=self._ssl, retry=self._options["retry"], **options)

    def _sentinel_pool(self, timeout_s: float) -> SentinelConnectionPool:
        own = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s, "retry": self._options["retry"]}
        sentinel = Sentinel(self._addresses(), sentinel_kwargs=own)
        return SentinelConnectionPool(self._parts.path.strip("/"), sentinel, ssl=self._ssl, **self._options)
