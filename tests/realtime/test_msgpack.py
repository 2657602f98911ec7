"""Socket.IO in the encoding of socket.io-msgpack-parser, over real sockets."""

from typing import Any

import msgpack
import pytest

from realtime.socketio import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT
from tests.realtime.wire import MSGPACK, Wire, Wires

PROTOCOL_ERROR = 1002


async def exchange(wire: Wire, **packet: Any) -> dict[str, Any]:
    wire.say(msgpack.packb(packet))
    return await unpacked(wire)


async def unpacked(wire: Wire) -> dict[str, Any]:
    message = await wire.hear()
    assert isinstance(message, bytes)
    found: dict[str, Any] = msgpack.unpackb(message)
    return found


@pytest.fixture
async def packer(wires: Wires) -> Wire:
    """A connection that speaks msgpack, in the main namespace."""
    found = await wires.open(MSGPACK)
    answer = await exchange(found, type=CONNECT, nsp="/", data={"token": "t"})
    assert (answer["type"], answer["nsp"], list(answer["data"])) == (CONNECT, "/", ["sid"])
    assert await unpacked(found) == {"type": EVENT, "nsp": "/", "data": ["auth", {"token": "t"}]}
    return found


async def test_msgpack_carries_events_acks_and_binary(packer: Wire) -> None:
    args = [1, "€", {"b": [b"\1\2", None, True, -1.5]}]
    answer = await exchange(packer, type=EVENT, nsp="/", data=["message", *args], options={"compress": True})
    assert answer == {"type": EVENT, "nsp": "/", "data": ["message-back", *args]}
    answer = await exchange(packer, type=EVENT, nsp="/", data=["message-with-ack", *args], id=0)
    assert answer == {"type": ACK, "nsp": "/", "data": args, "id": 0}


async def test_msgpack_knows_namespaces(packer: Wire) -> None:
    refused = await exchange(packer, type=CONNECT, nsp="/random")
    assert refused == {"type": CONNECT_ERROR, "nsp": "/random", "data": {"message": "Invalid namespace"}}
    assert (await exchange(packer, type=CONNECT, nsp="/custom"))["nsp"] == "/custom"
    assert (await unpacked(packer))["data"] == ["auth", {}]
    packer.say(msgpack.packb({"type": DISCONNECT, "nsp": "/custom"}))
    answer = await exchange(packer, type=EVENT, nsp="/", data=["message"])
    assert answer["data"] == ["message-back"]


NO_PACKETS: list[Any] = [
    None, [], 0, {}, {"type": "2", "nsp": "/", "data": ["a"]}, {"type": True, "nsp": "/", "data": ["a"]},
    {"type": 2, "nsp": "/"}, {"type": 2, "nsp": "/", "data": []}, {"type": 2, "nsp": "/", "data": [1]},
    {"type": 2, "nsp": "/", "data": {"0": "a"}}, {"type": 2, "nsp": "/", "data": ["connect"]},
    {"type": 2, "nsp": 1, "data": ["a"]}, {"type": 2, "nsp": "/", "data": ["a"], "id": "1"},
    {"type": 2, "nsp": "/", "data": ["a"], "id": 1.5}, {"type": 2, "nsp": "/", "data": ["a"], "id": -1},
    {"type": 3, "nsp": "/", "data": []}, {"type": 0, "nsp": "/", "data": []}, {"type": 1, "nsp": "/", "data": {}},
    *({"type": kind, "nsp": "/", "data": ["a"], "id": 1} for kind in (-1, 4, 5, 6, 7)),
]  # fmt: skip


@pytest.mark.parametrize("packet", NO_PACKETS, ids=str)
async def test_msgpack_that_is_no_packet_closes(packer: Wire, packet: Any) -> None:
    packer.say(msgpack.packb(packet))
    assert await packer.end() == PROTOCOL_ERROR


@pytest.mark.parametrize(
    "message", ["42[]", b"", b"\xc1", b"\x81", b"\x80\x80", b"\x91" * 2_000 + b"\x90", b"\x81\x01\x01"]
)
async def test_messages_that_are_no_msgpack_close(packer: Wire, message: str | bytes) -> None:
    packer.say("4" + message if isinstance(message, str) else message)
    assert await packer.end() == PROTOCOL_ERROR
