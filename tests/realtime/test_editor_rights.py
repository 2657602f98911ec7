"""Who may write in a shared document, under which client id, and when the others see it."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from core import failpoints
from core.call import Principal
from core.db import Database
from core.eventlog import Fence, NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from realtime.yitems import Item, read_items
from tests.realtime.conftest import Gateway, Person, until
from tests.realtime.peers import Peer, Sit, stored


async def test_only_the_holder_of_the_lease_writes(
    gateway: Gateway, sit: Sit, person: Person, tenant_id: TenantId, room_id: UUID, document_id: UUID
) -> None:
    driver, other = person("Driver"), person("Other")
    ana, bob = await sit(gateway, driver), await sit(gateway, other)
    plain = await sit(gateway, other, numbered=False)
    await ana.answer(await ana.type("start"))
    await move_lease(gateway, tenant_id, room_id, document_id, driver.user_id)
    assert await bob.answer(await bob.type("not mine")) == "not-your-turn"
    assert await bob.answer(await bob.type("nor this")) == "not-your-turn"
    assert await ana.answer(await ana.type(" go")) == "ack"
    await plain.type("intruder")
    assert await plain.closed() == 4403
    await move_lease(gateway, tenant_id, room_id, document_id, None)
    fresh = await sit(gateway, other)
    assert str(fresh) == "start go"
    assert await fresh.answer(await fresh.type("!")) == "ack"
    await until(lambda: str(ana) == "start go!")


async def move_lease(
    gateway: Gateway, tenant_id: TenantId, room_id: UUID, document_id: UUID, holder: UUID | None
) -> None:
    """What a turn of the rotation does."""
    entry = NewEntry(
        tenant_id=tenant_id, stream_id=room_id, op_id=new_id(), kind="turn_started", actor_id=new_id(), payload="{}",
        fence=Fence(document_id, holder),
    )  # fmt: skip
    (answer,) = await gateway.resources.get(LogWriter).append([entry])
    assert answer.outcome == "new"


@pytest.fixture
def slow_log() -> Iterator[None]:
    """Updates reach the log a moment late, until the test's end."""
    failpoints.arm("document.append=delay:0.4")
    yield
    failpoints.arm("")


