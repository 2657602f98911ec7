"""A served identity package on the real servers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientSession, CookieJar, TCPConnector
from aiohttp.test_utils import TestServer

from core.db import Database
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from identity import package
from identity.settings import IdentitySettings
from tests.identity.house import Browser, House, Open

QUICK = IdentitySettings(argon2_memory_kib=8, argon2_passes=1)


@pytest.fixture
async def open_house(settings: CoreSettings) -> AsyncIterator[Open]:
    """Starts processes that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(core: dict[str, Any] | None = None, **changes: Any) -> House:
            chosen = settings.model_copy(update={"rate_scale": 1_000.0} | (core or {}))
            process = Process(chosen, [package], frozenset({"identity"}))
            process.resources.provide(IdentitySettings, QUICK.model_copy(update=changes))
            resources = await stack.enter_async_context(resources_of(process))
            server = await stack.enter_async_context(TestServer(web_application(process), host="127.0.0.1"))

            def browser(address: str) -> Browser:
                connector = TCPConnector(local_addr=(address, 0))
                session = ClientSession(server.make_url("/"), connector=connector, cookie_jar=CookieJar(unsafe=True))
                stack.push_async_callback(session.close)
                return Browser(session, server.make_url("/api/session/refresh"))

            return House(process, resources.get(Database), resources.get(Tokens), browser)

        yield start


@pytest.fixture
async def house(open_house: Open) -> House:
    """A process with quick argon2 parameters and no rate limits to speak of."""
    return await open_house()
