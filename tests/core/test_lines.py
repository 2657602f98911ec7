"""Connections without a request: who says nothing is cut off, who speaks slowly is heard."""

import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from app.parts import free_port
from core.process import Process, listening, serve
from core.settings import CoreSettings

ASK = b"GET /hello HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Of a small application that is served as ours is."""

    async def hello(request: web.Request) -> web.Response:
        return web.Response(text=(await request.text()) or "hello")

    app = web.Application()
    app.router.add_route("*", "/hello", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    async with listening(runner, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
    assert REGISTRY.get_sample_value("dojo_http_silent") == 0
    await runner.cleanup()


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Lines = Callable[..., Awaitable[Line]]


@pytest.fixture
async def line(port: int) -> AsyncIterator[Lines]:
    """Connections that say some things, one after the other; closed at the test's end."""
    writers: list[asyncio.StreamWriter] = []

    async def connect(*said: bytes) -> Line:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        for each in said:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(0)
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """The body of the next answer."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = next(each for each in head.splitlines() if each.lower().startswith(b"content-length:"))
    return await reader.readexactly(int(length.split(b":")[1]))


def counted(reason: str) -> float:
    """Connections cut off so far."""
    return REGISTRY.get_sample_value("dojo_http_cut_off_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize(
    "said", [(), (b"\r\n\r\n",), (b"GET /hello HT",), (b"GET /hello HTTP/1.1\r\n", b"Host: here\r\n")]
)
async def test_who_does_not_ask_is_cut_off(
    line: Lines, said: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.lines.FIRST_WORDS", 0.1)
    before = counted("silent")
    reader, _ = await line(*said)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    assert counted("silent") == before + 1
    assert REGISTRY.get_sample_value("dojo_http_silent") == 0


async def test_who_asks_slowly_is_heard_and_may_ask_again(line: Lines) -> None:
    reader, writer = await line(*(bytes((byte,)) for byte in ASK))
    assert await answer(reader) == b"hello"
    for body in (b"one", b"two"):
        writer.write(ASK.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n") + body)
        assert await answer(reader) == body


async def test_who_asks_nothing_more_is_hung_up_on(settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.process.IDLE", 0.1)
    process, port, started = Process(settings, (), frozenset()), free_port(), asyncio.Event()
    serving = asyncio.create_task(serve(process, "127.0.0.1", port, started=started.set))
    await asyncio.wait_for(started.wait(), 10)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ASK.replace(b"/hello", b"/health/live"))
    assert b"alive" in await answer(reader)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    process.draining.set()
    await serving


async def test_request_and_what_follows_may_come_at_once(line: Lines) -> None:
    reader, _ = await line(ASK + ASK)
    assert [await answer(reader), await answer(reader)] == [b"hello", b"hello"]


async def test_head_without_an_end_is_refused(line: Lines) -> None:
    reader, _ = await line(b"GET /hello HTTP/1.1\r\nHost: " + b"x" * 70_000)
    assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"400"


async def test_only_so_many_may_be_silent_and_the_oldest_goes(line: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.lines.SILENT_MAX", 2)
    before = counted("crowded")
    async with asyncio.timeout(10):
        silent = [await line() for _ in range(2)]
        while REGISTRY.get_sample_value("dojo_http_silent") != 2:
            await asyncio.sleep(0.01)
        reader, _ = await line(ASK)
        assert await answer(reader) == b"hello"
        with contextlib.suppress(ConnectionResetError):
            assert await silent[0][0].read() == b""
        assert counted("crowded") == before + 1
        silent[1][1].write(ASK)
        assert await answer(silent[1][0]) == b"hello"
        await line()  # and is cut off with the listener
        while REGISTRY.get_sample_value("dojo_http_silent") != 1:
            await asyncio.sleep(0.01)


def test_process_takes_all_files_that_it_may_have() -> None:
    said = "import resource; from core.lines import allow_files; print(allow_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))"
    run = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4_096)),
    )  # fmt: skip
    assert run.stdout.split() == ["4096"] * 3
