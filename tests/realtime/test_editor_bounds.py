"""What one editor, or one person's editors together, cannot do to a gateway: each bound with what enforces it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from pycrdt import Text
from structlog.testing import capture_logs

from core.db import Database
from core.eventlog import NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from core.tokens import Tokens
from realtime import ysync
from realtime.editor import Editor
from realtime.group import MAX_CLIENTS, MAX_DELETE_RANGES
from realtime.lib0 import varbytes, varstring, varuint
from realtime.sitting import MAX_PENDING, MESSAGE_BURST, MESSAGES_PER_SECOND
from tests.conftest import DatabaseUrls
from tests.postgres import locked
from tests.realtime.conftest import Connect, Gateway, NewGateway, Person, metric, seen, until, until_async
from tests.realtime.peers import Peer, Sit, editor_pass, stored
from tests.realtime.test_hostile import upgrade
from tests.realtime.wire import Wire, frame

PAUSES = "dojo_gateway_pauses_total"
ONE_READ = 1 << 18
"""Bytes that uvloop reads at once, at most."""


async def knock(http: aiohttp.ClientSession, gateway: Gateway, document_id: UUID, word: str) -> tuple[Any, Any] | None:
    """The close code and the reason with which an editor is refused; None if it may stay, and leaves."""
    async with http.ws_connect(f"{gateway.url}/yjs/{document_id}", params={"pass": word}) as socket:
        first = await socket.receive()
        return (first.data, first.extra) if first.type is aiohttp.WSMsgType.CLOSE else None


async def test_one_person_has_a_bounded_number_of_editors_beside_as_many_windows(
    new_gateway: NewGateway, sit: Sit, connect: Connect, http: aiohttp.ClientSession, tokens: Tokens, person: Person,
    document_id: UUID, room_id: UUID,
) -> None:  # fmt: skip
    gateway, ana, bob = await new_gateway(max_per_person=2), person("Ana"), person("Bob")
    word = editor_pass(tokens, ana, document_id, room_id)
    first, second = await sit(gateway, ana), await sit(gateway, ana)
    async with seen("refused", reason="person"):
        assert await knock(http, gateway, document_id, word) == (
            4429, "You have too many windows open; close some.",
        )  # fmt: skip
    for _ in range(2):
        await connect(gateway, ana)
    assert await second.answer(await second.type("I stay")) == "ack"
    assert await knock(http, gateway, document_id, editor_pass(tokens, bob, document_id, room_id)) is None
    await first.close()
    await until_async(lambda: may_sit(http, gateway, document_id, word))


async def may_sit(http: aiohttp.ClientSession, gateway: Gateway, document_id: UUID, word: str) -> bool:
    """Whether an editor is let in."""
    return await knock(http, gateway, document_id, word) is None


async def test_editor_does_not_count_for_its_person_once_it_is_gone_in_whatever_way(
    new_gateway: NewGateway, sit: Sit, http: aiohttp.ClientSession, tokens: Tokens, person: Person,
    document_id: UUID, room_id: UUID,
) -> None:  # fmt: skip
    gateway, ana, nowhere = await new_gateway(max_per_person=1), person("Ana"), new_id()
    good, lost = (editor_pass(tokens, ana, each, room_id) for each in (document_id, nowhere))
    assert await knock(http, gateway, nowhere, lost) == (4403, "not-found")
    await until_async(lambda: may_sit(http, gateway, document_id, good))
    async with http.get(f"{gateway.url}/yjs/{document_id}", params={"pass": good}) as answer:
        assert answer.status == 422  # it is no WebSocket
    await until_async(lambda: may_sit(http, gateway, document_id, good))
    eve = await sit(gateway, ana)
    await eve.socket.send_str("no editor says that")
    assert await eve.closed() == 1007
    await until_async(lambda: may_sit(http, gateway, document_id, good))
    (await sit(gateway, ana)).break_line()
    await until_async(lambda: may_sit(http, gateway, document_id, good))


async def test_editor_that_sends_faster_than_is_stored_is_read_no_faster(
    gateway: Gateway, sit: Sit, http: aiohttp.ClientSession, person: Person, database_urls: DatabaseUrls,
    document_id: UUID,
) -> None:  # fmt: skip
    eve, part, count = await sit(gateway, person("Eve")), "x" * 100_000, 40
    before = await metric(http, gateway, "dojo_gateway_received_bytes_total")
    pauses = await metric(http, gateway, PAUSES)
    with locked(database_urls, document_id):
        sending = asyncio.create_task(type_all(eve, part, count))
        await until_async(lambda: pends(http, gateway, MAX_PENDING))
        assert await unread(http, gateway, before + MAX_PENDING) <= before + 2 * MAX_PENDING
        most = await metric(http, gateway, "dojo_gateway_pending_most_bytes")
        assert most <= 2 * MAX_PENDING
        assert await metric(http, gateway, "dojo_gateway_pending_bytes") == most  # nobody else types here
    assert [await eve.answer(number) for number in await sending] == ["ack"] * count
    assert await metric(http, gateway, "dojo_gateway_pending_bytes") == 0
    assert await metric(http, gateway, PAUSES) > pauses


async def test_editor_that_says_too_much_is_read_no_faster(
    gateway: Gateway, sit: Sit, http: aiohttp.ClientSession, person: Person
) -> None:
    eve, ana, count = await sit(gateway, person("Eve")), await sit(gateway, person("Ana")), 4_000
    before, begun = await metric(http, gateway, "dojo_gateway_received_bytes_total"), time.monotonic()
    sending = asyncio.create_task(say_all(eve, count))
    read = await unread(http, gateway, before + MESSAGE_BURST * 1_000) - before
    allowed = MESSAGE_BURST + MESSAGES_PER_SECOND * (time.monotonic() - begun)
    assert read < allowed * 1_100 + ONE_READ
    assert await ana.answer(await ana.type("a")) == "ack"  # the others are served all the while
    sending.cancel()


async def test_editor_that_asks_for_the_document_again_and_again_is_answered_now_and_then(
    gateway: Gateway, sit: Sit, http: aiohttp.ClientSession, person: Person
) -> None:
    """Once for each read, however often it asks in it; and each answer counts for many messages."""
    eve, ask = await sit(gateway, person("Eve")), b"\x00\x00\x01\x00"
    assert await eve.answer(await eve.type("a")) == "ack"
    answered, pauses = eve.received, await metric(http, gateway, PAUSES)
    await eve.socket.send_bytes(ask * 64)
    assert await eve.answer(await eve.type("b")) == "ack"
    assert eve.received == answered + 1
    async with asyncio.timeout(20):
        while await metric(http, gateway, PAUSES) == pauses:
            for _ in range(10):
                wanted = eve.received + 1
                await eve.socket.send_bytes(ask)
                await until(partial(has_received, eve, wanted))


async def test_document_has_a_bounded_number_of_client_ids(gateway: Gateway, sit: Sit, person: Person) -> None:
    """Whoever makes up client ids is refused before those who come back cannot say any more what they have."""
    ana, eve = await sit(gateway, person("Ana")), await sit(gateway, person("Eve"))
    assert await ana.answer(await ana.type("a")) == "ack"
    half = MAX_CLIENTS // 2
    assert await eve.answer(await eve.send(made_up(1, half))) == "ack"
    mal = await sit(gateway, person("Mal"))
    numbers = [await mal.send(made_up(1 + half, half - 2)), await mal.send(made_up(2 * half, 1))]  # in one group
    assert [await mal.answer(number) for number in numbers] == ["ack", "ack"]
    async with seen("updates", outcome="too-large"):
        assert await mal.answer(await mal.send(made_up(2 * half + 1, 1))) == "too-large"
    assert await ana.answer(await ana.type("b")) == "ack"
    late = await sit(gateway, person("Late"), doc=ana.doc)
    assert len(ysync.read_vector(late.doc.get_state())) == MAX_CLIENTS
    assert late.is_synced


async def test_document_with_more_client_ids_than_it_may_have_now_is_open(
    gateway: Gateway, sit: Sit, person: Person, tenant_id: TenantId, document_id: UUID
) -> None:
    ana = person("Ana")
    old = Peer(gateway, document_id, "")
    old.text += "written long ago"
    for update in (old.doc.get_update(), made_up(1, MAX_CLIENTS), made_up(MAX_CLIENTS + 1, MAX_CLIENTS)):
        entry = NewEntry(tenant_id, document_id, new_id(), "update", ana.user_id, data=update)
        await gateway.resources.get(LogWriter).append([entry])
    back = await sit(gateway, ana, doc=old.doc)
    assert await back.answer(await back.type(", and now")) == "ack"
    bob = await sit(gateway, person("Bob"))
    assert str(bob) == str(back)
    assert await bob.answer(await bob.type("no")) == "too-large"
    await old.close()


async def test_documents_that_nobody_reads_have_a_bounded_size_together(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person, room_id: UUID,
    document_in: Callable[[], Awaitable[UUID]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Who was left first is put back first, and comes again from the log; what somebody reads does not count."""
    monkeypatch.setattr("realtime.lingering.LINGER_BYTES", 5_000)
    shelf, who, documents = gateway.resources.get(Editor).shelf, person("Ana"), [await document_in() for _ in range(5)]
    peers = [Peer(gateway, each, editor_pass(tokens, who, each, room_id)) for each in documents]
    for peer in peers:
        await peer.synced()
        assert await peer.answer(await peer.type("x" * 2_000)) == "ack"
    assert 10_000 < await metric(http, gateway, "dojo_gateway_document_bytes") < 11_000
    for peer in peers[1:]:
        await peer.close()
    await until(lambda: [each.document.id for each in shelf.all()] == [documents[0], *documents[3:]])
    assert 6_000 < await metric(http, gateway, "dojo_gateway_document_bytes") < 7_000
    assert await peers[0].answer(await peers[0].type("still here")) == "ack"
    back = Peer(gateway, documents[1], editor_pass(tokens, who, documents[1], room_id))
    assert str(await back.synced()) == "x" * 2_000
    for peer in (peers[0], back):
        await peer.close()


