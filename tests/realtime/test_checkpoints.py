"""A log merged by a worker: the same document, opened at a fraction of the price; and what cannot be merged harms nobody."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY
from pycrdt import Doc, Text

from core.call import Resources
from core.db import Database
from core.eventlog import NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from core.outbox import Delivery, Handlers
from core.tokens import Tokens
from realtime import service
from realtime.editor import Editor
from realtime.history import Checkpoint, History, Kept
from realtime.jobs import jobs
from realtime.queries import insert_checkpoint, newest_checkpoint
from realtime.replay import ReplayFailed, merge
from realtime.settings import RealtimeSettings
from realtime.ysync import read_vector
from realtime.yupdate import read_update
from tests.conftest import DatabaseUrls
from tests.core.test_failpoints import run_to_its_death
from tests.realtime import corpus
from tests.realtime.conftest import Gateway, NewGateway, Person, until, until_async
from tests.realtime.peers import Peer, Sit, editor_pass
from tests.realtime.test_history import answered

SECONDS, MEMORY = 20, 1 << 30
ANA = new_id()


def applied(updates: list[bytes]) -> Doc[Any]:
    """A document with all of them."""
    doc: Doc[Any] = Doc()
    with doc.transaction():
        for each in updates:
            doc.apply_update(each)
    return doc


def history_of(updates: list[bytes]) -> History:
    """The strict reader's account."""
    history = History()
    for each in updates:
        history.take(each, read_update(each), ANA)
    return history


def text_of(doc: Doc[Any]) -> str:
    return str(doc.get("f1", type=Text))


async def store(resources: Resources, tenant_id: TenantId, document_id: UUID, updates: list[bytes]) -> None:
    """Put updates into the log past the gateway."""
    for start in range(0, len(updates), 1_000):
        entries = [
            NewEntry(tenant_id, document_id, new_id(), "update", ANA, data=each)
            for each in updates[start : start + 1_000]
        ]
        answers = await resources.get(LogWriter).append(entries)
        assert {answer.outcome for answer in answers} == {"new"}


async def requests(database: Database, tenant_id: TenantId) -> list[tuple[UUID, dict[str, Any]]]:
    """The jobs that were asked for and are not done."""
    async with database.transaction(tenant_id) as tx:
        return [
            (row[0], row[1])
            for row in await tx.rows(
                "SELECT id, payload FROM outbox WHERE tenant_id = $1 AND kind = 'MakeCheckpoint'", tenant_id
            )
        ]


async def work(gateway: Gateway, database: Database, tenant_id: TenantId) -> None:
    """Do what a worker does with the jobs that wait."""
    handlers = Handlers((), jobs.items)
    for job_id, payload in await requests(database, tenant_id):
        delivery = Delivery(tenant_id=tenant_id, id=job_id, handler="realtime.make_checkpoint", payload=payload)
        await handlers.deliver(gateway.resources, delivery)


async def ask_and_work(gateway: Gateway, database: Database, tenant_id: TenantId, document_id: UUID) -> None:
    async with database.transaction(tenant_id) as tx:
        await service.request_checkpoint(tx, document_id, 1, 0)
    await work(gateway, database, tenant_id)


async def checkpoints(database: Database, tenant_id: TenantId, document_id: UUID) -> list[int]:
    """Where a document has checkpoints."""
    async with database.transaction(tenant_id) as tx:
        rows = await tx.rows(
            "SELECT seq FROM document_checkpoints WHERE tenant_id = $1 AND stream_id = $2 ORDER BY seq",
            tenant_id, document_id,
        )  # fmt: skip
    return [row[0] for row in rows]


