"""Engine.IO, version 4 of the protocol: what its text asks of a server, section by section, over real sockets."""

import json
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.realtime.conftest import until
from tests.realtime.wire import ENGINE, Polling, Server, Wire, Wires

MAX = 1_000_000
RECORD = "\x1e"
CLOSED, NOOP, PING, PONG = "1", "6", "2", "3"
KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
PROTOCOL_ERROR, GOING_AWAY, TOO_BIG = 1002, 1001, 1009

Poll = Callable[[], Awaitable[Polling]]


quick = pytest.mark.parametrize("server", [(0.3, 0.2)], indirect=True, ids=["0.3 s"])


# Handshake


async def test_handshake_over_polling_says_what_the_session_is(poll: Poll) -> None:
    hello = (await poll()).hello
    assert hello.keys() == KEYS
    assert (hello["upgrades"], hello["maxPayload"]) == (["websocket"], MAX)
    assert (hello["pingInterval"], hello["pingTimeout"]) == (60_000, 60_000)
    assert (await poll()).sid != hello["sid"]


async def test_handshake_over_websocket_offers_no_upgrade(wires: Wires) -> None:
    wire = await wires.ask()
    hello = str(await wire.hear())
    assert hello[0] == "0"
    assert json.loads(hello[1:]).keys() == KEYS
    assert json.loads(hello[1:])["upgrades"] == []


async def test_answers_are_plain_text_in_utf_8(server: Server) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}{ENGINE}?EIO=4&transport=polling") as answer:
        assert answer.headers["Content-Type"].lower() == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 5),
        ("transport={0}", 5),
        ("EIO=3&transport={0}", 5),
        ("EIO=abc&transport={0}", 5),
        ("EIO=4", 0),
        ("EIO=4&transport=", 0),
        ("EIO=4&transport=abc", 0),
        ("EIO=4&transport={0}&sid=nobody", 1),
        ("EIO=4&transport={0}&sid=", 1),
    ],
)
async def test_requests_without_their_parameters_are_refused(
    server: Server, wires: Wires, query: str, code: int
) -> None:
    assert (await wires.ask(query=query.format("websocket"))).status == 400
    async with aiohttp.ClientSession() as http:
        for method in ("GET", "POST") if "sid" in query else ("GET",):
            async with http.request(method, f"{server.url}{ENGINE}?{query.format('polling')}", data=None) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, code)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_methods_other_than_get_begin_no_session(server: Server, method: str) -> None:
    async with aiohttp.ClientSession() as http:
        assert (await Polling(server, http).ask(method))[0] == 400
    assert not server.engine()._sockets


async def test_methods_other_than_get_and_post_are_refused_in_a_session(poll: Poll) -> None:
    polling = await poll()
    assert [(await polling.ask(method))[0] for method in ("PUT", "DELETE", "HEAD")] == [400] * 3
    assert await polling.post("4a") == (200, "ok")


