"""Storing, changing, keeping and deleting POCs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from catalog import service
from catalog.errors import (
    FileNamesTwice,
    PocChangedMeanwhile,
    PocKeptAgain,
    PocNotFound,
    ProvenanceRefused,
)
from catalog.models import NewPoc, Poc, PocChange, PocFile, PocId, PocQuery
from core.call import Principal
from core.db import Database, Transaction
from core.errors import Forbidden
from core.model import TenantId, new_id
from core.tokens import Tokens
from rooms.events import Provenance

FILES = (PocFile(name="fizzbuzz.py", text="def fizz_buzz(n):\n    return n\n"), PocFile(name="test.py", text="é"))


@pytest.fixture
async def tx(database: Database, tenant_id: TenantId) -> AsyncIterator[Transaction]:
    async with database.transaction(tenant_id) as tx:
        yield tx


def new_poc(**changes: Any) -> NewPoc:
    return NewPoc.model_validate({"name": "FizzBuzz", "files": FILES, **changes})


def proof(tokens: Tokens, tenant_id: TenantId, light_id: UUID | None = None, ttl: float = 60, **changes: Any) -> str:
    provenance = Provenance.model_validate(
        {
            "tenant_id": tenant_id,
            "room_id": new_id(),
            "session_id": new_id(),
            "light_id": light_id or new_id(),
            "dojo": "Friday dojo",
            "kata": "fizzbuzz",
            "language": "python",
            "colour": "green",
            "authors": ("Ana", "Rui"),
            "files_sha256": Provenance.digest((file.name, file.text) for file in FILES),
            **changes,
        }
    )
    return tokens.make_pass(provenance, ttl=ttl)


async def events(tx: Transaction) -> list[tuple[Any, ...]]:
    return await tx.rows("SELECT kind, payload FROM outbox WHERE tenant_id = $1 ORDER BY id", tx.tenant_id)


async def versions(tx: Transaction, poc: Poc) -> list[tuple[Any, ...]]:
    return await tx.rows(
        "SELECT revision, what, name, files IS NOT NULL FROM poc_versions WHERE poc_id = $1 ORDER BY revision", poc.id
    )


async def test_create_poc_stores_and_announces_it(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    poc = await service.create_poc(
        tx, alice, tokens, new_poc(languages=["py", "python"], tags=["kata", "Kata"], description="A classic.")
    )
    assert (poc.languages, poc.tags, poc.authors) == (("python",), ("kata",), ("Alice",))
    assert (poc.revision, poc.origin, poc.favourite, poc.visibility) == (1, None, False, "tenant")
    assert poc.files == FILES
    assert await service.get_poc(tx, alice, poc.id) == poc
    assert await events(tx) == [("PocChanged", {"poc_id": str(poc.id), "revision": 1})]
    assert await versions(tx, poc) == [(1, "created", "FizzBuzz", True)]


async def test_create_poc_refuses_a_file_name_twice(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    with pytest.raises(FileNamesTwice):
        await service.create_poc(tx, alice, tokens, new_poc(files=(FILES[0], FILES[0])))


async def test_create_poc_needs_its_scope(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    with pytest.raises(Forbidden):
        await service.create_poc(tx, alice.model_copy(update={"scopes": frozenset({"pocs:read"})}), tokens, new_poc())


async def test_keeping_a_light_takes_authors_and_origin_from_the_dojo(
    tx: Transaction, alice: Principal, tokens: Tokens
) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc(provenance=proof(tokens, alice.tenant_id)))
    assert poc.authors == ("Ana", "Rui")
    assert poc.languages == ("python",)
    assert poc.origin is not None
    assert (poc.origin.dojo, poc.origin.kata, poc.origin.colour) == ("Friday dojo", "fizzbuzz", "green")


async def test_keeping_a_light_twice_gives_the_same_poc(
    tx: Transaction, alice: Principal, bob: Principal, tokens: Tokens
) -> None:
    light = new_id()
    word = proof(tokens, alice.tenant_id, light)
    first = await service.create_poc(tx, alice, tokens, new_poc(provenance=word))
    again = await service.create_poc(tx, alice, tokens, new_poc(name="Other", provenance=word))
    others = await service.create_poc(tx, bob, tokens, new_poc(provenance=word))
    assert again == first
    assert others.id != first.id
    assert len(await events(tx)) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"files_sha256": "0" * 64},
        {"tenant_id": new_id()},
        {"ttl": -60},
    ],
)
async def test_keeping_a_light_refuses_what_rooms_did_not_vouch_for(
    tx: Transaction, alice: Principal, tokens: Tokens, changes: dict[str, Any]
) -> None:
    word = proof(tokens, **{"tenant_id": alice.tenant_id, **changes})
    with pytest.raises(ProvenanceRefused):
        await service.create_poc(tx, alice, tokens, new_poc(provenance=word))
    assert await events(tx) == []


async def test_keeping_a_light_refuses_other_files_and_other_words(
    tx: Transaction, alice: Principal, tokens: Tokens
) -> None:
    word = proof(tokens, alice.tenant_id)
    for files, provenance in [(FILES[:1], word), (FILES, word[:-4] + "AAAA"), (FILES, "nonsense")]:
        with pytest.raises(ProvenanceRefused):
            await service.create_poc(tx, alice, tokens, new_poc(files=files, provenance=provenance))


async def test_a_pass_for_something_else_is_no_provenance(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    word = tokens.make_pass(FILES[0], ttl=60)
    with pytest.raises(ProvenanceRefused):
        await service.create_poc(tx, alice, tokens, new_poc(provenance=word))


def test_digest_does_not_depend_on_the_order_of_files() -> None:
    assert Provenance.digest([("b", "2"), ("a", "1")]) == Provenance.digest([("a", "1"), ("b", "2")])
    assert Provenance.digest([("a", "é")]) == "03e1606e423b1a41d29b6978fd66afb0fc1229dc8dbb3a1efaa951eb8e112c25"


async def test_change_poc_raises_the_revision_and_keeps_the_version(
    tx: Transaction, alice: Principal, tokens: Tokens
) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc(tags=["kata"]))
    changed = await service.change_poc(tx, alice, poc.id, PocChange(revision=1, name="Fizz", languages=("js",)))
    assert (changed.name, changed.languages, changed.tags, changed.revision) == ("Fizz", ("javascript",), ("kata",), 2)
    assert await service.get_poc(tx, alice, poc.id) == changed
    assert await versions(tx, poc) == [(1, "created", "FizzBuzz", True), (2, "changed", "Fizz", False)]
    assert (await events(tx))[1] == ("PocChanged", {"poc_id": str(poc.id), "revision": 2})


async def test_change_poc_that_changes_nothing_is_no_revision(
    tx: Transaction, alice: Principal, tokens: Tokens
) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc(tags=["kata"]))
    assert await service.change_poc(tx, alice, poc.id, PocChange(revision=1, tags=("kata", "kata"))) == poc
    assert len(await events(tx)) == 1


async def test_change_poc_refuses_an_old_revision(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc())
    await service.change_poc(tx, alice, poc.id, PocChange(revision=1, name="Fizz"))
    with pytest.raises(PocChangedMeanwhile, match="You saw revision 1; now it is 2"):
        await service.change_poc(tx, alice, poc.id, PocChange(revision=1, name="Buzz"))


async def test_only_the_owner_or_an_admin_changes_a_poc(
    tx: Transaction, alice: Principal, bob: Principal, admin: Principal, tokens: Tokens
) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc())
    with pytest.raises(Forbidden):
        await service.change_poc(tx, bob, poc.id, PocChange(revision=1, name="Mine"))
    with pytest.raises(Forbidden):
        await service.delete_poc(tx, bob, poc.id)
    with pytest.raises(Forbidden):
        await service.change_poc(tx, admin, poc.id, PocChange(revision=1, visibility="private"))
    changed = await service.change_poc(tx, admin, poc.id, PocChange(revision=1, name="Better"))
    await service.delete_poc(tx, admin, poc.id)
    assert changed.owner_id == alice.user_id
    with pytest.raises(Forbidden):
        await service.restore_poc(tx, bob, poc.id)


async def test_a_private_poc_is_not_there_for_others(
    tx: Transaction, alice: Principal, bob: Principal, admin: Principal, tokens: Tokens
) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc(visibility="private"))
    for other in (bob, admin):
        for attempt in (
            service.get_poc(tx, other, poc.id),
            service.change_poc(tx, other, poc.id, PocChange(revision=1, name="Mine")),
            service.delete_poc(tx, other, poc.id),
            service.restore_poc(tx, other, poc.id),
            service.add_favourite(tx, other, poc.id),
        ):
            with pytest.raises(PocNotFound):
                await attempt


async def test_another_tenants_poc_is_not_there(
    database: Database, alice: Principal, eve: Principal, tokens: Tokens
) -> None:
    async with database.transaction(alice.tenant_id) as tx:
        poc = await service.create_poc(tx, alice, tokens, new_poc())
    async with database.transaction(eve.tenant_id) as tx:
        for attempt in (
            service.get_poc(tx, eve, poc.id),
            service.change_poc(tx, eve, poc.id, PocChange(revision=1, name="Mine")),
            service.delete_poc(tx, eve, poc.id),
            service.restore_poc(tx, eve, poc.id),
            service.add_favourite(tx, eve, poc.id),
        ):
            with pytest.raises(PocNotFound):
                await attempt


async def test_delete_and_restore_poc(tx: Transaction, alice: Principal, bob: Principal, tokens: Tokens) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc())
    await service.add_favourite(tx, bob, poc.id)
    await service.delete_poc(tx, alice, poc.id)
    with pytest.raises(PocNotFound):
        await service.get_poc(tx, alice, poc.id)
    with pytest.raises(PocNotFound):
        await service.delete_poc(tx, alice, poc.id)
    assert (await service.list_pocs(tx, bob, PocQuery())).total == 0
    restored = await service.restore_poc(tx, alice, poc.id)
    assert restored.revision == 3
    assert await service.restore_poc(tx, alice, poc.id) == restored
    assert (await service.get_poc(tx, bob, poc.id)).favourite
    assert [(kind, payload["revision"]) for kind, payload in await events(tx)] == [
        ("PocChanged", 1), ("PocDeleted", 2), ("PocChanged", 3),
    ]  # fmt: skip


async def test_restore_poc_refuses_a_light_that_was_kept_again(
    tx: Transaction, alice: Principal, tokens: Tokens
) -> None:
    word = proof(tokens, alice.tenant_id)
    first = await service.create_poc(tx, alice, tokens, new_poc(provenance=word))
    await service.delete_poc(tx, alice, first.id)
    again = await service.create_poc(tx, alice, tokens, new_poc(provenance=word))
    assert again.id != first.id
    with pytest.raises(PocKeptAgain):
        await service.restore_poc(tx, alice, first.id)


async def test_favourites_belong_to_a_person(tx: Transaction, alice: Principal, bob: Principal, tokens: Tokens) -> None:
    poc = await service.create_poc(tx, alice, tokens, new_poc())
    for _ in range(2):
        await service.add_favourite(tx, bob, poc.id)
    assert (await service.get_poc(tx, bob, poc.id)).favourite
    assert not (await service.get_poc(tx, alice, poc.id)).favourite
    for _ in range(2):
        await service.remove_favourite(tx, bob, poc.id)
    assert not (await service.get_poc(tx, bob, poc.id)).favourite


async def test_the_largest_poc_is_stored_in_time(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    files = tuple(
        PocFile(name=f"file{number}.py", text="".join(f"word{number}_{index} " for index in range(7_500))[:100_000])
        for number in range(50)
    )
    async with asyncio.timeout(10):
        poc = await service.create_poc(tx, alice, tokens, new_poc(files=files))
    assert (await service.list_pocs(tx, alice, PocQuery(q="word0_7"))).items[0].id == poc.id


async def test_poc_facts_show_the_code_before_its_tests(tx: Transaction, alice: Principal, tokens: Tokens) -> None:
    files = (PocFile(name="test_bowling.py", text="assert 1"), PocFile(name="bowling.py", text="x" * 5_000))
    poc = await service.create_poc(tx, alice, tokens, new_poc(files=files))
    facts = "SELECT excerpt_name, length(excerpt), revision FROM catalog_poc_facts WHERE poc_id = $1"
    assert await tx.rows(facts, poc.id) == [("bowling.py", 4_000, 1)]
    await service.delete_poc(tx, alice, poc.id)
    assert await tx.rows(facts, poc.id) == []


async def test_unknown_pocs_are_not_found(tx: Transaction, alice: Principal) -> None:
    with pytest.raises(PocNotFound):
        await service.get_poc(tx, alice, PocId(new_id()))
