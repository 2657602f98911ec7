"""Two people, or two clicks, at once."""

import asyncio

from catalog import service
from catalog.errors import PocChangedMeanwhile
from catalog.models import NewPoc, Poc, PocChange, PocQuery
from core.call import Principal
from core.db import Database
from core.model import new_id
from core.tokens import Tokens
from rooms.events import Provenance

NEW = NewPoc.model_validate({"name": "FizzBuzz", "files": [{"name": "fizzbuzz.py", "text": "pass"}]})


async def test_of_two_changes_at_once_one_is_refused(
    database: Database, alice: Principal, admin: Principal, tokens: Tokens
) -> None:
    async with database.transaction(alice.tenant_id) as tx:
        poc = await service.create_poc(tx, alice, tokens, NEW)

    async def change(actor: Principal, name: str) -> Poc:
        async with database.transaction(alice.tenant_id) as tx:
            return await service.change_poc(tx, actor, poc.id, PocChange(revision=1, name=name))

    outcomes = await asyncio.gather(change(alice, "A"), change(admin, "B"), return_exceptions=True)
    (kept,) = [outcome for outcome in outcomes if isinstance(outcome, Poc)]
    assert sum(isinstance(outcome, PocChangedMeanwhile) for outcome in outcomes) == 1
    async with database.transaction(alice.tenant_id) as tx:
        assert await service.get_poc(tx, alice, poc.id) == kept


async def test_a_light_kept_by_many_clicks_at_once_is_one_poc(
    database: Database, alice: Principal, tokens: Tokens
) -> None:
    provenance = Provenance(
        tenant_id=alice.tenant_id,
        room_id=new_id(),
        session_id=new_id(),
        light_id=new_id(),
        dojo="Friday dojo",
        kata="fizzbuzz",
        language="python",
        colour="green",
        authors=("Ana",),
        files_sha256=Provenance.digest((file.name, file.text) for file in NEW.files),
    )
    new = NEW.model_copy(update={"provenance": tokens.make_pass(provenance, ttl=60)})

    async def keep() -> Poc:
        async with database.transaction(alice.tenant_id) as tx:
            return await service.create_poc(tx, alice, tokens, new)

    kept = await asyncio.gather(*(keep() for _ in range(5)))
    assert len({poc.id for poc in kept}) == 1
    async with database.transaction(alice.tenant_id) as tx:
        assert (await service.list_pocs(tx, alice, PocQuery())).total == 1
