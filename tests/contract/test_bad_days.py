"""PostgreSQL is gone, or of no use: every door says so at once, and all of them work again by themselves when it is back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.packages import doors
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from tests.conftest import DatabaseUrls
from tests.contract.place import a_tenant, somebody
from tests.line import Line
from tests.postgres import full, read_only

DOORS = [
    ("GET", "/api/rooms", None),
    ("POST", "/api/rooms", {"kata": "fizzbuzz"}),
    ("GET", "/api/pocs", None),
    ("GET", "/api/me", None),
    ("GET", "/api/links/nowhere", None),
    ("POST", "/api/session", {"email": "x@example.org", "password": "a long enough password"}),
    ("GET", "/health/ready", None),
]
AT_ONCE = 4.0
"""Seconds until the answer."""
BACK_WITHIN = 10.0

Http = TestClient[web.Request, web.Application]


@pytest.fixture
def database_urls(new_database: Callable[[], DatabaseUrls]) -> DatabaseUrls:
    """A database of the test's own."""
    return new_database()


@pytest.fixture
async def line(database_urls: DatabaseUrls) -> AsyncIterator[Line]:
    """The line to it."""
    async with Line(database_urls.app).open() as line:
        yield line


@pytest.fixture
async def client(settings: CoreSettings, line: Line) -> AsyncIterator[Http]:
    """All doors but the sockets, asked by somebody who is signed in."""
    packages = doors()
    process = Process(
        settings.model_copy(update={"database_url": line.url, "rate_scale": 100.0}),
        packages,
        frozenset(package.name for package in packages) - {"realtime"},
    )
    async with resources_of(process):
        who = somebody(await a_tenant(process), "owner")
        headers = {"Authorization": f"Bearer {process.resources.get(Tokens).access(who)}"}
        async with TestClient(TestServer(web_application(process)), headers=headers) as client:
            yield client


async def ask(client: Http, door: tuple[str, str, object]) -> tuple[int, str | None]:
    """The status, and when to come again."""
    method, path, body = door
    async with client.request(method, path, json=body) as answer:
        return answer.status, answer.headers.get("Retry-After")


async def ask_all(client: Http) -> list[tuple[int, str | None]]:
    """All doors at once."""
    async with asyncio.timeout(AT_ONCE):
        return await asyncio.gather(*(ask(client, door) for door in DOORS))


async def until_as(client: Http, before: list[tuple[int, str | None]]) -> None:
    """Wait until every door answers as it did."""
    async with asyncio.timeout(BACK_WITHIN):
        while [await ask(client, door) for door in DOORS] != before:
            await asyncio.sleep(0.1)


@contextmanager
def cut(line: Line) -> Iterator[None]:
    """Nobody gets through."""
    line.cut()
    try:
        yield
    finally:
        line.mend()


@pytest.mark.parametrize("fault", ["cut", "full"])
async def test_without_postgresql_doors_say_so_and_open_again(
    client: Http, line: Line, database_urls: DatabaseUrls, fault: str
) -> None:
    before = await ask_all(client)
    assert all(status < 500 for status, _ in before)
    with cut(line) if fault == "cut" else full(database_urls):
        during = await ask_all(client)
        assert [status for status, _ in during] == [503] * len(DOORS)
        assert all(again is not None and int(again) > 0 for _, again in during)
        assert (await client.get("/health/live")).status == 200
        assert (await client.get("/api/kata")).status == 200
    await until_as(client, before)


async def test_read_only_postgresql_is_read_and_what_would_write_says_so(
    client: Http, database_urls: DatabaseUrls
) -> None:
    before = await ask_all(client)
    with read_only(database_urls):
        await until_as(
            client,
            [
                (503, "2") if door[:2] == ("POST", "/api/rooms") else as_ever
                for door, as_ever in zip(DOORS, before, strict=True)
            ],
        )
    await until_as(client, before)
