"""PostgreSQL is gone: every door says so at once, and all of them work again by themselves when it is back."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.packages import doors
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from tests.contract.place import a_tenant, somebody
from tests.line import Line

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
async def line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to PostgreSQL."""
    async with Line(str(settings.database_url)).open() as line:
        yield line


async def ask(client: Http, headers: dict[str, str], door: tuple[str, str, object]) -> tuple[int, str | None]:
    """The status, and when to come again."""
    method, path, body = door
    async with client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, answer.headers.get("Retry-After")


async def test_without_postgresql_doors_say_so_and_open_again(settings: CoreSettings, line: Line) -> None:
    packages = doors()
    process = Process(
        settings.model_copy(update={"database_url": line.url}),
        packages,
        frozenset(package.name for package in packages) - {"realtime"},
    )
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        who = somebody(await a_tenant(process), "owner")
        headers = {"Authorization": f"Bearer {process.resources.get(Tokens).access(who)}"}
        before = [await ask(client, headers, door) for door in DOORS]
        assert all(status < 500 for status, _ in before)
        line.cut()
        began = time.monotonic()
        during = await asyncio.gather(*(ask(client, headers, door) for door in DOORS))
        assert time.monotonic() - began < AT_ONCE
        assert [status for status, _ in during] == [503] * len(DOORS)
        assert all(again is not None and int(again) > 0 for _, again in during)
        assert (await client.get("/health/live")).status == 200
        assert (await client.get("/api/kata")).status == 200
        line.mend()
        deadline = time.monotonic() + BACK_WITHIN
        while (after := [(await ask(client, headers, door))[0] for door in DOORS]) != [status for status, _ in before]:
            assert time.monotonic() < deadline, after
            await asyncio.sleep(0.1)
