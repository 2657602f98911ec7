"""Editors that do not read what they are sent, or are gone without a word: the others notice nothing."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from pycrdt import Doc, Text

from core.model import TenantId
from core.tokens import Tokens
from realtime import connection, ysync
from realtime.editor import Editor
from realtime.lib0 import Reader
from realtime.settings import RealtimeSettings
from tests.realtime.conftest import Gateway, NewGateway, Person, counted, metric, seen, until, until_async
from tests.realtime.peers import Peer, Sit, editor_pass
from tests.realtime.test_checkpoints import store
from tests.realtime.test_hostile import deaf, frame, upgrade
from tests.realtime.wire import Wire


@seen("closed", reason="slow")
async def test_slow_editor_is_cut_off_and_the_others_are_not(
    new_gateway: NewGateway, tokens: Tokens, person: Person, room_id: UUID, document_in: Callable[[], Awaitable[UUID]]
) -> None:
    gateway = await new_gateway(max_backlog=100_000)
    document_id = await document_in()
    ana, bob = [Peer(gateway, document_id, editor_pass(tokens, person("P"), document_id, room_id)) for _ in range(2)]
    await ana.synced()
    await bob.synced()
    line = await asyncio.get_running_loop().run_in_executor(None, deaf, gateway, 1 << 16)
    eve = Wire(*await asyncio.open_connection(sock=line))
    eve.send(upgrade(f"/yjs/{document_id}?pass={editor_pass(tokens, person('Eve'), document_id, room_id)}"))
    await eve.answered()
    eve_is_here = connections(gateway)
    await until(lambda: eve_is_here() == 3)
    cut_off = counted("closed", reason="slow")
    for _ in range(250):
        await ana.answer(await ana.type("x" * 20_000, at=0))
        if counted("closed", reason="slow") > cut_off:
            break
    else:
        pytest.fail("the slow reader stays")
    assert await eve.end() == 4408  # which she reads just in time
    await until(lambda: eve_is_here() == 2)
    await until(lambda: str(bob) == str(ana))
    for peer in (ana, bob):
        await peer.close()
    await eve.hang_up()


@pytest.fixture
async def long_document(gateway: Gateway, tenant_id: TenantId, document_id: UUID) -> Doc[Any]:
    """Sixteen million letters of one client, in the log: more than the kernel takes for who does not read."""
    doc: Doc[Any] = Doc()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    for _ in range(64):
        doc.get("f1", type=Text).insert(0, "x" * 250_000)
    await store(gateway.resources, tenant_id, document_id, updates)
    return doc


async def test_who_does_not_read_a_long_answer_has_a_part_of_it_waiting(
    gateway: Gateway, tokens: Tokens, person: Person, room_id: UUID, document_id: UUID, long_document: Doc[Any],
    http: aiohttp.ClientSession, sit: Sit,
) -> None:  # fmt: skip
    """And gets all of it, with what was typed meanwhile, when it reads."""
    ana = await sit(gateway, person("Ana"))
    readers = []
    for _ in range(3):
        line = await asyncio.get_running_loop().run_in_executor(None, deaf, gateway, 1 << 16)
        readers.append(Wire(*await asyncio.open_connection(sock=line)))
        word = editor_pass(tokens, person("Eve"), document_id, room_id)
        readers[-1].send(upgrade(f"/yjs/{document_id}?pass={word}"), frame(2, b"\x00\x00\x01\x00"))
        await readers[-1].answered()
    await until_async(lambda: keeps(http, gateway, 3 * (RealtimeSettings().max_backlog // 4)))
    assert await ana.answer(await ana.type("meanwhile", at=0)) == "ack"
    assert await metric(http, gateway, 'dojo_gateway_backlog_most_bytes{door="editor"}') < 2_000_000
    copy: Doc[Any] = Doc()
    kind = 0
    while kind != ysync.STEP_2:
        found = await readers[0].frame()
        assert found is not None
        message = Reader(found[1])
        kind = message.take(2)[1]
        if kind != ysync.STEP_1:
            copy.apply_update(message.buffer())
    assert str(copy.get("f1", type=Text)) == "meanwhile" + str(long_document.get("f1", type=Text))
    for reader in readers:
        await reader.hang_up()


@seen("closed", reason="slow")
async def test_editor_that_takes_too_long_to_read_a_long_answer_is_cut_off(
    gateway: Gateway, tokens: Tokens, person: Person, room_id: UUID, document_id: UUID, long_document: Doc[Any],
    http: aiohttp.ClientSession, sit: Sit, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    del long_document
    ana = await sit(gateway, person("Ana"))
    loop = asyncio.get_running_loop()
    eve = await loop.run_in_executor(None, deaf, gateway)
    eve.sendall(upgrade(f"/yjs/{document_id}?pass={editor_pass(tokens, person('Eve'), document_id, room_id)}"))
    eve.sendall(frame(2, b"\x00\x00\x01\x00"))
    here = connections(gateway)
    await until_async(lambda: keeps(http, gateway, RealtimeSettings().max_backlog // 4))
    assert here() == 2
    monkeypatch.setattr(connection, "ANSWER_MAX", 0.0)
    await until(lambda: here() == 1)
    assert await ana.answer(await ana.type("still here", at=0)) == "ack"
    assert not await keeps(http, gateway, 1)
    eve.close()


async def keeps(http: aiohttp.ClientSession, gateway: Gateway, least: int) -> bool:
    """Whether so many bytes wait for editors to read."""
    return await metric(http, gateway, 'dojo_gateway_backlog_bytes{door="editor"}') >= least


@seen("closed", reason="silent")
async def test_editor_that_answers_no_ping_is_closed(
    new_gateway: NewGateway, tokens: Tokens, person: Person, room_id: UUID, document_id: UUID, sit: Sit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As behind a proxy whose client is gone: its own line is good."""
    monkeypatch.setattr("realtime.editor.HEARTBEAT", 0.2)
    gateway = await new_gateway()
    ana = await sit(gateway, person("Ana"))
    host, port = gateway.url.removeprefix("http://").split(":")
    eve = Wire(*await asyncio.open_connection(host, int(port)))
    eve.send(upgrade(f"/yjs/{document_id}?pass={editor_pass(tokens, person('Eve'), document_id, room_id)}"))
    await eve.answered()
    assert await eve.end() == 4408
    assert await ana.answer(await ana.type("I stay")) == "ack"
    await eve.hang_up()


