"""Where the bus's Redis servers are: one address, those of Sentinels, or those of a cluster.

``redis://``, ``rediss://`` and ``unix://`` as everywhere; ``redis+sentinel://host:port,host:port/service`` asks the
Sentinels for the master at each new connection; ``redis+cluster://host:port,host:port/?sharded=1`` asks any node for
all. User and password in the address are the servers'; ``?ssl=1`` means TLS. Pub/sub knows no database number.
"""

import ssl
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import parse_url
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

SLOTS = 16_384
FIND_TIMEOUT = 2.0


class Place(NamedTuple):
    """A server, and how to sign in there."""

    host: str = ""
    port: int = 0
    path: str | None = None
    """Of a Unix socket."""
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None


class Shard(NamedTuple):
    """A server and the hash slots whose channels go through it."""

    place: Place
    slots: Sequence[range]


class Places(Protocol):
    """Finds servers."""

    sharded: bool
    """Whether channels belong to hash slots (Redis 7 sharded pub/sub)."""

    async def find(self) -> list[Shard]:
        """Where the servers are now; one of them, unless sharded.

        Raises:
            OSError: nobody answers.
        """


def places(url: str) -> Places:
    """The servers that ``url`` names.

    Raises:
        ValueError: it names none.
    """
    if url.startswith("redis+sentinel://"):
        return SentinelPlaces(url)
    if url.startswith("redis+cluster://"):
        return ClusterPlaces(url)
    return OnePlace(url)


class OnePlace:
    """A server whose address is known."""

    sharded = False

    def __init__(self, url: str) -> None:
        parsed: dict[str, Any] = dict(parse_url(url))
        tls = None
        if url.startswith("rediss://"):
            tls = ssl.create_default_context(cafile=parsed.get("ssl_ca_certs"))
            if parsed.get("ssl_certfile"):
                tls.load_cert_chain(parsed["ssl_certfile"], parsed.get("ssl_keyfile"))
            if parsed.get("ssl_cert_reqs") == "none":
                tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self._place = Place(
            parsed.get("host", "localhost"), parsed.get("port", 6379), parsed.get("path"),
            parsed.get("username"), parsed.get("password"), tls,
        )  # fmt: skip

    async def find(self) -> list[Shard]:
        """It is where it is."""
        return [Shard(self._place, [range(SLOTS)])]


class _Many:
    """What the addresses of several servers have in common."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        who, _, hosts = parts.netloc.rpartition("@")
        username, _, password = who.partition(":")
        self.username = unquote(username) or None
        self.password = unquote(password) or None
        self.hosts = [_host(item) for item in hosts.split(",") if item]
        if not self.hosts:
            raise ValueError("the address of the bus names no server")
        self.path = parts.path.strip("/")
        query = parse_qs(parts.query)
        self.sharded = query.get("sharded", ["0"])[0] == "1"
        self.tls = ssl.create_default_context() if query.get("ssl", ["0"])[0] == "1" else None

    def place(self, host: str, port: int) -> Place:
        """A server with our word for it."""
        return Place(host, port, None, self.username, self.password, self.tls)


def _host(item: str) -> tuple[str, int]:
    host, _, port = item.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (port, 6379)


class SentinelPlaces(_Many):
    """The present master of a service, as the Sentinels know it."""

    async def find(self) -> list[Shard]:
        """Ask them; they need no password of ours."""
        sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
            self.hosts, socket_timeout=FIND_TIMEOUT, socket_connect_timeout=FIND_TIMEOUT
        )
        try:
            host, port = await sentinel.discover_master(self.path.split("/")[0])
        except RedisError as error:
            raise ConnectionError("no Sentinel knows the master") from error
        finally:
            for client in sentinel.sentinels:
                await client.aclose()
        return [Shard(self.place(host, port), [range(SLOTS)])]


class ClusterPlaces(_Many):
    """The nodes of a cluster: any one, for it repeats what is published to all; or each with its slots."""

    async def find(self) -> list[Shard]:
        """Ask the first one that answers."""
        client = RedisCluster(
            startup_nodes=[ClusterNode(host, port) for host, port in self.hosts],
            username=self.username, password=self.password, ssl=self.tls is not None,
            require_full_coverage=False, socket_timeout=FIND_TIMEOUT, socket_connect_timeout=FIND_TIMEOUT,
        )  # fmt: skip
        try:
            await client.initialize()
            slots: dict[tuple[str, int], list[int]] = {}
            for slot, nodes in client.nodes_manager.slots_cache.items():
                slots.setdefault((nodes[0].host, int(nodes[0].port)), []).append(slot)
        except RedisError as error:
            raise ConnectionError("no node of the cluster answers") from error
        finally:
            await client.aclose()
        if not self.sharded:
            (host, port), *_ = slots or [self.hosts[0]]
            return [Shard(self.place(host, port), [range(SLOTS)])]
        return [Shard(self.place(*node), _ranges(sorted(owned))) for node, owned in sorted(slots.items())]


def _ranges(numbers: Sequence[int]) -> list[range]:
    found: list[range] = []
    for number in numbers:
        if found and found[-1].stop == number:
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found
