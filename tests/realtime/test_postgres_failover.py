"""A gateway whose PostgreSQL is lost, and whose standby takes its place."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.db import Database
from core.eventlog import read
from core.model import TenantId, new_id
from tests.conftest import DatabaseUrls
from tests.line import Line
from tests.realtime.conftest import Connect, NewGateway, Person, until
from tests.standby import Pair, replicated

pytestmark = pytest.mark.usefixtures("judged")

SOON = 4.0
"""Seconds until somebody who cannot be served is told so."""
BACK_WITHIN = 10.0
"""Seconds after the promotion."""

Sit = Callable[..., Awaitable[Any]]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A primary and its standby."""
    with replicated(tmp_path) as found:
        yield found


@pytest.fixture
def database_urls(pair: Pair) -> DatabaseUrls:
    """What the test prepares, it prepares at the primary."""
    return pair.primary


@pytest.fixture
def admin_url(pair: Pair) -> str:
    """Where the logs are in the end."""
    return pair.standby.everything


@pytest.fixture
async def line(pair: Pair) -> AsyncIterator[Line]:
    """The address by which gateways know it."""
    async with Line(pair.primary.app).open() as line:
        yield line


async def stored(url: str, tenant_id: TenantId, *stream_ids: UUID) -> list[list[UUID]]:
    """The operations in each log."""
    database = Database(url, size=1)
    async with database.transaction(tenant_id) as tx:
        found = [[entry.op_id for entry in await read(tx, stream_id, 0)] for stream_id in stream_ids]
    await database.close()
    return found


async def test_failover_to_a_standby_loses_nothing_acknowledged(
    pair: Pair, line: Line, new_gateway: NewGateway, connect: Connect, sit: Sit, person: Person, room_id: UUID,
    document_id: UUID, tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway, ops = await new_gateway(core={"database_url": line.url}), [new_id() for _ in range(23)]
    ana, bob = await connect(gateway, person("Ana")), await connect(gateway, person("Bob"))
    typist = await sit(gateway, person("Ana"))
    for client in (ana, bob):
        assert (await client.call("room:enter", room_id=room_id))["ok"]

    async def say(number: int) -> dict[str, Any]:
        async with asyncio.timeout(SOON):
            return await ana.call("chat:send", room_id=room_id, text=str(number), op_id=ops[number])

    for number in range(20):
        assert (await say(number))["ok"]
    assert await typist.answer(await typist.type("early ")) == "ack"

    pair.kill_primary()
    line.lead_to(pair.port)
    late = await typist.type("late")
    for number in (20, 21):
        assert (await say(number))["problem"]["code"] == "unavailable"
    assert (await sit(gateway, person("Eve"))).is_synced  # what only reads goes on
    assert late not in typist.answers
    assert await stored(pair.standby.app, tenant_id, room_id) == [ops[:20]]

    await asyncio.to_thread(pair.promote)
    async with asyncio.timeout(BACK_WITHIN):
        for number in (20, 21, 22):
            while not (await say(number))["ok"]:
                await asyncio.sleep(0.02)
        assert await typist.answer(late) == "ack"
    await until(lambda: bob.texts() == [str(number) for number in range(23)])
    room, document = await stored(pair.standby.app, tenant_id, room_id, document_id)
    assert room == ops
    assert len(document) == 2
