"""People edit together through one and through two gateways; what is refused reaches nobody, what is acknowledged stays."""

import asyncio
import contextlib
import json
import random
from typing import Any
from uuid import UUID

import pytest
from pycrdt import Doc, Text

from core.bus import Bus
from core.db import Database
from core.eventlog import NewEntry, read
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from core.tokens import Tokens
from realtime.editor import Editor
from tests.conftest import DatabaseUrls
from tests.postgres import locked
from tests.realtime import corpus, doors
from tests.realtime.conftest import PATIENCE, Gateway, NewGateway, Person, seen, until
from tests.realtime.peers import Peer, Sit, editor_pass, stored


async def test_words_reach_the_others_and_the_log(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    ana, bob = await sit(gateway, person("Ana")), await sit(gateway, person("Bob"))
    assert await ana.answer(await ana.type("héllo 😀")) == "ack"
    await until(lambda: str(bob) == "héllo 😀")
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "héllo 😀"
    late = await sit(gateway, person("Cid"))
    assert str(late) == "héllo 😀"


async def test_peers_of_two_gateways_converge(two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person) -> None:
    peers = [await sit(gateway, person("P")) for gateway in two_gateways for _ in range(2)]
    chance = random.Random(7)
    for round_number in range(60):
        peer = chance.choice(peers)
        if chance.random() < 0.8 or not str(peer):
            await peer.type(f"{round_number};", at=0)
        else:
            await peer.wipe()
        if chance.random() < 0.3:
            await peer.answer(peer.sent)
    for peer in peers:
        await peer.answer(peer.sent)
        assert set(peer.answers.values()) == {"ack"}
    await until(lambda: len({(str(peer), peer.doc.get_state()) for peer in peers}) == 1 or _same(peers))
    late = await sit(two_gateways[1], person("Late"))
    assert str(late) == str(peers[0])


def _same(peers: list[Peer]) -> bool:
    return len({str(peer) for peer in peers}) == 1


async def test_returning_peer_gets_what_it_missed_and_sends_what_it_wrote(
    gateway: Gateway, sit: Sit, person: Person
) -> None:
    who = person("Ana")
    ana, bob = await sit(gateway, who), await sit(gateway, person("Bob"))
    await ana.answer(await ana.type("a"))
    await ana.close()
    ana.text += "offline "
    await bob.answer(await bob.type("bob "))
    back = await sit(gateway, who, doc=ana.doc)
    await until(lambda: str(bob) == str(back) and "offline" in str(bob) and "bob" in str(back))


async def test_second_gateway_lets_a_moving_peer_go_on(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    who = person("Ana")
    ana = await sit(two_gateways[0], who)
    for letter in "abcdef":
        await ana.type(letter)
    await ana.close()
    moved = await sit(two_gateways[1], who, doc=ana.doc)
    assert await moved.answer(await moved.type("g")) == "ack"
    assert str(await sit(two_gateways[0], person("Bob"))) == "abcdefg"


async def test_hostile_updates_reach_nobody(
    gateway: Gateway, sit: Sit, person: Person, database: Database, document_id: UUID, tenant_id: TenantId
) -> None:
    ana = await sit(gateway, person("Ana"))
    await ana.answer(await ana.type("safe"))
    updates = corpus.pycrdt_updates(2)
    hostile = [each for each in corpus.mutations(2, updates, 300) if not corpus.accepted([each])][:60]
    for update in hostile:
        eve = await sit(gateway, person("Eve"))
        assert await eve.answer(await eve.send(update)) in {"invalid", "too-large"}
        await eve.close()
    assert ana.received == 1
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "safe"


async def test_update_after_a_gap_is_refused(gateway: Gateway, sit: Sit, person: Person) -> None:
    ana = await sit(gateway, person("Ana"))
    ana.text += "lost"
    assert await ana.answer(await ana.type("after")) == "invalid"


async def test_deletion_of_what_is_not_there_is_refused(gateway: Gateway, sit: Sit, person: Person) -> None:
    ana = await sit(gateway, person("Ana"))
    assert await ana.answer(await ana.send(b"\x00\x01\x05\x01\x00\x63")) == "invalid"


async def test_large_update_is_refused_and_a_huge_one_ends_the_connection(
    gateway: Gateway, sit: Sit, person: Person
) -> None:
    ana = await sit(gateway, person("Ana"))
    async with seen("updates", outcome="too-large"):
        assert await ana.answer(await ana.type("x" * 300_000)) == "too-large"
    plain = await sit(gateway, person("Bob"), numbered=False)
    await plain.type("x" * 300_000)
    assert await plain.closed() == 4413
    huge = await sit(gateway, person("Cid"))
    with contextlib.suppress(ConnectionError):
        await huge.type("x" * 5_000_000)
    await huge.closed()


async def test_document_has_a_bounded_size(new_gateway: NewGateway, sit: Sit, person: Person) -> None:
    gateway = await new_gateway(max_document=65_536)
    ana = await sit(gateway, person("Ana"))
    assert await ana.answer(await ana.type("x" * 60_000)) == "ack"
    assert await ana.answer(await ana.type("x" * 60_000)) == "too-large"


async def test_repeated_update_is_acknowledged_and_not_stored_twice(
    gateway: Gateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    ana = await sit(gateway, person("Ana"))
    before = ana.doc.get_state()
    await ana.answer(await ana.type("once"))
    for _ in range(3):
        assert await ana.answer(await ana.send(ana.doc.get_update(before))) == "ack"
    async with database.transaction(tenant_id) as tx:
        assert len(await read(tx, document_id, 0, 100)) == 1


async def test_lost_hint_is_healed_by_the_slow_look(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, tenant_id: TenantId, document_id: UUID
) -> None:
    """An update that came into the log past both gateways is found."""
    bob = await sit(two_gateways[1], person("Bob"))
    doc: Doc[Any] = Doc()
    doc.get("f1", type=Text).insert(0, "silent")
    entry = NewEntry(
        tenant_id=tenant_id,
        stream_id=document_id,
        op_id=new_id(),
        kind="update",
        actor_id=new_id(),
        data=doc.get_update(),
    )
    await two_gateways[0].resources.get(LogWriter).append([entry])
    await until(lambda: str(bob) == "silent")


async def test_awareness_is_stamped_and_late_joiners_get_it(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    who = person("Ana")
    ana, bob = await sit(two_gateways[0], who), await sit(two_gateways[1], person("Bob"))
    await ana.say({"user": {"id": "forged", "name": "The Host", "color": "#f00"}, "cursor": {"anchor": 1}})
    await until(lambda: ana.doc.client_id in bob.awareness)
    _, state = bob.awareness[ana.doc.client_id]
    assert state == {"user": {"id": str(who.user_id), "name": "Ana", "color": "#f00"}, "cursor": {"anchor": 1}}
    for gateway in two_gateways:
        late = await sit(gateway, person("Late"))
        await late.knows(ana.doc.client_id)
    await ana.close()
    await until(lambda: bob.awareness[ana.doc.client_id][1] is None)
    back = await sit(two_gateways[0], who, doc=ana.doc)
    await back.say({"user": {}})
    await until(lambda: bob.awareness[ana.doc.client_id][1] is not None)


async def test_awareness_of_others_is_not_believed(gateway: Gateway, sit: Sit, person: Person) -> None:
    ana, eve, bob = [await sit(gateway, person(name)) for name in ("Ana", "Eve", "Bob")]
    await ana.say({"user": {}})
    await until(lambda: ana.doc.client_id in bob.awareness)
    await eve.say({"user": {}})
    await eve.say(None, client=ana.doc.client_id, clock=50)
    await eve.say({"user": {"name": "x"}}, client=ana.doc.client_id, clock=51)
    await eve.say({"user": {}, "n": 2}, clock=9)
    await until(lambda: bob.awareness.get(eve.doc.client_id, (0, {}))[1].get("n") == 2)
    assert bob.awareness[ana.doc.client_id][1]["user"]["name"] == "Ana"


async def test_awareness_is_capped(gateway: Gateway, sit: Sit, person: Person) -> None:
    eve = await sit(gateway, person("Eve"))
    await eve.say({"user": {}, "big": "x" * 8_200})
    assert await eve.closed() == 1007


@pytest.mark.parametrize(
    ("kind", "payload", "code"),
    [
        ("person_removed", {"banned": True}, 4403),
        ("person_left", {}, 4401),
        ("role_changed", {"role": "spectator"}, 4401),
    ],
)
async def test_room_event_sends_its_person_away(
    gateway: Gateway,
    sit: Sit,
    person: Person,
    tenant_id: TenantId,
    room_id: UUID,
    kind: str,
    payload: dict[str, object],
    code: int,
) -> None:
    who = person("Bob")
    ana, bob = await sit(gateway, person("Ana")), await sit(gateway, who)
    channel = doors.room(tenant_id, room_id)
    await doors.append(gateway.resources, channel, new_id(), kind, {"person_id": str(who.user_id), **payload})
    assert await bob.closed() == code
    again = await sit(gateway, who)
    if kind != "role_changed":
        assert again.socket.close_code == 4403
    else:
        assert await again.answer(await again.type("no")) == "read-only"
    assert await ana.answer(await ana.type("still here")) == "ack"


@pytest.mark.parametrize("kind", ["person_removed", "person_left", "role_changed"])
async def test_pass_does_not_outlive_what_it_says(
    two_gateways: tuple[Gateway, Gateway], tokens: Tokens, person: Person, tenant_id: TenantId, room_id: UUID,
    document_id: UUID, kind: str,
) -> None:  # fmt: skip
    """It was given before its person was put out, left or became a spectator; the gateway opens the document after."""
    who, channel = person("Bob"), doors.room(tenant_id, room_id)
    payload = {"person_id": str(who.user_id), "role": "spectator"}
    for about in ({"person_id": str(new_id())}, payload):
        await doors.append(two_gateways[0].resources, channel, new_id(), kind, about)
    for seq, code in ((1, 4401), (2, None)):
        peer = Peer(two_gateways[1], document_id, editor_pass(tokens, who, document_id, room_id, seq=seq))
        await peer.synced()
        assert peer.socket.close_code == code
        await peer.close()


async def test_ended_sign_in_closes_its_editor_within_a_second(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person
) -> None:
    who, other = person("Ana"), person("Bob")
    ana, bob = await sit(two_gateways[1], who), await sit(two_gateways[1], other)
    bus = two_gateways[0].resources.get(Bus)
    await until(lambda: all(gateway.resources.get(Bus).connected.is_set() for gateway in two_gateways))
    bus.publish("control", json.dumps({"kind": "sign_in_ended", "sign_in_id": str(who.sign_in_id)}).encode())
    await until(lambda: ana.socket.closed, 1)
    assert ana.socket.close_code == 4401
    again = await sit(two_gateways[1], who)  # the pass is still good, the sign-in is not
    assert await again.closed() == 4401
    assert again.received == 0
    assert await bob.answer(await bob.type("I stay")) == "ack"


@pytest.mark.parametrize("by_time", [False, True])  # nobody says so when the time is over
async def test_ended_sign_in_is_found_for_editors_when_its_message_was_lost(
    two_gateways: tuple[Gateway, Gateway], sit: Sit, person: Person, database: Database, tenant_id: TenantId,
    by_time: bool,
) -> None:  # fmt: skip
    who = person("Ana")
    ana, bob = await sit(two_gateways[0], who), await sit(two_gateways[0], person("Bob"))
    async with database.transaction(tenant_id) as tx:
        await doors.end_sign_in(tx, who, by_time=by_time)
    assert await ana.closed() == 4401
    assert await (await sit(two_gateways[1], who)).closed() == 4401  # a gateway that heard nothing asks
    assert not bob.socket.closed


async def test_bad_pass_is_refused(
    gateway: Gateway, tokens: Tokens, person: Person, document_id: UUID, room_id: UUID
) -> None:
    good = editor_pass(tokens, person("Ana"), document_id, room_id)
    late = editor_pass(tokens, person("Ana"), document_id, room_id, ttl=-60)
    other = editor_pass(tokens, person("Ana"), new_id(), room_id)
    access = tokens.access(person("Ana"))
    for word in ("", "nonsense", good[:-3], late, other, access):
        peer = Peer(gateway, document_id, word)
        await peer.open()
        assert await peer.closed() == 4401
        await peer.close()


async def test_unknown_document_is_refused(gateway: Gateway, tokens: Tokens, person: Person, room_id: UUID) -> None:
    nowhere = new_id()
    peer = Peer(gateway, nowhere, editor_pass(tokens, person("Ana"), nowhere, room_id))
    await peer.open()
    assert await peer.closed() == 4403
    await peer.close()


async def test_drain_does_not_wait_for_a_log_that_is_away(
    new_gateway: NewGateway, sit: Sit, person: Person, document_id: UUID, database_urls: DatabaseUrls
) -> None:
    """Everybody is told to go elsewhere within the time for it; what is not acknowledged, they offer there."""
    gateway = await new_gateway()
    people = [await sit(gateway, person(name)) for name in ("Ana", "Bob", "Cai")]
    with locked(database_urls, document_id):
        for each in people:
            await each.type("x")
        await until(lambda: gateway.resources.get(Editor).shelf.all()[0].document.pending_bytes)
        gateway.process.draining.set()
        async with asyncio.timeout(PATIENCE):
            await gateway.resources.get(Editor).drain()
        assert [await each.closed() for each in people] == [1012] * 3


async def test_drain_closes_editors_and_loses_nothing(
    new_gateway: NewGateway, sit: Sit, person: Person, database: Database, tenant_id: TenantId, document_id: UUID
) -> None:
    gateway = await new_gateway()
    ana = await sit(gateway, person("Ana"))
    for letter in "abcdefghij":
        await ana.type(letter)
    await until(lambda: gateway.resources.get(Editor).shelf.all()[0].document.history.vector)
    await gateway.drain()
    assert await ana.closed() == 1012
    acknowledged = sum(answer == "ack" for answer in ana.answers.values()) - 1
    assert len(str((await stored(database, tenant_id, document_id)).get("f1", type=Text))) >= acknowledged


@seen("pauses")
async def test_long_updates_count_for_as_many_messages_as_they_have_kilobytes(
    gateway: Gateway, sit: Sit, person: Person
) -> None:
    ana = await sit(gateway, person("Ana"))
    numbers = [await ana.type("x" * 200_000) for _ in range(4)]
    assert {await ana.answer(number) for number in numbers} == {"ack"}
