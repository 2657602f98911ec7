"""The product in one process, with a dojo."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from app.packages import doors
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from tests.contract.place import Place, a_room, a_tenant, payload_of, somebody


@pytest.fixture
async def place(settings: CoreSettings) -> AsyncIterator[Place]:
    """A gateway of the product, and a dojo with its host inside."""
    process = Process(settings, doors(), frozenset({"realtime"}))
    async with resources_of(process), TestServer(web_application(process)) as server, aiohttp.ClientSession() as http:
        host = somebody(await a_tenant(process), "owner")
        made = Place(process, str(server.make_url("")).rstrip("/"), http, await a_room(process, host), host, [])
        wire = await made.connect(host)
        assert (await wire.call("room:enter", payload_of("room:enter", made.room)))["ok"]
        yield made
        await wire.close()
