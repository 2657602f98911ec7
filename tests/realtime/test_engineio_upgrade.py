"""Engine.IO's ends and upgrades: what its text asks of a server, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.realtime.conftest import until
from tests.realtime.wire import PING, Polling, Server, Wire, Wires, base64_of, frame

RECORD = "\x1e"
CLOSED, NOOP = "1", "6"
PROTOCOL_ERROR, GOING_AWAY = 1002, 1001

Poll = Callable[[], Awaitable[Polling]]


# Close


async def test_close_over_polling_frees_the_waiting_get(server: Server, poll: Poll) -> None:
    polling = await poll()
    waiting = await polling.waiting(server)
    assert await polling.post(CLOSED) == (200, "ok")
    assert await waiting == (200, NOOP)
    assert await polling.is_over()


async def test_close_over_polling_ends_the_session_without_a_get(poll: Poll) -> None:
    polling = await poll()
    assert await polling.post("4a\x1e1") == (200, "ok")
    assert await polling.is_over()


async def test_close_over_websocket_ends_the_connection(server: Server, wires: Wires) -> None:
    wire = await wires.open()
    wire.say(CLOSED, "4ignored")
    assert await wire.end() == 1000
    assert not server.engine()._sockets


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_server_that_closes_lets_all_be_fetched(server: Server, poll: Poll, is_waiting: bool) -> None:
    polling = await poll()
    said = [f"4{n}" for n in range(40)]
    waiting = await polling.waiting(server) if is_waiting else None
    await polling.post(RECORD.join(said[:39]))
    session = server.socket(polling.sid)
    assert session is not None
    session.send("39")
    session.close("drain")
    heard = (await waiting)[1].split(RECORD) if waiting else []
    while len(heard) < 41:
        heard += (await polling.get())[1].split(RECORD)
    assert heard == [*said, CLOSED]
    assert await polling.is_over()


async def test_server_that_closes_tells_everybody(server: Server, wires: Wires, poll: Poll) -> None:
    waiter, absent, wire = await poll(), await poll(), await wires.open()
    waiting = await waiter.waiting(server)
    await absent.post("4last")
    for session in tuple(server.engine()._sockets.values()):
        session.close("drain", code=GOING_AWAY)
    assert await waiting == (200, CLOSED)
    assert await absent.get() == (200, f"4last{RECORD}1")
    assert await waiter.is_over()
    assert await absent.is_over()
    assert await wire.end() == GOING_AWAY


# Upgrade


async def probe(wires: Wires, polling: Polling) -> Wire:
    wire = await wires.open(sid=polling.sid)
    wire.say("2probe")
    assert await wire.hear() == "3probe"
    return wire


async def test_upgrade_answers_the_next_poll_with_nothing(wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await probe(wires, polling)
    assert await polling.get() == (200, NOOP)
    wire.say("5", "4hello")
    assert await wire.hear() == "4hello"


async def test_upgrade_frees_the_poll_that_waits(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    waiting = await polling.waiting(server)
    wire = await probe(wires, polling)
    assert await waiting == (200, NOOP)
    wire.say("5", "4hello")
    assert await wire.hear() == "4hello"


async def test_messages_around_the_upgrade_come_once_and_in_order(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    waiting = await polling.waiting(server)
    wire = await wires.open(sid=polling.sid)
    heard: list[str | bytes] = []
    await polling.post("40\x1ebAQ==")
    heard += (await waiting)[1].split(RECORD)
    wire.say("2probe")
    assert await wire.hear() == "3probe"
    await polling.post("41")
    heard += (await polling.get())[1].split(RECORD)
    await polling.post(f"42{RECORD}{base64_of(b'2')}")
    await polling.post("43")
    wire.say("5", "44")
    heard += [await wire.hear() for _ in range(4)]
    assert heard == ["40", "bAQ==", "41", "42", b"2", "43", "44"]


async def test_requests_after_the_upgrade_are_refused_and_do_no_harm(wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await probe(wires, polling)
    wire.say("5", "4a")
    assert await wire.hear() == "4a"
    assert await polling.is_over()
    wire.say("4hello")
    assert await wire.hear() == "4hello"


async def test_second_websocket_is_closed_and_does_no_harm(wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await probe(wires, polling)
    assert await (await wires.open(sid=polling.sid)).end() == PROTOCOL_ERROR
    wire.say("5", "4a")
    assert await wire.hear() == "4a"
    assert await (await wires.open(sid=polling.sid)).end() == PROTOCOL_ERROR
    wire.say("4hello")
    assert await wire.hear() == "4hello"


async def test_second_websocket_of_a_websocket_session_is_closed(wires: Wires) -> None:
    wire = await wires.ask()
    sid = json.loads(str(await wire.hear())[1:])["sid"]
    assert await (await wires.open(sid=sid)).end() == PROTOCOL_ERROR
    wire.say("4hello")
    assert await wire.hear() == "4hello"


@pytest.mark.parametrize("packets", [["5"], ["4early"], ["2"], ["2probe", "2probe"], ["2probe", "4early"], [b"2probe"]])
async def test_websocket_that_is_no_probe_is_closed_and_polling_goes_on(
    wires: Wires, poll: Poll, packets: list[str | bytes]
) -> None:
    polling = await poll()
    wire = await wires.open(sid=polling.sid)
    wire.say(*packets)
    assert await wire.end() == PROTOCOL_ERROR
    await polling.post("4a")
    assert await polling.get() == (200, "4a")
    again = await probe(wires, polling)
    again.say("5", "4b")
    assert await again.hear() == "4b"


async def test_probe_that_is_lost_leaves_the_polling(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    await (await probe(wires, polling)).hang_up()
    session = server.socket(polling.sid)
    assert session is not None
    await until(lambda: session.may_upgrade)
    waiting = await polling.waiting(server)
    await polling.post("4a")
    assert await waiting == (200, "4a")


async def test_close_during_the_upgrade_ends_both(wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await probe(wires, polling)
    assert await polling.post(CLOSED) == (200, "ok")
    assert await wire.end() == 1000
    assert await polling.is_over()


async def test_sessions_do_not_hear_each_other(wires: Wires, poll: Poll) -> None:
    pollings = [await poll() for _ in range(5)]
    wire = await wires.open()
    await asyncio.gather(*(polling.post(f"4{n}") for n, polling in enumerate(pollings)))
    wire.say("4w")
    assert [(await polling.get())[1] for polling in pollings] == [f"4{n}" for n in range(5)]
    assert await wire.hear() == "4w"


async def test_probe_that_does_not_read_is_cut_off(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await probe(wires, polling)
    session = server.socket(polling.sid)
    assert session is not None
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
    pings = frame(b"x" * 125, PING) * 1_000
    with contextlib.suppress(ConnectionError):
        while session._probe is not None:
            assert session._probe.backlog < 2 * server.engine().settings.max_backlog
            wire.send(pings)
            await wire.writer.drain()
            await asyncio.sleep(0)
    assert await polling.post("4a") == (200, "ok")
    assert await polling.get() == (200, "4a")


async def test_client_that_is_not_read_is_not_read_after_the_upgrade_either(
    server: Server, wires: Wires, poll: Poll
) -> None:
    polling = await poll()
    session = server.socket(polling.sid)
    assert session is not None
    session.pause()
    posting = asyncio.create_task(polling.post("4a"))
    await until(lambda: session.backlog)
    wire = await wires.open(sid=polling.sid)
    wire.say("2probe")
    assert await wire.hear() == "3probe"
    wire.say("5")
    assert await wire.hear() == "4a"
    assert session._websocket is not None
    assert not session._websocket._transport.is_reading()
    assert not posting.done()
    session.resume()
    assert await posting == (200, "ok")
    wire.say("4b")
    assert await wire.hear() == "4b"
