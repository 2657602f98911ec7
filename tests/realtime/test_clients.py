"""Other people's clients against the conformance server, as a process of its own: socket.io-client and python-socketio."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import socketio

from app.parts import free_port
from tests.realtime.conftest import PATIENCE, until, until_async
from tests.realtime.test_node_clients import run

TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])
LARGE = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def process() -> Iterator[str]:
    """Where the server listens."""
    port = free_port()
    options = ("--port", str(port), "--ping-interval", "0.3", "--ping-timeout", "10")
    with subprocess.Popen([sys.executable, "-m", "realtime.conformance", *options]) as running:
        yield f"http://127.0.0.1:{port}"
        running.terminate()


@pytest.fixture
async def url(process: str) -> str:
    """The same, once it answers."""
    port = int(process.rpartition(":")[2])

    async def answers() -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        return False

    await until_async(answers, patience=60)
    return process


@pytest.mark.parametrize("parser", ["json", "msgpack"])
@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_socket_io_client_is_understood(url: str, parser: str, transports: list[str]) -> None:
    result = await run("echo.mjs", url=url, parser=parser, transports=transports)
    assert result == {
        "auth": [["auth", {"token": "é"}]] * 2,
        "refused": "Invalid namespace",
        "ack": [1, "2", {"3": [True, None]}, "0001feff"],
        "sizes": [4, 0, 100_000],
        "order": [["message-back", n, f"{n:02x}" if n % 2 else "é"] for n in range(100)],
        "bare": [["message-back"]],
        "last": ["last"],
        "transport": transports[-1],
    }


@pytest.fixture(params=["default", "msgpack"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[socketio.AsyncClient]:
    """python-socketio's client, with either parser."""
    found = socketio.AsyncClient(reconnection=False, serializer=request.param)
    yield found
    await found.disconnect()


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
async def test_python_socketio_is_understood(url: str, client: socketio.AsyncClient, transports: list[str]) -> None:
    heard: list[Any] = []
    client.on("*", lambda name, *args: heard.append((name, *args)))
    client.on("*", lambda name, *args: heard.append((name, *args)), namespace="/custom")
    path = "socket.io" if client.packet_class.uses_binary_events else "socket.io-msgpack"
    await client.connect(
        url, auth={"token": "é"}, socketio_path=path, transports=transports, namespaces=["/", "/custom"],
        wait_timeout=PATIENCE,
    )  # fmt: skip
    await until(lambda: len(heard) == 2)
    assert heard == [("auth", {"token": "é"})] * 2
    assert client.transport() == transports[-1]
    assert await client.call("message-with-ack", (1, "2", {"3": [True, None]}, b"\0\1\xfe\xff"), timeout=PATIENCE) == (
        1, "2", {"3": [True, None]}, b"\0\1\xfe\xff",
    )  # fmt: skip
    assert await client.call("message-with-ack", LARGE, namespace="/custom", timeout=PATIENCE) == LARGE
    heard.clear()
    for n in range(100):
        await client.emit("message", (n, bytes((n,)) if n % 2 else "é"))
    await until(lambda: len(heard) == 100)
    assert heard == [("message-back", n, bytes((n,)) if n % 2 else "é") for n in range(100)]
