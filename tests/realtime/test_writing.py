"""What a WebSocket writes goes to the kernel at once, and what that does not take comes later, in order."""

import asyncio
import os
import socket as sockets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from realtime import wsframes
from realtime.websocket import WebSocket
from tests.realtime.conftest import until

FRAMES = [wsframes.frame(f"{number}:" + "x" * 9_000) for number in range(800)]
"""More than the kernel takes for a peer that does not read."""


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[WebSocket, sockets.socket, list[str]]]:
    """The server's end, the peer's, and what the server's was told."""
    told: list[str] = []
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        far = sockets.create_connection(listener.getsockname())
        near, _ = listener.accept()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near)
    number = transport.get_extra_info("socket").fileno()

    def end() -> None:
        os.fstat(number)  # raises if it is closed: then it could be another connection's while we write to it
        told.append("closed")

    socket = WebSocket(transport, max_message=1_000, on_message=lambda _: None, on_closed=end)
    transport.set_protocol(socket)
    with far:
        far.setblocking(False)
        yield socket, far, told
        socket.abort()
        await until(lambda: told)


async def read(far: sockets.socket, size: int) -> bytes:
    """The next bytes."""
    found = b""
    while len(found) < size:
        found += await asyncio.get_running_loop().sock_recv(far, size - len(found))
    return found


async def turn() -> None:
    """Let the loop go round, so that what was written is sent."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def late_reader() -> None:
    async with connection() as (socket, far, _):
        for frame in FRAMES:
            socket.write(frame)
            await turn()
        assert socket.is_behind
        assert socket.backlog > 0
        sent = b"".join(FRAMES)
        assert await read(far, len(sent) // 2) == sent[: len(sent) // 2]
        socket.write(b"behind")
        assert await read(far, len(sent) - len(sent) // 2) == sent[len(sent) // 2 :]
        assert await read(far, 6) == b"behind"
        await until(lambda: not socket.backlog)
        socket.write(b"at ")
        socket.write(b"once")
        assert await read(far, 7) == b"at once"
        assert not socket.is_behind


async def gone_reader() -> None:
    async with connection() as (socket, far, told):
        far.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # its end is a reset
        far.close()
        while not told:
            socket.write(b"into the void")
            await turn()
        assert told == ["closed"]
        socket.write(b"to nobody")
        assert socket.flush() == 0  # its number may be another connection's by now


@pytest.mark.parametrize("story", [late_reader, gone_reader])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_is_written_arrives_whole_and_in_order(
    new_loop: Callable[[], asyncio.AbstractEventLoop], story: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(story())
