"""The bus on servers of all kinds, and while they stop, pause, move or talk nonsense."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from redis.crc import key_slot

from app.parts import free_port
from core.bus import Bus, wire_name
from core.model import new_id
from core.redisplace import SLOTS, ClusterPlaces, SentinelPlaces, places
from tests.core.redis_servers import HALF, NEWER, ask, clustered, redis_server, watched
from tests.core.tls import TlsLine
from tests.core.waiting import until

SECRET = "s" * 40


@asynccontextmanager
async def two(*urls: str) -> AsyncIterator[tuple[Bus, Bus]]:
    """Two processes' ends of the bus, connected."""
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(Bus(url, SECRET).running()) for url in (urls[0], urls[-1])]
        await until(lambda: one.connected.is_set() and other.connected.is_set())
        yield one, other


async def talks(one: Bus, other: Bus) -> bool:
    """Whether what one says is heard by the other."""
    channel, heard = str(new_id()), asyncio.Event()
    unsubscribe = other.subscribe(channel, lambda _: heard.set())

    def said() -> bool:
        one.publish(channel, b"word")  # again and again: the subscription is not there at once
        return heard.is_set()

    await until(said)
    unsubscribe()
    return heard.is_set()


async def test_password_user_and_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.socket"
    options = ("requirepass a%b", "user ana on >c:d ~* &* +@all", f"unixsocket {path}")
    with redis_server(tmp_path, *options) as (port, _):
        by_user, by_socket = f"redis://ana:c%3Ad@127.0.0.1:{port}/3", f"unix://:a%25b@{path}"
        async with two(by_user, by_socket) as (one, other):
            assert await talks(one, other)
            assert await talks(other, one)
        async with Bus(f"redis://:wrong@127.0.0.1:{port}/0", SECRET).running() as refused:
            refused.publish("x", b"1")
            assert not refused.connected.is_set()


async def test_tls_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (port, _):
        async with TlsLine(tmp_path, port).open() as line:
            url = f"rediss://localhost:{line.port}/0?ssl_ca_certs={line.certificate}"
            async with two(url) as (one, other):
                assert await talks(one, other)
            async with Bus(f"rediss://localhost:{line.port}/0", SECRET).running() as stranger:
                await until(lambda: line.refused)
                assert not stranger.connected.is_set()


