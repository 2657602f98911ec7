"""RFC 6455 on the server's side, frame by frame, over real TCP."""

import asyncio
import socket as sockets

import pytest

from realtime.websocket import PIECES_BURST
from tests.realtime.conftest import until
from tests.realtime.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASKED,
    PING,
    PONG,
    TEXT,
    Server,
    Wires,
    frame,
)  # fmt: skip

MAX = 1_000_000
PROTOCOL_ERROR, NOT_UTF8, POLICY, TOO_BIG = 1002, 1007, 1008, 1009


# The handshake, section 4.2


async def test_handshake_is_proven_and_offers_no_extension(wires: Wires) -> None:
    wire = await wires.ask(headers={"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "chat"})
    assert wire.status == 101
    assert wire.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert (wire.headers["upgrade"].lower(), wire.headers["connection"].lower()) == ("websocket", "upgrade")
    assert not {"sec-websocket-extensions", "sec-websocket-protocol"} & wire.headers.keys()


@pytest.mark.parametrize(("connection", "upgrade"), [("keep-alive, Upgrade", "WebSocket"), ("UPGRADE", "websocket ")])
async def test_handshake_is_known_however_it_is_written(wires: Wires, connection: str, upgrade: str) -> None:
    assert (await wires.ask(headers={"Connection": connection, "Upgrade": upgrade})).status == 101


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": "c2hvcnQ="},
        {"Sec-WebSocket-Key": "not base64 at all, is it"},
        {"Connection": None},
        {"Connection": "keep-alive"},
        {"Upgrade": None},
        {"Upgrade": "h2c"},
    ],
)
async def test_handshake_that_is_none_is_refused(wires: Wires, headers: dict[str, str | None]) -> None:
    assert (await wires.ask(headers=headers)).status == 400


@pytest.mark.parametrize("version", [None, "8", "14"])
async def test_handshake_of_another_version_hears_which_one_is_spoken(wires: Wires, version: str | None) -> None:
    wire = await wires.ask(headers={"Sec-WebSocket-Version": version})
    assert (wire.status, wire.headers["sec-websocket-version"]) == (426, "13")


async def test_what_comes_right_behind_the_handshake_is_read(wires: Wires) -> None:
    second = frame("4second")
    wire = await wires.ask(behind=frame("4first") + second[:3])
    assert str(await wire.hear())[0] == "0"
    assert await wire.hear() == "4first"
    wire.send(second[3:])
    assert await wire.hear() == "4second"


# Frames, section 5


@pytest.mark.parametrize("size", [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, MAX - 1])
async def test_messages_of_every_length_come_back(wires: Wires, size: int) -> None:
    wire = await wires.open()
    wire.say("4" + "x" * size, b"y" * size)
    assert await wire.hear() == "4" + "x" * size
    assert await wire.hear() == b"y" * size


async def test_frames_may_come_byte_by_byte(wires: Wires) -> None:
    wire = await wires.open()
    wire.writer.get_extra_info("socket").setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
    said: list[str | bytes] = ["4é", "4" + "x" * 126, b"z" * 200]
    for each in b"".join(frame(each) for each in said):
        wire.send(bytes((each,)))
        await asyncio.sleep(0)  # the server reads in between
    assert [await wire.hear() for _ in said] == said


async def test_frames_may_come_all_at_once(wires: Wires) -> None:
    wire = await wires.open()
    said = [f"4{n}" if n % 3 else bytes((n,)) * n for n in range(100)]
    wire.say(*said)
    assert [await wire.hear() for _ in said] == said


async def test_fragments_are_joined(wires: Wires) -> None:
    wire = await wires.open()
    euro = "4€".encode()
    wire.send(
        frame(euro[:2], TEXT, fin=False), frame(b"", CONTINUATION, fin=False), frame(euro[2:], CONTINUATION),
        frame(b"", BINARY, fin=False), frame(b"ab", CONTINUATION, fin=False), frame(b"c", CONTINUATION),
        frame("4whole"),
    )  # fmt: skip
    assert [await wire.hear() for _ in range(3)] == ["4€", b"abc", "4whole"]


async def test_control_frames_come_between_fragments(wires: Wires) -> None:
    wire = await wires.open()
    wire.send(frame("4a", fin=False), frame(b"now", PING), frame(b"unasked", PONG), frame("b", CONTINUATION))
    assert await wire.frame() == (PONG, b"now")
    assert await wire.hear() == "4ab"


async def test_ping_is_answered_with_its_own_words(wires: Wires) -> None:
    wire = await wires.open()
    for body in (b"", b"\xff" * 125):
        wire.send(frame(body, PING))
        assert await wire.frame() == (PONG, body)


