"""What is typed at one go: one update, passed on and stored as one, acknowledged or refused in each of its parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from core.call import Principal
from core.db import Database
from core.eventlog import read
from core.model import TenantId
from core.tokens import Tokens
from realtime import ysync
from realtime.lib0 import Reader, varbytes, varuint
from tests.realtime.conftest import Gateway, Person, until
from tests.realtime.peers import Sit, editor_pass, stored
from tests.realtime.test_hostile import upgrade
from tests.realtime.wire import Wire

WORDS = "what is typed, é"
LAST = len(WORDS) - 1
Typist = Callable[..., Awaitable[Wire]]


@pytest.fixture
async def typist(gateway: Gateway, tokens: Tokens, document_id: UUID, room_id: UUID) -> AsyncIterator[Typist]:
    """Opens the document for somebody who sends bare frames, several in one write."""
    async with AsyncExitStack() as everything:

        async def sit_down(who: Principal, *, may_write: bool = True) -> Wire:
            host, port = gateway.url.removeprefix("http://").split(":")
            wire = Wire(*await asyncio.open_connection(host, int(port)))
            everything.push_async_callback(wire.hang_up)
            word = editor_pass(tokens, who, document_id, room_id, may_write=may_write)
            wire.send(upgrade(f"/yjs/{document_id}?pass={word}"))
            assert (await wire.answered()).status == 101
            wire.say(b"\x64\x00\x01")
            return wire

        yield sit_down


@pytest.fixture
def keystrokes() -> list[bytes]:
    """Numbered messages, each a letter of ``WORDS``."""
    doc: Doc[Any] = Doc()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("f1", type=Text)
    for letter in WORDS:
        text += letter
    return [numbered(number, each) for number, each in enumerate(updates)]


def numbered(number: int, update: bytes) -> bytes:
    """An update that is to be answered."""
    return b"\x64\x01" + varuint(number) + varbytes(update)


async def answers(wire: Wire, last: int) -> list[tuple[int, int]]:
    """What the updates up to number ``last`` are answered with: the kinds, and the numbers."""
    found: list[tuple[int, int]] = []
    while not found or found[-1][1] != last:
        message = await wire.hear()
        assert isinstance(message, bytes)
        reader = Reader(message)
        if reader.varuint() == ysync.OURS:
            found.append((reader.varuint(), reader.varuint()))
    return found


async def state(wire: Wire) -> bytes:
    """What the next answer to who asks holds."""
    while True:
        message = await wire.hear()
        assert isinstance(message, bytes)
        reader = Reader(message)
        if (reader.varuint(), reader.varuint()) == (ysync.SYNC, ysync.STEP_2):
            return reader.buffer()


def acknowledged(first: int, last: int) -> list[tuple[int, int]]:
    """An acknowledgement of each."""
    return [(ysync.ACK, number) for number in range(first, last + 1)]


async def test_keystrokes_that_come_together_are_one_update(
    typist: Typist, keystrokes: list[bytes], gateway: Gateway, sit: Sit, person: Person, database: Database,
    tenant_id: TenantId, document_id: UUID,
) -> None:  # fmt: skip
    bob, wire = await sit(gateway, person("Bob")), await typist(person("Ana"))
    wire.say(keystrokes[0])
    assert await answers(wire, 0) == acknowledged(0, 0)
    heard = bob.received
    wire.say(*keystrokes[1:])
    assert await answers(wire, LAST) == acknowledged(1, LAST)
    await until(lambda: str(bob) == WORDS)
    assert bob.received == heard + 1
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == WORDS
    async with database.transaction(tenant_id) as tx:
        assert len(await read(tx, document_id, 0, 100)) == 2


async def test_what_is_sent_again_is_not_stored_again_with_what_is_new(
    typist: Typist, keystrokes: list[bytes], person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    ana = person("Ana")
    first = await typist(ana)
    first.say(*keystrokes[:-1])
    await answers(first, LAST - 1)
    await first.hang_up()
    again = await typist(ana)
    again.say(*keystrokes[3:])
    assert await answers(again, LAST) == acknowledged(3, LAST)
    async with database.transaction(tenant_id) as tx:
        *_, last = await read(tx, document_id, 0, 100)
    assert last.data is not None
    assert keystrokes[-1].endswith(last.data)


async def test_who_asks_in_the_same_breath_hears_what_they_typed(
    typist: Typist, keystrokes: list[bytes], person: Person
) -> None:
    wire = await typist(person("Ana"))
    wire.say(keystrokes[0])
    await answers(wire, 0)
    wire.say(*keystrokes[1:], ysync.write_ask_state({}))
    doc: Doc[Any] = Doc()
    doc.apply_update(await state(wire))
    assert str(doc.get("f1", type=Text)) == WORDS


async def test_updates_of_every_length_under_numbers_of_every_length(
    typist: Typist, gateway: Gateway, sit: Sit, person: Person
) -> None:
    """What comes before either is kept ready for the usual ones."""
    bob, wire = await sit(gateway, person("Bob")), await typist(person("Ana"))
    doc: Doc[Any] = Doc()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("f1", type=Text)
    for size in range(1, 140):
        text.insert(0, chr(97 + size % 26) * size)
    for place, update in enumerate(updates):
        number = place if place < 90 else 1 << place - 87
        wire.say(numbered(number, update))
        assert await answers(wire, number) == acknowledged(number, number)
    await until(lambda: str(bob) == str(text))
    assert {len(update) for update in updates} >= set(range(100, 150))


async def test_what_may_not_be_written_is_refused_in_all_its_parts(
    typist: Typist, keystrokes: list[bytes], gateway: Gateway, sit: Sit, person: Person
) -> None:
    bob, wire = await sit(gateway, person("Bob")), await typist(person("Ana"), may_write=False)
    wire.say(*keystrokes)
    assert await answers(wire, LAST) == [(ysync.REFUSED, number) for number in range(LAST + 1)]
    assert str(bob) == ""


async def test_keystrokes_before_a_broken_message_count(
    typist: Typist, keystrokes: list[bytes], gateway: Gateway, sit: Sit, person: Person
) -> None:
    bob, wire = await sit(gateway, person("Bob")), await typist(person("Ana"))
    wire.say(keystrokes[0])
    await answers(wire, 0)
    wire.say(*keystrokes[1:], b"\x64\x01\x80\x00")
    assert await wire.end() == 1007
    await until(lambda: str(bob) == WORDS)


async def test_text_beside_what_is_not_here_is_refused(
    typist: Typist, gateway: Gateway, sit: Sit, person: Person
) -> None:
    """Also of somebody who just goes on typing."""
    bob, wire = await sit(gateway, person("Bob")), await typist(person("Ana"))
    ana, other = Doc[Any](), Doc[Any]()
    updates: list[bytes] = []
    ana.observe(lambda event: updates.append(event.update))
    ana.get("f1", type=Text).insert(0, "a")
    other.apply_update(updates[0])
    other.get("f1", type=Text).insert(1, "?")
    ana.apply_update(other.get_update(ana.get_state()))
    ana.get("f1", type=Text).insert(2, "b")
    wire.say(numbered(0, updates[0]))
    await answers(wire, 0)
    wire.say(numbered(1, updates[-1]))
    assert await answers(wire, 1) == [(ysync.REFUSED, 1)]
    assert str(bob) == "a"