def made_up(first: int, count: int) -> bytes:
    """A letter each of ``count`` clients."""
    letters = [b"\x01" + varuint(first + each) + b"\x00\x04\x01\x01t\x01x" for each in range(count)]
    return varuint(count) + b"".join(letters) + b"\x00"


async def test_document_has_a_bounded_number_of_delete_ranges(gateway: Gateway, sit: Sit, person: Person) -> None:
    """Whoever deletes every other letter of a long text is refused in time; the others type on, and come back."""
    eve, ana = await sit(gateway, person("Eve")), await sit(gateway, person("Ana"))
    most = 2 * MAX_DELETE_RANGES
    text = b"\x01\x01\x07\x00\x04\x01\x01t" + varuint(2 * most) + b"x" * 2 * most + b"\x00"
    assert await eve.answer(await eve.send(text)) == "ack"
    for begin in range(most, 0, -most // 4):  # each update in front of the former ones
        assert await eve.answer(await eve.send(sparse(begin, MAX_DELETE_RANGES // 4))) == "ack"
    assert await ana.answer(await ana.type("ab")) == "ack"  # it says again all that is deleted
    async with seen("updates", outcome="too-large"):
        assert await eve.answer(await eve.send(sparse(0, 1))) == "too-large"
    await eve.close()
    replacing = b"\x01\x01%b\x02\x84%b\x01\x01c\x01%b\x01\x01\x01" % ((varuint(ana.doc.client_id),) * 3)
    assert await ana.answer(await ana.send(replacing)) == "too-large"
    bob = await sit(gateway, person("Bob"))
    assert await bob.answer(await bob.type("c")) == "ack"
    assert (
        await bob.answer(await bob.send(b"\x00\x01\x07\x01\x00" + varuint(2 * most))) == "ack"
    )  # there are fewer then
    assert str(await sit(gateway, person("Late"))) in {"abc", "cab"}


def sparse(begin: int, count: int) -> bytes:
    """The deletion of every other clock from ``begin`` on."""
    ranges = b"".join(varuint(begin + 2 * each) + b"\x01" for each in range(count))
    return b"\x00\x01\x07" + varuint(count) + ranges


async def test_question_that_is_not_answered_is_not_read(gateway: Gateway, sit: Sit, person: Person) -> None:
    eve, ask, bad = await sit(gateway, person("Eve")), b"\x00\x00\x01\x00", b"\x00\x00\x05\x02\x01\x01\x01\x02"
    await eve.socket.send_bytes(ask + bad)
    assert await eve.answer(await eve.type("a")) == "ack"
    await eve.socket.send_bytes(bad)
    assert await eve.closed() == 1007


@seen("pauses")
async def test_bytes_that_are_refused_count_too(gateway: Gateway, sit: Sit, person: Person) -> None:
    eve = await sit(gateway, person("Eve"))
    eve.text += "x" * 130_000
    broken = eve.doc.get_update() + b"\x00"
    assert {await eve.answer(await eve.send(broken)) for _ in range(5)} == {"invalid"}


@seen("pauses")
async def test_entries_of_awareness_count(gateway: Gateway, sit: Sit, person: Person) -> None:
    """One message may repeat a thousand people."""
    eve, ana = await sit(gateway, person("Eve")), await sit(gateway, person("Ana"))
    many = varuint(1_000) + (varuint(eve.doc.client_id) + b"\x01" + varstring("{}")) * 1_000
    for _ in range(12):
        await eve.socket.send_bytes(b"\x01" + varbytes(many))
    await ana.knows(eve.doc.client_id)
    assert ana.awareness[eve.doc.client_id][0] <= 12
    assert await eve.answer(await eve.type("a")) == "ack"


async def test_nothing_more_is_taken_of_whom_something_was_refused(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    """It is not even read: an update that is too long is not seen to be."""
    eve, bob = await sit(gateway, person("Eve")), await sit(gateway, person("Bob"))
    assert await eve.answer(await eve.type("kept")) == "ack"
    assert await eve.answer(await eve.send(b"\x01")) == "invalid"
    assert await eve.answer(await eve.type("!")) == "invalid"
    assert await eve.answer(await eve.type("x" * 300_000)) == "invalid"
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == str(bob) == "kept"
    assert await bob.answer(await bob.type("?")) == "ack"


async def test_message_is_not_read_on_when_its_sender_is_sent_away(gateway: Gateway, sit: Sit, person: Person) -> None:
    ana, bob = await sit(gateway, person("Ana")), await sit(gateway, person("Bob"))
    eve = await sit(gateway, person("Eve"), numbered=False)
    state = varuint(1) + varuint(eve.doc.client_id) + b"\x01" + varstring("{}")
    await eve.socket.send_bytes(b"\x00\x02\x01\x01" + b"\x01" + varbytes(state))
    assert await eve.closed() == 4403
    await ana.say({})
    await bob.knows(ana.doc.client_id)
    assert eve.doc.client_id not in bob.awareness


NONSENSE, UNMASKED = frame(b"\xff"), frame(b"\x03", is_masked=False)


@pytest.mark.parametrize("sent", [NONSENSE * 200, UNMASKED, NONSENSE + UNMASKED], ids=["message", "frame", "both"])
@seen("closed", reason="malformed")
async def test_bad_editor_is_one_line_of_log(
    gateway: Gateway, tokens: Tokens, person: Person, document_id: UUID, room_id: UUID, sent: bytes
) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    with capture_logs() as lines:
        eve = Wire(*await asyncio.open_connection(host, int(port)))
        eve.send(upgrade(f"/yjs/{document_id}?pass={editor_pass(tokens, person('Eve'), document_id, room_id)}"))
        await eve.answered()
        eve.send(sent)
        await eve.end()
        await eve.hang_up()
        shelf = gateway.resources.get(Editor).shelf
        await until(lambda: not any(each.readers for each in shelf.all()))
    assert [line["event"] for line in lines].count("bad_editor_message") == 1


def has_received(peer: Peer, count: int) -> bool:
    """Whether so much of the document came."""
    return peer.received >= count


async def pends(http: aiohttp.ClientSession, gateway: Gateway, least: int) -> bool:
    """Whether more than so many bytes are on their way to the log."""
    return await metric(http, gateway, "dojo_gateway_pending_bytes") > least


async def type_all(peer: Peer, part: str, count: int) -> list[int]:
    """Type without waiting for answers; the updates' numbers."""
    return [await peer.type(part) for _ in range(count)]


async def say_all(peer: Peer, count: int) -> None:
    """Show a cursor, again and again."""
    for clock in range(1, count + 1):
        await peer.say({"cursor": "x" * 1_000}, clock=clock)


async def unread(http: aiohttp.ClientSession, gateway: Gateway, least: float) -> float:
    """The bytes that the gateway has read, once that is more than ``least`` and grows no more for many turns."""
    received = 0.0
    async with asyncio.timeout(20):
        while received <= least:
            received = await metric(http, gateway, "dojo_gateway_received_bytes_total")
        for _ in range(50):
            received = await metric(http, gateway, "dojo_gateway_received_bytes_total")
    return received
