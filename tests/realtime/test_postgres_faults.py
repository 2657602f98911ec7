"""A gateway whose PostgreSQL is there and cannot be used: read-only, full, without space, slow, or silent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from core.db import Database
from core.eventlog import NewEntry, read
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from core.settings import CoreSettings
from tests.conftest import DatabaseUrls
from tests.line import Line
from tests.postgres import FAULTS, full
from tests.realtime.conftest import Client, Connect, NewGateway, Person, until, until_async

pytestmark = pytest.mark.usefixtures("judged")

SOON = 4.0
"""Seconds until somebody who cannot be served is told so."""

Sit = Callable[..., Awaitable[Any]]


@pytest.fixture
def database_urls(new_database: Callable[[], DatabaseUrls]) -> DatabaseUrls:
    """A database of the test's own."""
    return new_database()


@pytest.fixture
def settings(settings: CoreSettings, database_urls: DatabaseUrls) -> CoreSettings:
    """The settings of a process that uses it."""
    return CoreSettings.model_validate({**settings.model_dump(), "database_url": database_urls.app})


@pytest.fixture
async def line(database_urls: DatabaseUrls) -> AsyncIterator[Line]:
    """The line to it."""
    async with Line(database_urls.app).open() as line:
        yield line


async def say(client: Client, room_id: UUID, text: str, op_id: UUID) -> dict[str, Any]:
    """Say something; the acknowledgement."""
    async with asyncio.timeout(SOON):
        return await client.call("chat:send", room_id=room_id, text=text, op_id=op_id)


async def until_said(client: Client, room_id: UUID, text: str, op_id: UUID) -> None:
    """Say it until it is acknowledged."""

    async def is_said() -> bool:
        return bool((await say(client, room_id, text, op_id))["ok"])

    await until_async(is_said)


async def stored(database: Database, tenant_id: TenantId, stream_id: UUID) -> list[UUID]:
    """The operations in the log."""
    async with database.transaction(tenant_id) as tx:
        return [entry.op_id for entry in await read(tx, stream_id, 0)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_acknowledged_meanwhile_and_all_of_it_afterwards(
    new_gateway: NewGateway, connect: Connect, sit: Sit, person: Person, room_id: UUID, document_id: UUID,
    database_urls: DatabaseUrls, database: Database, tenant_id: TenantId, fault: str,
) -> None:  # fmt: skip
    gateway, ops = await new_gateway(), [new_id() for _ in range(4)]
    ana, bob = await connect(gateway, person("Ana")), await connect(gateway, person("Bob"))
    typist = await sit(gateway, person("Ana"))
    for client in (ana, bob):
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    assert (await say(ana, room_id, "0", ops[0]))["ok"]
    with FAULTS[fault](database_urls):
        late = await typist.type("typed")
        for number in (1, 2, 3):
            assert (await say(ana, room_id, str(number), ops[number]))["problem"]["code"] == "unavailable"
        if fault != "full":  # what only reads goes on
            await connect(gateway, person("Eve"))
            assert (await sit(gateway, person("Eve"))).is_synced
        assert late not in typist.answers
    for number in (1, 2, 3):
        await until_said(ana, room_id, str(number), ops[number])
    assert await typist.answer(late) == "ack"
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    await until(lambda: bob.texts() == ["0", "1", "2", "3"])
    assert await stored(database, tenant_id, room_id) == ops
    assert len(await stored(database, tenant_id, document_id)) == 1


async def test_slow_postgresql_makes_answers_late_and_never_early(
    line: Line, new_gateway: NewGateway, connect: Connect, sit: Sit, person: Person, room_id: UUID, document_id: UUID,
    database: Database, tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_url": line.url})
    people = [await connect(gateway, person("P")) for _ in range(3)]
    typist = await sit(gateway, person("Ana"))
    for client in people:
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    line.lag = 0.05

    async def speak(client: Client) -> None:
        for _ in range(3):
            op_id = new_id()
            assert (await client.call("chat:send", room_id=room_id, text="slowly", op_id=op_id))["ok"]
            assert op_id in await stored(database, tenant_id, room_id)

    async def write() -> None:
        for count in range(1, 4):
            assert await typist.answer(await typist.type(f"<{count}>")) == "ack"
            assert len(await stored(database, tenant_id, document_id)) >= count

    await asyncio.gather(write(), *map(speak, people))
    await until(lambda: all(len(client.texts()) == 9 for client in people))


@pytest.mark.parametrize("end", [Line.unblock, Line.strand])  # it answers at last, or never
async def test_silent_postgresql_is_waited_for_in_bounded_time(
    line: Line, new_gateway: NewGateway, connect: Connect, person: Person, room_id: UUID, database: Database,
    tenant_id: TenantId, end: Callable[[Line], None],
) -> None:  # fmt: skip
    gateway = await new_gateway(
        core={"database_url": line.url, "database_timeout": 1.5}, answer_timeout=0.5, dead_after=60
    )
    await gateway.resources.get(Database).ping()
    ana, op_id = await connect(gateway, person("Ana")), new_id()
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    line.block()
    assert (await say(ana, room_id, "once", op_id))["problem"]["code"] == "unavailable"
    async with asyncio.timeout(SOON):
        assert (await ana.call("room:enter", room_id=room_id))["problem"]["code"] == "unavailable"
    assert (await ana.call("door:slow", room_id=room_id))["ok"]
    end(line)
    await until_said(ana, room_id, "once", op_id)

    async def is_in() -> bool:
        return bool((await ana.call("room:enter", room_id=room_id))["ok"])

    await until_async(is_in)
    assert (await stored(database, tenant_id, room_id)).count(op_id) == 1
    assert not ana.is_gone.is_set()


async def test_words_that_stand_on_what_cannot_be_read_are_refused_for_now_alone(
    new_gateway: NewGateway, sit: Sit, person: Person, database_urls: DatabaseUrls, tenant_id: TenantId,
    document_id: UUID,
) -> None:  # fmt: skip
    """Nobody knows whether they fit: their author keeps them, and offers them again."""
    gateway, who, bob = await new_gateway(poll_interval=60), person("Ana"), Doc[Any]()
    ana = await sit(gateway, who)
    bob.get("f1", type=Text).insert(0, "unheard")
    entry = NewEntry(tenant_id, document_id, new_id(), "update", new_id(), data=bob.get_update())
    await gateway.resources.get(LogWriter).append([entry])
    ana.doc.apply_update(bob.get_update())
    with full(database_urls):
        number = await ana.type("-", at=2)
        assert await ana.closed() == 1013
        assert number not in ana.answers
    back = await sit(gateway, who, doc=ana.doc)
    assert await back.answer(await back.type("!")) == "ack"
    assert str(await sit(gateway, person("Late"))) == "un-heard!"
