"""Where the Redis servers are: one address, those of Sentinels, or those of a cluster. All who use Redis ask here.

``redis://``, ``rediss://`` and ``unix://`` as everywhere; ``redis+sentinel://host:port,host:port/service/database``
asks the Sentinels for the master at each new connection; ``redis+cluster://host:port,host:port/?sharded=1`` asks any
node for all. User and password in the address are the servers'; ``?ssl=1`` means TLS to them, ``ssl_ca_certs`` names
whom to believe. Sentinels that want a sign-in or TLS of their own have ``sentinel_username``, ``sentinel_password`` and
``sentinel_ssl=1``. Pub/sub knows no database number, and a cluster has none.
"""

import ssl
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, Protocol, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import AfterValidator
from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisUnreachable
from redis.exceptions import RedisClusterException, RedisError

SLOTS = 16_384
FIND_TIMEOUT = 2.0

Client = Redis | RedisCluster
"""The general client: commands are methods that wait for their answer."""


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

    def client(self, timeout: float) -> Client:
        """A client of theirs, not connected yet, which waits ``timeout`` seconds for each answer and tries once."""


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


def queue_places(url: str) -> "OnePlace | SentinelPlaces":
    """The servers that ``url`` names, for the queue.

    Raises:
        ValueError: it names none, or a cluster: its keys lie on several servers, and Celery needs them on one.
    """
    found = places(url)
    if isinstance(found, OnePlace | SentinelPlaces):
        return found
    raise ValueError(
        "Celery cannot queue in a Redis cluster: DOJO_QUEUE_URL must name one Redis (redis://, rediss://, unix://)"
        " or Sentinels (redis+sentinel://); the cluster stays for everything else"
    )


def _names_servers(url: str) -> str:
    places(url)
    return url


RedisUrl = Annotated[str, AfterValidator(_names_servers)]
"""A setting that ``places`` understands."""


class OnePlace:
    """A server whose address is known."""

    sharded = False

    def __init__(self, url: str) -> None:
        self._url = url
        parsed: dict[str, Any] = dict(parse_url(url))
        self.db = int(parsed.get("db", 0))
        self.tls_options = {name: value for name, value in parsed.items() if name.startswith("ssl_")}
        tls = None
        if url.startswith("rediss://"):
            tls = ssl.create_default_context(cafile=parsed.get("ssl_ca_certs"))
            if parsed.get("ssl_certfile"):
                tls.load_cert_chain(parsed["ssl_certfile"], parsed.get("ssl_keyfile"))
            if parsed.get("ssl_cert_reqs") == "none":
                tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        self.place = Place(
            parsed.get("host", "localhost"), parsed.get("port", 6379), parsed.get("path"),
            parsed.get("username"), parsed.get("password"), tls,
        )  # fmt: skip

    async def find(self) -> list[Shard]:
        """It is where it is."""
        return [Shard(self.place, [range(SLOTS)])]

    def client(self, timeout: float) -> Client:
        """As redis-py itself reads the address."""
        return Redis.from_url(self._url, **_patience(timeout))


def _patience(timeout: float) -> dict[str, Any]:
    return {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": Retry(NoBackoff(), 0)}


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
            raise ValueError("the address of Redis names no server")
        self.path = parts.path.strip("/")
        self.query = dict(parse_qsl(parts.query))
        self.sharded = self.query.get("sharded") == "1"
        self.tls_options = {name: value for name, value in self.query.items() if name == "ssl_ca_certs"}
        trusted = self.tls_options.get("ssl_ca_certs")
        self.tls = ssl.create_default_context(cafile=trusted) if self.query.get("ssl") == "1" else None

    def place(self, host: str, port: int) -> Place:
        """A server with our word for it."""
        return Place(host, port, None, self.username, self.password, self.tls)

    def sign_in(self) -> dict[str, Any]:
        """The same for the general client."""
        tls = {"ssl": True, **self.tls_options} if self.tls else {}
        return {"username": self.username, "password": self.password, **tls}


def _host(item: str) -> tuple[str, int]:
    host, _, port = item.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (port, 6379)


class _MasterConnections(SentinelConnectionPool):
    """When they are closed, those to the Sentinels are too."""

    async def aclose(self) -> None:
        await super().aclose()
        for client in self.sentinel_manager.sentinels:
            await client.aclose()


class SentinelPlaces(_Many):
    """The present master of a service, as the Sentinels know it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.service, _, database = self.path.partition("/")
        if not self.service:
            raise ValueError("the address of the Sentinels names no service: redis+sentinel://host:port/service")
        self.db = int(database or 0)
        tls = {"ssl": True, **self.tls_options} if self.query.get("sentinel_ssl") == "1" else {}
        username, password = self.query.get("sentinel_username"), self.query.get("sentinel_password")
        self.sentinel_sign_in: dict[str, Any] = {"username": username, "password": password, **tls}
        """What the Sentinels themselves want to know, in redis-py's words."""

    def _sentinel(self, timeout: float) -> Sentinel:
        once = _patience(timeout)  # else each Sentinel that is away is tried for seven seconds
        return Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
            self.hosts, sentinel_kwargs={**once, **self.sentinel_sign_in}, **once
        )

    def client(self, timeout: float) -> Client:
        """One whose every new connection is to the master of that moment."""
        sentinel = self._sentinel(timeout)
        found: Redis = sentinel.master_for(
            self.service, connection_pool_class=_MasterConnections, db=self.db, **self.sign_in()
        )
        return found

    async def find(self) -> list[Shard]:
        """Ask them."""
        sentinel = self._sentinel(FIND_TIMEOUT)
        try:
            host, port = await sentinel.discover_master(self.service)
        except RedisError as error:
            raise ConnectionError("no Sentinel knows the master") from error
        finally:
            for client in sentinel.sentinels:
                await client.aclose()
        return [Shard(self.place(host, port), [range(SLOTS)])]


class _Cluster(RedisCluster):
    """Finds the nodes before it chooses one for a command: redis-py chooses first, and then begins anew for all.

    Several commands at once would break each other's connections. And what goes wrong is a ``RedisError`` here too.
    """

    async def initialize(self, *args: Any, **kwargs: Any) -> Self:
        try:
            await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisUnreachable(str(error)) from error
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        await self.initialize()
        try:
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisUnreachable(str(error)) from error


class ClusterPlaces(_Many):
    """The nodes of a cluster: any one, for it repeats what is published to all; or each with its slots."""

    def client(self, timeout: float) -> RedisCluster:
        """One that knows which node has which key, and learns when that changes."""
        nodes = [ClusterNode(host, port) for host, port in self.hosts]
        return _Cluster(startup_nodes=nodes, require_full_coverage=False, **self.sign_in(), **_patience(timeout))

    async def find(self) -> list[Shard]:
        """Ask the first one that answers."""
        client = self.client(FIND_TIMEOUT)
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