async def test_websocket_transport_without_a_websocket_is_refused(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        for sid in ("", "&sid=nobody"):
            async with http.get(f"{server.url}{ENGINE}?EIO=4&transport=websocket{sid}") as answer:
                assert answer.status == 400


# Message, packet encoding


@pytest.mark.parametrize(
    "payload",
    [
        "4hello",
        "4",
        "4€ é \u2028 \U0001f600",
        "4test1\x1e4test2\x1e4test3",
        "4hello\x1ebAQIDBA==",
        "b",
        "bAQ==\x1e4a\x1ebAgM=",
    ],
)
async def test_payloads_come_back_as_they_were(poll: Poll, payload: str) -> None:
    polling = await poll()
    assert await polling.post(payload) == (200, "ok")
    assert await polling.get() == (200, payload)


async def test_poll_waits_until_there_is_something(server: Server, poll: Poll) -> None:
    polling = await poll()
    for word in ("one", "two"):
        waiting = await polling.waiting(server)
        await polling.post("4" + word)
        assert await waiting == (200, "4" + word)


@pytest.mark.parametrize("said", ["4hello", "4", "4€ \U0001f600", b"\x01\x02\x03\x04", b""])
async def test_websocket_carries_each_packet_in_a_frame(wires: Wires, said: str | bytes) -> None:
    wire = await wires.open()
    wire.say(said, "4next")
    assert [await wire.hear(), await wire.hear()] == [said, "4next"]


async def test_payload_may_be_as_long_as_was_said(poll: Poll) -> None:
    polling = await poll()
    longest = "4" + "é" * (MAX // 2 - 1) + "x"
    assert await polling.post(longest) == (200, "ok")
    assert await polling.get() == (200, longest)
    assert (await polling.post(longest + "x"))[0] == 400
    assert await polling.is_over()


async def test_websocket_message_may_be_as_long_as_was_said(wires: Wires) -> None:
    wire = await wires.open()
    longest = "4" + "é" * (MAX // 2 - 1) + "x"
    wire.say(longest)
    assert await wire.hear() == longest
    wire.say(longest + "x")
    assert await wire.end() == TOO_BIG


NO_PACKETS = ["", "abc", "0", "2", "2probe", "3probe", "3x", "1x", "5", "6", "7", "x", " 4a", "٤a", "\x1e"]


@pytest.mark.parametrize(
    "payload",
    [*NO_PACKETS, "4a\x1e", "\x1e4a", "4a\x1e\x1e4b", "b!", "bAQI", "bAQ==x", "4a\x1ebé", b"4\xff", b"4\xed\xa0\x80"],
)
async def test_payload_that_is_none_ends_the_session(poll: Poll, payload: str | bytes) -> None:
    polling = await poll()
    assert (await polling.post(payload))[0] == 400
    assert await polling.is_over()


@pytest.mark.parametrize("packet", [*NO_PACKETS, "bAQI="])
async def test_packet_that_is_none_closes_the_websocket(wires: Wires, packet: str) -> None:
    wire = await wires.open()
    wire.say(packet, "4ignored")
    assert await wire.end() == PROTOCOL_ERROR


async def test_two_gets_at_a_time_end_the_session(server: Server, poll: Poll) -> None:
    polling = await poll()
    waiting = await polling.waiting(server)
    assert (await polling.get())[0] == 400
    assert await waiting == (200, CLOSED)
    assert await polling.is_over()


async def begin_post(wires: Wires, polling: Polling, server: Server) -> Wire:
    """A request to send of which only the half has come."""
    wire = await wires.connect()
    wire.send(
        f"POST {ENGINE}?EIO=4&transport=polling&sid={polling.sid} HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\n\r\n4ab".encode()
    )
    session = server.socket(polling.sid)
    assert session is not None
    await until(lambda: session._posting)
    return wire


async def test_two_posts_at_a_time_end_the_session(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    first = await begin_post(wires, polling, server)
    assert (await polling.post("4second"))[0] == 400
    first.send(b"cde")
    assert (await first.answered()).status == 400
    assert await polling.is_over()


async def test_get_and_post_at_a_time_are_the_rule(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    waiting = await polling.waiting(server)
    first = await begin_post(wires, polling, server)
    first.send(b"cde")
    assert (await first.answered()).status == 200
    assert await waiting == (200, "4abcde")


async def test_post_that_breaks_off_ends_its_session(server: Server, wires: Wires, poll: Poll) -> None:
    polling, other = await poll(), await poll()
    await (await begin_post(wires, polling, server)).hang_up()
    await until(lambda: server.socket(polling.sid) is None)
    assert await polling.is_over()
    assert await other.post("4a") == (200, "ok")


async def test_message_for_a_poll_that_was_cancelled_ends_the_session(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await wires.connect()
    wire.send(f"GET {ENGINE}?EIO=4&transport=polling&sid={polling.sid} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    session = server.socket(polling.sid)
    assert session is not None
    request, _ = await until(lambda: session._poll)
    await wire.hang_up()
    await until(lambda: request.transport is None or request.transport.is_closing())
    await polling.post("4lost")
    assert await polling.is_over()


async def test_poll_after_a_cancelled_one_ends_the_session(server: Server, wires: Wires, poll: Poll) -> None:
    polling = await poll()
    wire = await wires.connect()
    wire.send(f"GET {ENGINE}?EIO=4&transport=polling&sid={polling.sid} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
    session = server.socket(polling.sid)
    assert session is not None
    await until(lambda: session._poll)
    await wire.hang_up()
    assert (await polling.get())[0] == 400
    assert await polling.is_over()


# Heartbeat


@quick
async def test_polling_is_pinged_as_long_as_it_answers(poll: Poll) -> None:
    polling = await poll()
    for _ in range(3):
        assert await polling.get() == (200, PING)
        assert await polling.post(PONG) == (200, "ok")


@quick
async def test_websocket_is_pinged_as_long_as_it_answers(wires: Wires) -> None:
    wire = await wires.open()
    for _ in range(3):
        assert await wire.hear() == PING
        wire.say(PONG)
    wire.say("4still here")
    assert await wire.hear() == "4still here"


@quick
async def test_polling_that_does_not_answer_is_closed(poll: Poll) -> None:
    polling = await poll()
    assert await polling.get() == (200, PING)
    assert await polling.get() == (200, CLOSED)
    assert await polling.is_over()


@quick
async def test_polling_that_asks_for_nothing_is_closed(server: Server, poll: Poll) -> None:
    polling = await poll()
    await until(lambda: server.socket(polling.sid) is None)
    assert await polling.is_over()


@quick
async def test_websocket_that_does_not_answer_is_closed(wires: Wires) -> None:
    wire = await wires.open()
    assert await wire.hear() == PING
    wire.say("4a message is no pong")
    assert await wire.hear() == "4a message is no pong"
    assert await wire.end() == 1000


@quick
async def test_pong_that_nobody_asked_for_closes_the_websocket(wires: Wires) -> None:
    wire = await wires.open()
    assert await wire.hear() == PING
    wire.say(PONG, PONG)
    assert await wire.end() == PROTOCOL_ERROR


@quick
async def test_pong_that_nobody_asked_for_ends_the_polling(poll: Poll) -> None:
    polling = await poll()
    assert await polling.get() == (200, PING)
    assert await polling.post(PONG) == (200, "ok")
    assert (await polling.post(PONG))[0] == 400
    assert await polling.is_over()


@quick
async def test_session_is_pinged_across_the_upgrade(wires: Wires, poll: Poll) -> None:
    polling = await poll()
    assert await polling.get() == (200, PING)
    wire = await wires.open(sid=polling.sid)
    wire.say("2probe")
    assert await wire.hear() == "3probe"
    wire.say("5", PONG)
    assert await wire.hear() == PING