WORKER = """
import asyncio, sys
from core import failpoints
from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.outbox import Delivery, Handlers
from realtime.jobs import jobs
from realtime.settings import RealtimeSettings
async def main(url, redis_url, spec, delivery):
    failpoints.arm(spec)
    resources = Resources()
    resources.provide(Database, Database(url))
    resources.provide(Bus, Bus(redis_url, "s" * 40))
    resources.provide(RealtimeSettings, RealtimeSettings())
    await Handlers((), jobs.items).deliver(resources, Delivery.model_validate_json(delivery))
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(("point", "kept"), [("checkpoint.keep", []), ("checkpoint.kept", [40])])
async def test_worker_that_dies_over_a_checkpoint_leaves_none_or_a_whole_one(
    gateway: Gateway, sit: Sit, person: Person, database: Database, database_urls: DatabaseUrls, redis_url: str,
    tenant_id: TenantId, document_id: UUID, point: str, kept: list[int],
) -> None:  # fmt: skip
    updates = corpus.keystrokes(40)
    await store(gateway.resources, tenant_id, document_id, updates)
    async with database.transaction(tenant_id) as tx:
        await service.request_checkpoint(tx, document_id, 1, 0)
    ((job_id, payload),) = await requests(database, tenant_id)
    job = Delivery(tenant_id=tenant_id, id=job_id, handler="realtime.make_checkpoint", payload=payload)
    await run_to_its_death(WORKER, database_urls.app, redis_url, f"{point}=crash", job.model_dump_json())
    assert await checkpoints(database, tenant_id, document_id) == kept
    await Handlers((), jobs.items).deliver(gateway.resources, job)  # the outbox offers it again in its time
    assert await checkpoints(database, tenant_id, document_id) == [40]
    assert await requests(database, tenant_id) == []
    assert str(await sit(gateway, person("Ana"))) == text_of(applied(updates))


@pytest.mark.parametrize("seed", range(4))
async def test_merged_document_is_the_document(seed: int) -> None:
    updates = corpus.pycrdt_updates(seed)
    history = history_of(updates)
    made = await merge(updates, history, seconds=SECONDS, memory=MEMORY)
    kept = History.of(history.keep(9, made.state, made.summary))
    assert kept.vector == history.vector
    assert kept.owners == history.owners
    whole, copy = applied(updates), applied(answered(kept, {}))
    assert str(copy.get("t", type=Text)) == str(whole.get("t", type=Text))
    assert read_vector(copy.get_state()) == read_vector(whole.get_state())
    assert all(kept.fit(read_update(each), {}) == "known" for each in updates)


async def test_reader_who_has_the_checkpoint_gets_the_tail_alone() -> None:
    updates = corpus.keystrokes(3_000)
    history = history_of(updates[:2_900])
    made = await merge(updates[:2_900], history, seconds=SECONDS, memory=MEMORY)
    kept = History.of(history.keep(2_900, made.state, made.summary))
    vector = dict(kept.vector)
    for each in updates[2_900:]:
        kept.take(each, read_update(each), ANA)
    (answer,) = answered(kept, vector)
    summary = read_update(answer)
    assert summary.clients == {7: (vector[7], kept.vector[7])}
    assert text_of(applied([made.state, answer])) == text_of(applied(updates))


async def test_reader_who_has_half_the_checkpoint_gets_little_more_than_the_other_half() -> None:
    updates = corpus.keystrokes(20_000)
    history = history_of(updates)
    made = await merge(updates, history, seconds=SECONDS, memory=MEMORY)
    kept = History.of(history.keep(20_000, made.state, made.summary))
    half = {7: kept.vector[7] // 2}
    (answer,) = answered(kept, half)
    deletions = sum(map(len, kept._deletions or ()))
    assert len(answer) - deletions < 0.7 * (len(made.state) - deletions)


async def test_pending_updates_are_never_merged() -> None:
    first, second, third = corpus.keystrokes(3, seed=5)
    history = history_of([first, third])
    with pytest.raises(ReplayFailed, match="pending"):
        await merge([first, third], history, seconds=SECONDS, memory=MEMORY)
    assert (await merge([first, second, third], history_of([first, second, third]), seconds=9, memory=MEMORY)).state


async def test_pending_deletions_are_never_merged() -> None:
    updates = corpus.keystrokes(2, seed=5)
    history = history_of(updates)
    history.take(b"\x00\x01\x07\x01\x00\x01", read_update(b"\x00\x01\x07\x01\x00\x01"), ANA)
    with pytest.raises(ReplayFailed, match="pending"):
        await merge(updates, history, seconds=SECONDS, memory=MEMORY)


HOSTILE = {
    "a count that takes half a gigabyte": b"\x01\xff\xff\xff\x7f\x01\x00\x00\x01\x00",
    "no update": b"\xff" * 40,
    "a clock beyond 32 bits": b"\x01\x01\x01\xff\xff\xff\xff\xff\x1f\x00\x01\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_bytes_kill_the_child_alone(name: str) -> None:
    updates = corpus.keystrokes(3)
    with pytest.raises(ReplayFailed):
        await merge([*updates, HOSTILE[name]], history_of(updates), seconds=SECONDS, memory=1 << 28)


async def test_child_has_bounded_memory_and_time() -> None:
    updates = corpus.keystrokes(2_000)
    with pytest.raises(ReplayFailed, match="crashed"):
        await merge(updates, history_of(updates), seconds=SECONDS, memory=1 << 24)
    many = [update for client in range(2, 40) for update in corpus.keystrokes(1_500, client)]
    with pytest.raises(ReplayFailed, match=r"crashed|timeout"):
        await merge(many * 40, history_of(many), seconds=1, memory=MEMORY)


async def test_document_that_the_decoder_contradicts_itself_on_is_left_alone() -> None:
    """Formatted text of three ``yjs`` documents, which pycrdt puts in another order after a round trip."""
    updates, _ = corpus.yjs_updates(0)
    with pytest.raises(ReplayFailed, match="contradiction"):
        await merge(updates, history_of(updates), seconds=SECONDS, memory=MEMORY)


async def test_long_document_is_joined_by_its_state(
    gateway: Gateway, database: Database, tokens: Tokens, person: Person, tenant_id: TenantId, document_id: UUID,
    room_id: UUID,
) -> None:  # fmt: skip
    updates = corpus.keystrokes(30_000)
    await store(gateway.resources, tenant_id, document_id, updates[:29_000])
    await ask_and_work(gateway, database, tenant_id, document_id)
    await store(gateway.resources, tenant_id, document_id, updates[29_000:])
    assert await checkpoints(database, tenant_id, document_id) == [29_000]
    assert await requests(database, tenant_id) == []
    whole = applied(updates)
    peer = Peer(gateway, document_id, editor_pass(tokens, person("Ana"), document_id, room_id))
    await peer.synced()
    (opened,) = gateway.resources.get(Editor).shelf.all()
    history = opened.document.history
    assert str(peer) == text_of(whole)
    assert history.vector == read_vector(whole.get_state())
    assert history.updates == 1_000
    assert sum(map(len, answered(history, {}))) < 2 * len(whole.get_update())
    assert await peer.answer(await peer.type("more", at=0)) == "ack"
    await peer.close()


async def test_open_document_goes_over_to_the_checkpoint_that_it_asked_for(
    new_gateway: NewGateway, database: Database, tokens: Tokens, person: Person, tenant_id: TenantId,
    document_id: UUID, room_id: UUID,
) -> None:  # fmt: skip
    gateway = await new_gateway(checkpoint_updates=20)
    ana, bob = [
        await Peer(gateway, document_id, editor_pass(tokens, person("P"), document_id, room_id)).synced()
        for _ in range(2)
    ]
    for _ in range(25):
        await ana.answer(await ana.type("a"))
    await until_async(lambda: requests(database, tenant_id))
    await work(gateway, database, tenant_id)
    (opened,) = gateway.resources.get(Editor).shelf.all()
    await until(lambda: opened.document.base >= 20)
    assert opened.document.history.updates <= 10
    assert await ana.answer(await ana.type(" still")) == "ack"
    await until(lambda: str(bob) == str(ana))
    late = await Peer(gateway, document_id, editor_pass(tokens, person("Late"), document_id, room_id)).synced()
    assert str(late) == str(ana) == "a" * 25 + " still"
    for peer in (ana, bob, late):
        await peer.close()


async def test_two_gateways_ask_once(
    new_gateway: NewGateway, database: Database, tokens: Tokens, person: Person, tenant_id: TenantId,
    document_id: UUID, room_id: UUID,
) -> None:  # fmt: skip
    gateways = [await new_gateway(checkpoint_updates=10) for _ in range(2)]
    peers = [
        await Peer(gateway, document_id, editor_pass(tokens, person("P"), document_id, room_id)).synced()
        for gateway in gateways
    ]
    for _ in range(30):
        for peer in peers:
            await peer.answer(await peer.type("x"))
    await until(lambda: str(peers[0]) == str(peers[1]))
    assert len(await until_async(lambda: requests(database, tenant_id))) == 1
    for peer in peers:
        await peer.close()


async def test_failing_checkpoint_is_counted_and_harms_nothing(
    new_gateway: NewGateway, database: Database, tokens: Tokens, person: Person, tenant_id: TenantId,
    document_id: UUID, room_id: UUID,
) -> None:  # fmt: skip
    gateway = await new_gateway(replay_memory=1 << 27)
    first, second, third = corpus.keystrokes(3, seed=5)
    await store(gateway.resources, tenant_id, document_id, [first, third])
    before = REGISTRY.get_sample_value("dojo_document_checkpoints_total", {"outcome": "pending"}) or 0
    gateway.resources.provide(RealtimeSettings, RealtimeSettings())
    with pytest.raises(ReplayFailed):
        await ask_and_work(gateway, database, tenant_id, document_id)
    assert REGISTRY.get_sample_value("dojo_document_checkpoints_total", {"outcome": "pending"}) == before + 1
    assert await checkpoints(database, tenant_id, document_id) == []
    assert len(await requests(database, tenant_id)) == 1  # the outbox offers it again in its time
    await store(gateway.resources, tenant_id, document_id, [second])
    await work(gateway, database, tenant_id)
    assert await checkpoints(database, tenant_id, document_id) == [3]
    peer = await Peer(gateway, document_id, editor_pass(tokens, person("P"), document_id, room_id)).synced()
    assert str(peer) == text_of(applied([first, second, third]))
    await peer.close()


async def test_two_checkpoints_are_kept_and_the_log_stays(
    gateway: Gateway, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    updates = corpus.keystrokes(40)
    for count in range(1, 5):
        await store(gateway.resources, tenant_id, document_id, updates[count * 10 - 10 : count * 10])
        await ask_and_work(gateway, database, tenant_id, document_id)
    assert await checkpoints(database, tenant_id, document_id) == [30, 40]
    async with database.transaction(tenant_id) as tx:
        kept = await newest_checkpoint(tx, document_id, 1, 40)
        assert await tx.value(int, "SELECT count(*) FROM log_entries WHERE stream_id = $1", document_id) == 40
        assert await newest_checkpoint(tx, document_id, 2, 40) is None  # of another life of the log
    assert kept is not None
    assert text_of(applied([kept.checkpoint.state])) == text_of(applied(updates))


async def test_last_one_to_leave_has_a_long_document_merged(
    new_gateway: NewGateway, database: Database, tokens: Tokens, person: Person, tenant_id: TenantId,
    document_id: UUID, room_id: UUID, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("realtime.lingering.LINGER", 0.05)
    gateway = await new_gateway()
    ana = await Peer(gateway, document_id, editor_pass(tokens, person("Ana"), document_id, room_id)).synced()
    for _ in range(60):
        await ana.answer(await ana.type("a"))
    assert await requests(database, tenant_id) == []
    await ana.close()
    assert len(await until_async(lambda: requests(database, tenant_id))) == 1


async def test_broken_checkpoint_is_passed_over(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    updates = corpus.keystrokes(60)
    await store(gateway.resources, tenant_id, document_id, updates)
    async with database.transaction(tenant_id) as tx:
        broken = Checkpoint(50, b"\x01\xff\xff", [Kept(7, ANA, 1, [[9, 9, 2]])])
        await insert_checkpoint(tx, document_id, 1, broken, b"")
    peer = await sit(gateway, person("Ana"))
    assert str(peer) == text_of(applied(updates))


@pytest.mark.parametrize("damaged", [1, 2])
async def test_damaged_checkpoint_is_passed_over_counted_and_not_merged(
    gateway: Gateway, sit: Sit, person: Person, database: Database, database_urls: DatabaseUrls, tenant_id: TenantId,
    document_id: UUID, damaged: int,
) -> None:  # fmt: skip
    """Somewhere a bit fell over: it can be read, and says something else. The one before holds, or the log."""
    updates = corpus.keystrokes(60)
    for begin in (0, 20):
        await store(gateway.resources, tenant_id, document_id, updates[begin : begin + 20])
        await ask_and_work(gateway, database, tenant_id, document_id)
    async with await psycopg.AsyncConnection.connect(database_urls.everything) as connection:
        await connection.execute(
            "UPDATE document_checkpoints SET state = set_bit(state, 8 * (length(state) / 2), 1"
            " - get_bit(state, 8 * (length(state) / 2))) WHERE stream_id = %s AND seq = ANY (%s)",
            (document_id, [40, 20][:damaged]),
        )
    before = REGISTRY.get_sample_value("dojo_document_checkpoints_damaged_total") or 0
    peer = await sit(gateway, person("Ana"))
    assert str(peer) == text_of(applied(updates[:40]))
    (opened,) = gateway.resources.get(Editor).shelf.all()
    assert opened.document.base == (20 if damaged == 1 else 0)
    assert REGISTRY.get_sample_value("dojo_document_checkpoints_damaged_total") == before + damaged
    await store(gateway.resources, tenant_id, document_id, updates[40:])
    await ask_and_work(gateway, database, tenant_id, document_id)
    async with database.transaction(tenant_id) as tx:
        kept = await newest_checkpoint(tx, document_id, 1, 60)
    assert kept is not None
    assert kept.is_sound
    assert text_of(applied([kept.checkpoint.state])) == text_of(applied(updates))


async def test_checkpoint_of_a_former_version_is_believed(
    gateway: Gateway, sit: Sit, person: Person, database: Database, database_urls: DatabaseUrls, tenant_id: TenantId,
    document_id: UUID,
) -> None:  # fmt: skip
    updates = corpus.keystrokes(20)
    await store(gateway.resources, tenant_id, document_id, updates)
    await ask_and_work(gateway, database, tenant_id, document_id)
    async with await psycopg.AsyncConnection.connect(database_urls.everything) as connection:
        await connection.execute("UPDATE document_checkpoints SET checksum = NULL WHERE stream_id = %s", (document_id,))
    assert str(await sit(gateway, person("Ana"))) == text_of(applied(updates))
    (opened,) = gateway.resources.get(Editor).shelf.all()
    assert opened.document.base == 20