async def test_paused_server_is_noticed_and_heals(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (port, process):
        async with two(f"redis://127.0.0.1:{port}/0") as (one, other):
            process.send_signal(signal.SIGSTOP)
            await until(lambda: not one.connected.is_set() and not other.connected.is_set())
            one.publish("x", b"nobody hears this")
            process.send_signal(signal.SIGCONT)
            await until(lambda: one.connected.is_set() and other.connected.is_set())
            assert await talks(one, other)


async def test_server_that_talks_nonsense_is_left_alone() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            writer.write(b"\x00\xff!nonsense\r\n*-7\r\n")

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    heard: list[bytes] = []
    async with Bus(f"redis://127.0.0.1:{port}/0", SECRET).running() as bus:
        bus.subscribe("x", heard.append)
        bus.publish("x", b"here")
        assert not bus.connected.is_set()
    server.close()
    assert heard == [b"here"]


async def test_nothing_is_sent_that_no_other_process_listens_to(tmp_path: Path) -> None:
    with redis_server(tmp_path) as (port, _):
        url, channel, heard = f"redis://127.0.0.1:{port}/0", f"tenant:room:{new_id()}", list[bytes]()
        async with Bus(url, SECRET).running() as alone, Bus(url, SECRET).running() as neighbour:
            alone.subscribe(channel, heard.append)
            neighbour.subscribe("control", heard.append)
            await until(lambda: alone.connected.is_set() and not alone.has_others(channel))
            await until(lambda: alone.has_others("control"))
            asked = ask(port, "INFO", "commandstats")
            for _ in range(500):
                alone.publish(channel, b"here")
            ask(port, "PING")
            assert published(ask(port, "INFO", "commandstats")) < published(asked) + 100
            async with Bus(url, SECRET).running() as other:
                await until(other.connected.is_set)
                assert await talks(alone, other)


def published(info: object) -> int:
    """How many messages a server was given, by its own count."""
    assert isinstance(info, dict)
    return int(info.get("cmdstat_publish", {}).get("calls", 0))


async def test_sentinel_names_the_master_also_after_it_died(tmp_path: Path) -> None:
    with watched(tmp_path) as servers:
        async with two(servers.url) as (one, other):
            assert await talks(one, other)
            servers.master.kill()
            await until(lambda: not one.connected.is_set())
            await until(lambda: one.connected.is_set() and other.connected.is_set())
            assert await talks(one, other)
            (shard,) = await SentinelPlaces(servers.url).find()
            assert shard.place.port == servers.replica_port


async def test_cluster_carries_words_from_node_to_node(tmp_path: Path) -> None:
    with clustered(tmp_path) as (first, second):
        cluster = f"redis+cluster://127.0.0.1:{first},127.0.0.1:{second}/"
        async with two(cluster, f"redis://127.0.0.1:{second}/0") as (here, there):
            assert await talks(here, there)
            assert await talks(there, here)
        shards = await ClusterPlaces(cluster + "?sharded=1").find()
        assert {shard.place.port: list(shard.slots) for shard in shards} == {
            first: [range(HALF)], second: [range(HALF, SLOTS)],
        }  # fmt: skip


@pytest.mark.parametrize("is_lower", [True, False])
async def test_sharded_channel_is_heard_at_the_server_of_its_slot_alone(tmp_path: Path, is_lower: bool) -> None:
    with clustered(tmp_path, NEWER) as (first, second):
        async with two(f"redis+cluster://127.0.0.1:{first},127.0.0.1:{second}/?sharded=1") as (one, other):
            channel, heard = channel_in(range(HALF) if is_lower else range(HALF, SLOTS)), asyncio.Event()
            unsubscribe = other.subscribe(channel, lambda _: heard.set())
            await until(lambda: said(one, channel) or heard.is_set())
            assert [subscribers(port, channel) for port in (first, second)] == [is_lower, not is_lower]
            unsubscribe()
            await until(lambda: not any(subscribers(port, channel) for port in (first, second)))


def subscribers(port: int, channel: str) -> int:
    """How many hear a sharded channel at one server."""
    answer = ask(port, "PUBSUB", "SHARDNUMSUB", wire_name(channel).decode())
    assert isinstance(answer, list)
    return int(answer[1])


async def test_shard_that_stands_still_holds_up_no_other(tmp_path: Path) -> None:
    with clustered(tmp_path, NEWER) as (first, second):
        async with two(f"redis+cluster://127.0.0.1:{first},127.0.0.1:{second}/?sharded=1") as (one, other):
            slow, quick = channel_in(range(HALF)), channel_in(range(HALF, SLOTS))
            heard: list[bytes] = []
            other.subscribe(quick, heard.append)
            other.subscribe(slow, heard.append)
            await until(lambda: said(one, quick) or heard)
            info = ask(first, "INFO", "server")
            assert isinstance(info, dict)
            os.kill(info["process_id"], signal.SIGSTOP)
            try:
                for _ in range(64):
                    one.publish(slow, bytes(1 << 20))
                    await asyncio.sleep(0)
                one.publish(quick, b"word")
                await until(lambda: b"word" in heard)
                assert one.connected.is_set()
            finally:
                os.kill(info["process_id"], signal.SIGCONT)


def channel_in(slots: range) -> str:
    """A channel of these hash slots."""
    return next(name for name in map(str, iter(new_id, None)) if key_slot(wire_name(name)) in slots)


def said(bus: Bus, channel: str) -> bool:
    """Say something, which is never the condition."""
    bus.publish(channel, b"begin")
    return False


@pytest.mark.parametrize(
    "url", ["redis+sentinel:///dojo", "redis+sentinel://127.0.0.1:1/", "http://127.0.0.1/", "redis+cluster://"]
)
def test_address_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"names no (server|service)|scheme"):
        places(url)


@pytest.mark.parametrize("kind", ["redis+sentinel", "redis+cluster"])
async def test_servers_that_are_away_are_asked_again(kind: str) -> None:
    url = f"{kind}://127.0.0.1:{free_port()}/dojo"
    with pytest.raises(ConnectionError):
        await places(url).find()
