"""The bus: hints that arrive, that are believed only when signed, and that may be lost without harm."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import redis.asyncio as redis
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from core import outgoing
from core.bus import PREFIX, Bus
from core.model import new_id
from core.outgoing import QUEUE_BYTES, QUEUE_MAX
from core.redisline import BUFFER_MAX, RedisLine
from core.redisplace import Place
from core.seal import FRESH, SENDERS_MAX, Seal, Sender

SECRET = "s" * 40


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator["redis.Redis"]:
    """A client of Redis itself."""
    async with redis.Redis.from_url(redis_url) as client:
        yield client


def dropped(reason: str) -> float:
    """How many messages were dropped for ``reason``."""
    return REGISTRY.get_sample_value("dojo_bus_dropped_total", {"reason": reason}) or 0.0


async def until(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def subscribed(client: "redis.Redis", channel: str) -> None:
    """Wait until somebody is subscribed to ``channel`` at Redis."""
    async with asyncio.timeout(10):
        while (await client.pubsub_numsub(PREFIX + channel))[0][1] == 0:
            await asyncio.sleep(0.01)


async def test_publish_reaches_own_subscribers_at_once_and_others_in_order(
    redis_url: str, client: "redis.Redis"
) -> None:
    channel = str(new_id())
    here: list[bytes] = []
    there: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as one, Bus(redis_url, SECRET).running() as two:
        one.subscribe(channel, here.append)
        two.subscribe(channel, there.append)
        await subscribed(client, channel)
        await until(lambda: one.connected.is_set() and two.connected.is_set())
        messages = [str(number).encode() for number in range(500)]
        for message in messages:
            one.publish(channel, message)
        assert here == messages
        await until(lambda: len(there) >= 500)
        assert there == messages
        assert here == messages, "one's own echo came back from Redis"


async def test_unsubscribed_channel_is_silent(redis_url: str) -> None:
    channel = str(new_id())
    heard: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as bus:
        unsubscribe = bus.subscribe(channel, heard.append)
        bus.publish(channel, b"1")
        unsubscribe()
        bus.publish(channel, b"2")
    assert heard == [b"1"]


async def test_connection_holds_while_a_channel_is_joined_and_left_in_one_breath(redis_url: str) -> None:
    channel = str(new_id())
    heard: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as bus, Bus(redis_url, SECRET).running() as other:
        await until(lambda: bus.connected.is_set() and other.connected.is_set())
        with capture_logs() as lines:
            for _ in range(3):
                bus.subscribe(channel, heard.append)()
            bus.subscribe(channel, heard.append)

            def arrived() -> bool:
                other.publish(channel, b"1")
                return bool(heard)

            await until(arrived)
        assert lines == []


async def test_forged_foreign_replayed_and_garbage_messages_are_dropped(redis_url: str, client: "redis.Redis") -> None:
    channel, other = str(new_id()), str(new_id())
    heard: list[bytes] = []
    caught: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as receiver, Bus(redis_url, SECRET).running() as sender:
        receiver.subscribe(channel, heard.append)
        receiver.subscribe(other, heard.append)
        await subscribed(client, other)
        spy = client.pubsub()
        await spy.subscribe(PREFIX + channel)
        sender.publish(channel, b"true")
        await until(lambda: heard == [b"true"])
        async with asyncio.timeout(10):
            while not caught:
                message = await spy.get_message(ignore_subscribe_messages=True, timeout=1)
                caught += [message["data"]] if message else []
        before = {reason: dropped(reason) for reason in ("garbage", "forged", "replayed")}
        genuine = caught[0]
        await client.publish(PREFIX + channel, b"\x80\x04pickle")
        await client.publish(PREFIX + channel, genuine[:-1] + b"E")
        await client.publish(PREFIX + other, genuine)  # signed, but for another channel
        await client.publish(PREFIX + channel, genuine)
        sender.publish(channel, b"last")
        await until(lambda: heard[-1] == b"last")
        assert heard == [b"true", b"last"]
        assert dropped("garbage") == before["garbage"] + 1
        assert dropped("forged") == before["forged"] + 2
        assert dropped("replayed") == before["replayed"] + 1


def test_own_beat_counts_once_and_a_forged_one_never() -> None:
    seal, sender, wire = Seal(SECRET), Sender(), b"dojo:beat:0"
    seal.remember_own(sender)
    first, second = seal.close(sender, wire, b"room"), seal.close(sender, wire, b"room")
    before = {reason: dropped(reason) for reason in ("forged", "replayed")}
    assert [seal.is_own(wire, beat) for beat in (first, first, second, first)] == [True, False, True, False]
    assert not seal.is_own(wire, seal.close(sender, wire, b"room")[:-1] + b"x")
    assert not seal.is_own(wire, first[:9])
    assert dropped("replayed") == before["replayed"] + 2
    assert dropped("forged") == before["forged"] + 2


def test_a_bounded_number_of_senders_is_remembered_and_the_one_silent_for_longest_forgotten() -> None:
    seal, silent, steady, wire = Seal(SECRET), Sender(), Sender(), b"dojo:room"
    once = seal.close(silent, wire, b"words")
    assert [seal.open(wire, once) for _ in range(2)] == [b"words", None]
    for _ in range(SENDERS_MAX):
        last = seal.close(steady, wire, b"still here")
        assert seal.open(wire, last)
        assert seal.open(wire, seal.close(Sender(), wire, b"others")) == b"others"
    assert REGISTRY.get_sample_value("dojo_bus_senders") == SENDERS_MAX
    assert seal.open(wire, last) is None
    assert seal.open(wire, once) == b"words"


def test_recording_is_not_believed_by_who_has_just_started() -> None:
    at = time.time_ns()
    sender, wire = Sender(), b"dojo:room"
    message = Seal(SECRET, lambda: at).close(sender, wire, b"words")
    before = dropped("stale")
    assert Seal(SECRET, lambda: at + FRESH + 1).open(wire, message) is None
    assert dropped("stale") == before + 1
    assert Seal(SECRET, lambda: at + FRESH).open(wire, message) == b"words"
    assert Seal(SECRET, lambda: at - FRESH).open(wire, message) == b"words"  # the sender's clock is ahead


def test_former_version_which_counts_from_one_is_believed() -> None:
    sender, wire = Sender(), b"dojo:room"
    former = Seal(SECRET, lambda: 0)
    messages = [former.close(sender, wire, b"words") for _ in range(2)]
    seal = Seal(SECRET)
    assert [seal.open(wire, each) for each in (*messages, messages[0])] == [b"words", b"words", None]


def test_sender_whose_clock_goes_back_is_believed() -> None:
    sender, wire, seal = Sender(), b"dojo:room", Seal(SECRET)
    now = iter((time.time_ns(), time.time_ns() - 5_000_000_000))
    former = Seal(SECRET, lambda: next(now))
    assert [seal.open(wire, former.close(sender, wire, b"words")) for _ in range(2)] == [b"words"] * 2


async def test_lost_connection_heals_by_itself(redis_url: str, client: "redis.Redis") -> None:
    channel = str(new_id())
    heard: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as one, Bus(redis_url, SECRET).running() as two:
        two.subscribe(channel, heard.append)
        await subscribed(client, channel)
        await client.client_kill_filter(_type="pubsub")
        await client.client_kill_filter(_type="normal", skipme=True)

        def again() -> bool:
            one.publish(channel, b"back")
            return bool(heard)

        await until(again)


async def test_outage_longer_than_the_queue_keeps_the_newest(redis_url: str) -> None:
    channel, before = str(new_id()), dropped("queue-full")
    there: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as other:
        other.subscribe(channel, there.append)
        await until(other.connected.is_set)
        one = Bus(redis_url, SECRET)
        for number in range(QUEUE_MAX + 5):
            one.publish(channel, str(number).encode())
        assert REGISTRY.get_sample_value("dojo_bus_waiting") == QUEUE_MAX
        async with one.running():
            await until(lambda: len(there) >= QUEUE_MAX)
    assert there == [str(number).encode() for number in range(5, QUEUE_MAX + 5)]
    assert dropped("queue-full") == before + 5


async def test_what_waited_too_long_for_redis_is_not_sent_any_more(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing, "KEPT", 0.0)
    channel, before = str(new_id()), dropped("late")
    heard: list[bytes] = []
    async with Bus(redis_url, SECRET).running() as other:
        other.subscribe(channel, heard.append)
        await until(other.connected.is_set)
        one = Bus(redis_url, SECRET)
        one.publish(channel, b"late")
        async with one.running():
            await until(one.connected.is_set)
            one.publish(channel, b"now")
            await until(lambda: bool(heard))
    assert heard == [b"now"]
    assert dropped("late") == before + 1


async def test_a_bounded_number_of_bytes_waits_for_a_server_and_nothing_that_is_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def waiting() -> float:
        return REGISTRY.get_sample_value("dojo_bus_waiting_bytes") or 0.0

    bus, part = Bus("redis://127.0.0.1:1", SECRET), bytes(QUEUE_BYTES // 10)
    before = dropped("queue-full")
    for _ in range(25):
        bus.publish("x", part)
    assert QUEUE_BYTES - len(part) <= waiting() <= QUEUE_BYTES
    assert dropped("queue-full") == before + 15
    monkeypatch.setattr(outgoing, "KEPT", -1.0)
    bus.publish("x", b"as late as all before it")
    assert waiting() == 0


async def test_publish_without_redis_returns_at_once() -> None:
    heard: list[bytes] = []
    async with Bus("redis://127.0.0.1:9/0", SECRET).running() as bus:
        bus.subscribe("x", heard.append)
        for _ in range(11_000):
            bus.publish("x", b"1")
    assert len(heard) == 11_000


async def test_server_that_does_not_read_is_not_written_to_any_more_until_it_has_caught_up() -> None:
    """What waits for it is the line's bound, beside what the kernel holds."""
    reads, drained, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        await reads.wait()
        while await reader.read(1 << 20):
            pass
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        line = await RedisLine.to(Place(host, port), lambda *_: None, drained.set)
        written = 0
        while line.is_open:
            line.write(bytes(65_536))
            written += 65_536
            assert written < 8 * BUFFER_MAX, "it is written to for ever"
        assert written > BUFFER_MAX
        reads.set()
        await asyncio.wait_for(drained.wait(), 10)
        await until(lambda: line.is_open)
        line.close()
        await asyncio.wait_for(line.closed, 10)
        await asyncio.wait_for(ended.wait(), 10)