@seen("pauses")
async def test_editor_that_is_not_read_for_a_while_is_not_silent(
    new_gateway: NewGateway, sit: Sit, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.editor.HEARTBEAT", 0.2)
    ana = await sit(await new_gateway(), person("Ana"))
    for _ in range(2):  # which counts for more than four heartbeats
        assert await ana.answer(await ana.send(bytes(400_000))) == "too-large"
    assert await ana.answer(await ana.send(b"\x00\x00")) == "too-large"
    assert not ana.socket.closed


async def test_editor_on_a_dead_line_is_given_up_by_the_kernel(gateway: Gateway, sit: Sit, person: Person) -> None:
    await sit(gateway, person("Ana"))
    (reader,) = gateway.resources.get(Editor).shelf.all()[0].readers
    line = reader._socket._transport.get_extra_info("socket")
    assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 40_000


async def test_editor_who_is_behind_gets_no_awareness_and_stays(
    gateway: Gateway, tokens: Tokens, person: Person, room_id: UUID, document_in: Callable[[], Awaitable[UUID]]
) -> None:
    document_id = await document_in()
    ana = Peer(gateway, document_id, editor_pass(tokens, person("Ana"), document_id, room_id))
    await ana.synced()
    loop = asyncio.get_running_loop()
    eve = await loop.run_in_executor(None, deaf, gateway)
    eve.sendall(upgrade(f"/yjs/{document_id}?pass={editor_pass(tokens, person('Eve'), document_id, room_id)}"))
    await eve_says(eve)
    here = connections(gateway)
    await until(lambda: here() == 2)
    before = counted("dropped", reason="awareness-backlog")
    clock = 0
    while counted("dropped", reason="awareness-backlog") == before:
        clock += 1
        await ana.answer(await ana.type("x" * 20_000, at=0))
        await ana.say({"cursor": clock}, clock=clock)
        assert here() == 2, "cut off before anything was left out"
    await ana.close()
    eve.close()


async def eve_says(eve: socket.socket) -> None:
    """Announce awareness, so that there is something to take back."""
    eve.sendall(frame(2, b"\x03"))


def connections(gateway: Gateway) -> Callable[[], int]:
    """How many editors are connected."""
    shelf = gateway.resources.get(Editor).shelf
    return lambda: sum(len(each.readers) for each in shelf.all())