@pytest.mark.parametrize(
    "piece",
    [frame(b"p" * 125, PING), frame(b"", PONG), frame(b"", CONTINUATION, fin=False)],
    ids=["pings", "pongs", "empty fragments"],
)
async def test_frames_that_are_no_message_are_counted(wires: Wires, piece: bytes) -> None:
    """Whoever sends nothing else, and as much of it as they like, would keep a gateway busy for nothing."""
    wire = await wires.open()
    wire.send(frame("4begun", TEXT, fin=False), piece * (PIECES_BURST // 2), frame("", CONTINUATION))
    while (heard := await wire.frame()) == (PONG, b"p" * 125):
        pass
    assert heard == (TEXT, b"4begun")
    wire.send(frame("4", TEXT, fin=False), piece * PIECES_BURST)
    assert await wire.end() == POLICY


def headed(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes((first, second)) + rest


BAD: dict[str, tuple[bytes, int]] = {
    "unmasked": (frame("4a", is_masked=False), PROTOCOL_ERROR),
    **{f"reserved {bit:#x}": (frame("4a", reserved=bit), PROTOCOL_ERROR) for bit in (0x40, 0x20, 0x10, 0x70)},
    **{f"opcode {code:#x}": (frame("4a", code), PROTOCOL_ERROR) for code in (*range(3, 8), *range(0xB, 0x10))},
    "fragmented ping": (frame(b"", PING, fin=False), PROTOCOL_ERROR),
    "long ping": (frame(b"x" * 126, PING), PROTOCOL_ERROR),
    "continuation of nothing": (frame("a", CONTINUATION), PROTOCOL_ERROR),
    "last continuation of nothing": (frame("a", CONTINUATION, fin=False), PROTOCOL_ERROR),
    "message within a message": (frame("4a", fin=False) + frame("4b"), PROTOCOL_ERROR),
    "length not in the fewest bytes": (headed(FIN | TEXT, MASKED | 126, b"\0\x7d" + bytes(129)), PROTOCOL_ERROR),
    "length in eight bytes for two": (headed(FIN | TEXT, MASKED | 127, bytes(6) + b"\xff\xff"), PROTOCOL_ERROR),
    "length below zero": (headed(FIN | TEXT, MASKED | 127, b"\xff" * 8), TOO_BIG),
    "no UTF-8": (frame(b"4\xff", TEXT), NOT_UTF8),
    "a surrogate": (frame(b"4\xed\xa0\x80", TEXT), NOT_UTF8),
    "half a letter": (frame("4€".encode()[:3], TEXT), NOT_UTF8),
    "half a letter in fragments": (frame(b"4", TEXT, fin=False) + frame(b"\xe2\x82", CONTINUATION), NOT_UTF8),
    "too long": (frame("4" + "x" * MAX), TOO_BIG),
    "too long by its head": (headed(FIN | BINARY, MASKED | 127, (MAX + 1).to_bytes(8, "big")), TOO_BIG),
    "fragments too long": (frame(b"x" * MAX, BINARY, fin=False) + frame(b"x", CONTINUATION), TOO_BIG),
    "close with half a code": (frame(b"\x03", CLOSE), PROTOCOL_ERROR),
    "long close": (frame(b"\x03\xe8" + b"x" * 124, CLOSE), PROTOCOL_ERROR),
    "close with bad words": (frame(b"\x03\xe8\xff", CLOSE), NOT_UTF8),
}


@pytest.mark.parametrize(("sent", "code"), BAD.values(), ids=BAD.keys())
async def test_violation_ends_the_connection_with_its_code(wires: Wires, sent: bytes, code: int) -> None:
    wire = await wires.open()
    wire.send(sent, frame("4ignored"))
    assert await wire.end() == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
async def test_close_codes_that_may_not_be_sent_are_violations(wires: Wires, code: int) -> None:
    wire = await wires.open()
    wire.send(frame(code.to_bytes(2, "big"), CLOSE))
    assert await wire.end() == PROTOCOL_ERROR


# Closing, section 7


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
async def test_close_is_answered_with_its_code(wires: Wires, code: int) -> None:
    wire = await wires.open()
    wire.send(frame(code.to_bytes(2, "big") + "bye €".encode(), CLOSE))
    assert await wire.end() == code


async def test_close_without_a_code_is_answered_without_one(wires: Wires) -> None:
    wire = await wires.open()
    wire.send(frame(b"", CLOSE))
    assert await wire.frame() == (CLOSE, b"")
    assert await wire.frame() is None


async def test_nothing_is_read_after_a_close(wires: Wires) -> None:
    wire = await wires.open()
    wire.send(frame("4a"), frame(b"", CLOSE), frame("4b"), frame(b"c", PING))
    assert await wire.hear() == "4a"
    assert await wire.frame() == (CLOSE, b"")
    assert await wire.frame() is None


async def test_connection_is_cut_when_the_peer_does_not_take_part_in_closing(wires: Wires) -> None:
    wire = await wires.open()
    wire.say("nonsense")
    found = await wire.frame()
    assert found is not None
    assert (found[0], found[1][:2]) == (CLOSE, PROTOCOL_ERROR.to_bytes(2, "big"))
    assert await wire.frame() is None


async def test_connection_is_cut_when_the_peer_closes_and_does_not_read(server: Server, wires: Wires) -> None:
    wire = await wires.open()
    wire.writer.transport.pause_reading()  # type: ignore[attr-defined]  # it is a socket's
    (session,) = server.engine()._sockets.values()
    assert session._websocket is not None
    while not session._websocket._transport.get_write_buffer_size():
        session.send(b"x" * 50_000)
        await asyncio.sleep(0)
    wire.send(frame(b"", CLOSE))
    await until(lambda: server.socket(session.sid) is None)


async def test_peer_that_vanishes_is_forgotten(server: Server, wires: Wires) -> None:
    wire = await wires.open()
    wire.send(frame("4" + "x" * 1000)[:500])
    assert server.engine()._sockets
    wire.writer.transport.abort()
    await until(lambda: not server.engine()._sockets)