async def test_who_comes_back_is_asked_for_what_was_shown_and_is_not_stored(
    gateway: Gateway, sit: Sit, person: Person, database: Database, document_id: UUID, tenant_id: TenantId,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    who = person("Ana")
    ana, bob = await sit(gateway, who), await sit(gateway, person("Bob"))
    await ana.answer(await ana.type("a"))
    request.getfixturevalue("slow_log")
    await ana.type("bc")
    await until(lambda: str(bob) == "abc")
    ana.break_line()
    back = await sit(gateway, who, doc=ana.doc)
    await until(lambda: back.sent)  # the answer to what it was asked
    assert await back.answer(1) == "ack"
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "abc"


async def test_repeat_at_one_go_is_acknowledged_when_it_is_stored(
    gateway: Gateway, sit: Sit, person: Person, database: Database, document_id: UUID, tenant_id: TenantId,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    ana = await sit(gateway, person("Ana"))
    await ana.answer(await ana.type("a"))
    request.getfixturevalue("slow_log")
    before = ana.doc.get_state()
    first = await ana.type("b")
    again = await ana.send(ana.doc.get_update(before))
    assert await ana.answer(again) == "ack"
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "ab"
    assert ana.answers[first] == "ack"


async def test_update_that_begins_like_many_before_it_is_compared_once(
    gateway: Gateway, sit: Sit, person: Person, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def note(data: bytes) -> dict[int, list[Item]]:
        read.append(len(data))
        return read_items(data)

    monkeypatch.setattr("realtime.offer.read_items", note)
    ana = await sit(gateway, person("Ana"))
    request.getfixturevalue("slow_log")
    doc: Doc[Any] = Doc()
    updates = []
    for _ in range(30):
        doc.get("f1", type=Text).insert(0, "word")  # before all others: an item of its own
        updates.append(doc.get_update())
    numbers = [await ana.send(update) for update in updates]
    assert {await ana.answer(number) for number in numbers} == {"ack"}
    assert sum(read) < sum(map(len, updates))


async def test_update_of_a_free_document_is_passed_on_before_it_is_stored(
    gateway: Gateway, sit: Sit, person: Person, request: pytest.FixtureRequest
) -> None:
    ana, bob = await sit(gateway, person("Ana")), await sit(gateway, person("Bob"))
    await ana.answer(await ana.type("a"))
    request.getfixturevalue("slow_log")
    number = await ana.type("b")
    await until(lambda: str(bob) == "ab")
    assert number not in ana.answers
    assert await ana.answer(number) == "ack"


async def test_update_of_the_holder_is_passed_on_when_it_is_stored(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, room_id: UUID,
    document_id: UUID, request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    driver = person("Driver")
    await move_lease(gateway, tenant_id, room_id, document_id, driver.user_id)
    ana, bob = await sit(gateway, driver), await sit(gateway, person("Bob"))
    await ana.answer(await ana.type("a"))
    request.getfixturevalue("slow_log")
    number = await ana.type("b")
    await until(lambda: str(bob) == "ab")
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "ab"
    assert await ana.answer(number) == "ack"


async def test_what_was_shown_and_then_refused_is_taken_back(
    gateway: Gateway, sit: Sit, person: Person, tenant_id: TenantId, room_id: UUID, document_id: UUID,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """The keyboard moved while an update was on its way to the log, and this node had not heard of it."""
    driver = person("Driver")
    ana, bob, cid = [await sit(gateway, who) for who in (person("Ana"), driver, person("Cid"))]
    await ana.answer(await ana.type("kept"))
    await bob.answer(await bob.type("!"))
    request.getfixturevalue("slow_log")
    number = await ana.type(" shown in vain")
    await until(lambda: "vain" in str(bob))
    await bob.type("?")  # stands on what will be refused
    await move_lease(gateway, tenant_id, room_id, document_id, driver.user_id)
    assert await ana.answer(number) == "not-your-turn"
    assert await cid.closed() == 4410
    assert await bob.closed() in {1013, 4410}
    fresh = await sit(gateway, driver)
    assert str(fresh) == "kept!"
    assert await fresh.answer(await fresh.type(".")) == "ack"
    assert str(await sit(gateway, person("Late"))) == "kept!."


async def test_reader_hears_but_does_not_write(gateway: Gateway, sit: Sit, person: Person) -> None:
    ana, eve = await sit(gateway, person("Ana")), await sit(gateway, person("Eve"), may_write=False)
    await ana.answer(await ana.type("look"))
    await until(lambda: str(eve) == "look")
    assert await eve.answer(await eve.type("no")) == "read-only"
    plain = await sit(gateway, person("Eve"), may_write=False, numbered=False)
    await plain.type("no")
    assert await plain.closed() == 4403
    assert str(ana) == "look"


async def test_client_id_of_another_person_is_refused(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    ana = await sit(two_gateways[0], person("Ana"), doc=Doc(client_id=77))
    await ana.answer(await ana.type("mine"))
    eve = await sit(two_gateways[1], person("Eve"), doc=Doc(client_id=77))
    before = eve.doc.get_state()
    eve.text += "forged"
    await eve.send(eve.doc.get_update(before))
    assert await eve.closed() == 4409
    assert str(ana) == "mine"


async def test_client_id_of_another_living_connection_is_refused(gateway: Gateway, sit: Sit, person: Person) -> None:
    who = person("Ana")
    ana, bob = await sit(gateway, who, doc=Doc(client_id=77)), await sit(gateway, person("Bob"))
    await ana.answer(await ana.type("mine"))
    double = await sit(gateway, who, doc=Doc(client_id=77))
    await ana.answer(await ana.type("!"))
    await double.type("and mine")
    assert await double.closed() == 4409
    assert await ana.answer(await ana.type("!")) == "ack"
    await until(lambda: str(bob) == str(ana) == "mine!!")


async def test_client_id_goes_with_its_owner_to_a_new_line(
    gateway: Gateway, sit: Sit, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former line is dead, though nobody has noticed."""
    monkeypatch.setattr("realtime.connection.ACTIVE", 0.0)
    who = person("Ana")
    ana = await sit(gateway, who)
    await ana.answer(await ana.type("first"))
    back = await sit(gateway, who, doc=ana.doc)
    assert await back.answer(await back.type(" line")) == "ack"
    assert await ana.closed() == 4409


def is_answered(peer: Peer) -> bool:
    """Whether the fate of all that was sent is known."""
    return peer.sent in peer.answers or peer.socket.closed


async def test_client_id_taken_at_once_on_two_gateways_has_one_owner(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    rivals = [await sit(gateway, person("P"), doc=Doc(client_id=99)) for gateway in two_gateways]
    await asyncio.gather(*(rival.type(f"rival {n}") for n, rival in enumerate(rivals)))
    await until(lambda: all(map(is_answered, rivals)))
    await until(lambda: sum(rival.socket.closed for rival in rivals) == 1)
    (winner,) = [rival for rival in rivals if not rival.socket.closed]
    assert await winner.answer(await winner.type(" again")) == "ack"
    assert str(await sit(two_gateways[0], person("Late"))) == str(winner)


async def test_what_stands_on_an_update_that_comes_later_is_passed_on_behind_it(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """Two lines have no common order; the log has one."""
    ana, bob, cid = [await sit(gateway, person(name)) for name in ("Ana", "Bob", "Cid")]
    await ana.answer(await ana.type("a"))
    await bob.answer(await bob.type("b", at=0))
    await until(lambda: str(ana) == str(bob) == str(cid) == "ba")
    request.getfixturevalue("slow_log")
    await cid.answer(await cid.type("c", at=0))
    before = ana.doc.get_state()
    ana.text += "first"
    first = ana.doc.get_update(before)
    bob.doc.apply_update(first)
    second = await bob.type(" second")
    assert await ana.answer(await ana.send(first)) == "ack"
    assert await bob.answer(second) == "ack"
    await until(lambda: str(cid) == "cbafirst second")
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "cbafirst second"
    assert str(await sit(gateway, person("Late"))) == "cbafirst second"


async def converged(gateways: tuple[Gateway, Gateway], sit: Sit, who: Principal, *peers: Peer) -> None:
    """All who are still there, and who come now, see the same at both gateways; the others were told."""
    late = [await sit(gateway, who) for gateway in gateways]
    assert str(late[0]) == str(late[1])
    await until(lambda: all(peer.socket.closed or str(peer) == str(late[0]) for peer in peers))


async def test_one_client_id_at_two_gateways_leaves_one_document(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, request: pytest.FixtureRequest
) -> None:
    """A clone of somebody's page writes something else under the same clocks, at the same time."""
    who, (here, there) = person("Ana"), two_gateways
    bob, cid = await sit(here, person("Bob")), await sit(there, person("Cid"))
    ana = await sit(here, who, doc=Doc(client_id=77))
    await ana.answer(await ana.type("both "))
    clone = await sit(there, who, doc=Doc(client_id=77))
    await until(lambda: str(clone) == str(cid) == "both ")
    request.getfixturevalue("slow_log")
    await asyncio.gather(ana.type("mine"), clone.type("yours"))
    await until(lambda: ana.socket.closed or clone.socket.closed)
    assert {ana.socket.close_code, clone.socket.close_code} <= {4409, 4410, None}
    await converged(two_gateways, sit, person("Late"), bob, cid)


async def test_clone_that_says_something_else_is_refused(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    """At the same gateway or another: what is known under these clocks are other words."""
    who = person("Ana")
    ana = await sit(two_gateways[0], who, doc=Doc(client_id=77))
    clones = [await sit(gateway, who, doc=Doc(client_id=77)) for gateway in two_gateways]
    await ana.answer(await ana.type("mine"))
    for clone in clones:
        other: Doc[Any] = Doc(client_id=77)
        other.get("f1", type=Text).insert(0, "your words")
        await clone.send(other.get_update())
        assert await clone.closed() == 4409
    assert await ana.answer(await ana.type("!")) == "ack"
    await converged(two_gateways, sit, person("Late"), ana)


async def test_who_writes_under_a_client_id_elsewhere_sends_its_former_line_away(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    """A page that was cut off and is back at another gateway; the first has not noticed."""
    who = person("Ana")
    ana = await sit(two_gateways[0], who)
    await ana.answer(await ana.type("first"))
    back = await sit(two_gateways[1], who, doc=ana.doc)
    assert await back.answer(await back.type(" line")) == "ack"
    assert await ana.closed() == 4409
    assert await back.answer(await back.type("!")) == "ack"
    await converged(two_gateways, sit, person("Late"), back)


async def test_words_that_the_log_has_otherwise_are_taken_back_and_not_acknowledged(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody tells a gateway that a clone of somebody's page wrote at another, under the clocks that come next here."""
    monkeypatch.setattr("realtime.shelf.OTHERS", -1.0)
    who, (here, there) = person("Ana"), two_gateways
    ana, bob = await sit(here, who, doc=Doc(client_id=77)), await sit(here, person("Bob"))
    await ana.answer(await ana.type("both "))
    clone = await sit(there, who, doc=Doc(client_id=77))
    assert await clone.answer(await clone.type("yours")) == "ack"
    number = await ana.type("mine")
    assert await ana.closed() == await bob.closed() == 4410
    assert number not in ana.answers
    await converged(two_gateways, sit, person("Late"), clone)


async def test_what_waits_behind_words_that_are_taken_back_is_not_stored(
    gateway: Gateway,
    sit: Sit,
    person: Person,
    database: Database,
    tenant_id: TenantId,
    document_id: UUID,
    request: pytest.FixtureRequest,
) -> None:
    """Its authors are told that the document begins anew, and do not know that word any more."""
    who, bob = person("Ana"), await sit(gateway, person("Bob"))
    ana = await sit(gateway, who)
    await ana.answer(await ana.type("both "))
    await bob.answer(await bob.type("b"))
    clone: Doc[Any] = Doc(client_id=ana.doc.client_id)
    clone.apply_update(ana.doc.get_update())
    known = clone.get_state()
    clone.get("f1", type=Text).insert(0, "yours")
    request.getfixturevalue("slow_log")
    failpoints.arm("document.append=error")
    await ana.type("mine")
    await until(lambda: "mine" in str(bob))
    entry = NewEntry(tenant_id, document_id, new_id(), "update", who.user_id, data=clone.get_update(known))
    await gateway.resources.get(LogWriter).append([entry])
    await bob.type("orphan")
    assert await bob.closed() == 4410
    failpoints.arm("")
    late = await sit(gateway, person("Late"))
    assert await late.answer(await late.type("!")) == "ack"
    assert "orphan" not in str((await stored(database, tenant_id, document_id)).get("f1", type=Text))
