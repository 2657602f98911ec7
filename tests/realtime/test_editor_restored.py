"""A database that went back to a backup: what anybody had of a document is another document."""

import asyncio
from uuid import UUID

import psycopg

from app.migrate import begin_epoch
from core.bus import Bus
from core.db import Database
from core.eventlog import head
from core.model import TenantId, new_id
from core.tokens import Tokens
from realtime import service
from realtime.editor import Editor
from realtime.settings import RealtimeSettings
from tests.conftest import DatabaseUrls
from tests.realtime import doors
from tests.realtime.conftest import Gateway, NewGateway, Person, forget, lose, until, until_async
from tests.realtime.peers import Peer, Sit, editor_pass


async def test_restored_document_begins_anew_for_everybody(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, database_urls: DatabaseUrls
) -> None:
    people = [await sit(gateway, person("P")) for gateway in two_gateways]
    await people[0].answer(await people[0].type("kept"))
    await until(lambda: str(people[1]) == "kept")
    await asyncio.to_thread(begin_epoch, database_urls.migration)
    assert [await each.closed() for each in people] == [4410, 4410]
    late = await sit(two_gateways[0], person("Late"))
    assert str(late) == "kept"
    assert await late.answer(await late.type("!")) == "ack"


async def test_document_that_the_backup_lacks_is_closed_for_everybody(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, database_urls: DatabaseUrls, document_id: UUID
) -> None:
    people = [await sit(gateway, person("P")) for gateway in two_gateways]
    await people[0].answer(await people[0].type("younger than the backup"))
    await forget(database_urls, document_id)
    assert [await each.closed() for each in people] == [4410, 4410]


async def test_what_is_typed_before_a_restore_is_noticed_is_taken_back_and_not_acknowledged(
    new_gateway: NewGateway, sit: Sit, person: Person, database_urls: DatabaseUrls, database: Database,
    tenant_id: TenantId, document_id: UUID,
) -> None:  # fmt: skip
    """It stands on what the log has no more: stored, it would leave a gap there for good."""
    gateway = await new_gateway(poll_interval=60)
    ana, bob = await sit(gateway, person("Ana")), await sit(gateway, person("Bob"))
    for word in ("aaa", "bbb", "ccc"):
        assert await ana.answer(await ana.type(word)) == "ack"
    await lose(database_urls, document_id, 2)
    await asyncio.to_thread(begin_epoch, database_urls.migration)
    number = await ana.type("ddd")
    assert await ana.closed() == await bob.closed() == 4410
    assert number not in ana.answers
    async with database.transaction(tenant_id) as tx:
        at = await head(tx, document_id)
    assert at is not None
    assert at.seq == 1
    assert await service.make_checkpoint(database, RealtimeSettings(), tenant_id, document_id) is not None
    late = await sit(gateway, person("Late"))
    assert str(late) == "aaa"
    assert await late.answer(await late.type("!")) == "ack"


async def test_nobody_sits_down_at_a_document_that_was_dropped_while_they_came_in(
    gateway: Gateway, sit: Sit, person: Person, tokens: Tokens, database_urls: DatabaseUrls, tenant_id: TenantId,
    room_id: UUID, document_id: UUID,
) -> None:  # fmt: skip
    """Nobody keeps it up any more; who comes again finds the one that is."""
    channel = doors.room(tenant_id, room_id)
    for _ in range(2):
        await doors.append(gateway.resources, channel, new_id(), "said", {})
    ana = await sit(gateway, person("Ana"))
    bob = Peer(gateway, document_id, editor_pass(tokens, person("Bob"), document_id, room_id, seq=1))
    async with await psycopg.AsyncConnection.connect(database_urls.everything) as connection:
        await connection.execute("LOCK TABLE log_entries")
        coming = asyncio.create_task(bob.open())

        async def is_coming() -> bool:
            waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
            return (await (await connection.execute(waits)).fetchone()) == (True,)

        await until_async(is_coming)
        await asyncio.to_thread(begin_epoch, database_urls.migration)
        assert await ana.closed() == 4410
    await coming
    assert await bob.closed() == 1013
    assert not bob.is_synced
    await bob.close()
    assert await (late := await sit(gateway, person("Late"))).answer(await late.type("!")) == "ack"


async def test_log_that_was_shortened_under_a_checkpoint_keeps_nobody_busy(
    new_gateway: NewGateway, sit: Sit, person: Person, database_urls: DatabaseUrls, database: Database,
    tenant_id: TenantId, document_id: UUID,
) -> None:  # fmt: skip
    gateway = await new_gateway(poll_interval=60)
    ana = await sit(gateway, person("Ana"))
    for _ in range(4):
        assert await ana.answer(await ana.type("a")) == "ack"
    await lose(database_urls, document_id, 1)
    made = await service.make_checkpoint(database, RealtimeSettings(), tenant_id, document_id)
    assert made is not None
    (opened,) = gateway.resources.get(Editor).shelf.all()
    async with database.transaction(tenant_id) as tx:
        await service.keep_checkpoint(tx, gateway.resources.get(Bus), document_id, made)
    await until(lambda: opened.resting is not None and opened.resting.done())
    assert opened.document.base == 0
