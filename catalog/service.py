"""What the catalogue does: store POCs, find them again, keep who likes them."""

import base64
import binascii
import json
from collections.abc import Iterable

from pydantic import ValidationError

from catalog import queries, words
from catalog.errors import (
    FileNamesTwice,
    PageGone,
    PocChangedMeanwhile,
    PocKeptAgain,
    PocNotFound,
    ProvenanceRefused,
)
from catalog.events import PocChanged, PocDeleted
from catalog.models import Facet, NewPoc, Origin, Poc, PocChange, PocFile, PocId, PocPage, PocQuery, PocSummary, Tags
from core.call import Principal
from core.db import Transaction
from core.errors import Forbidden, Unauthenticated
from core.tokens import Tokens
from rooms.events import Provenance

READ = "pocs:read"
WRITE = "pocs:write"


async def create_poc(tx: Transaction, actor: Principal, tokens: Tokens, new: NewPoc) -> Poc:
    """Store a POC of ``actor``'s and announce it; a light that they already keep gives the POC that they have.

    Raises:
        FileNamesTwice: two files have one name.
        ProvenanceRefused: the pass is not ours, too old, another organisation's, or of other files.
    """
    actor.require(WRITE)
    if len({file.name for file in new.files}) < len(new.files):
        raise FileNamesTwice
    made = queries.Authored(authors=(actor.name,), origin=None)
    if new.provenance is not None:
        provenance = _proven(tokens, actor, new.provenance, new.files)
        made = _made_in_dojo(provenance, actor)
        new = new.model_copy(update={"languages": new.languages or (provenance.language,)})
    new = new.model_copy(update={"languages": _languages(new.languages), "tags": _once(new.tags)})
    search = _index(new.name, new.description, new.languages, new.tags, made, new.files)
    stored = await queries.insert_poc(tx, actor.user_id, new, made, search)
    if stored is None and made.origin is not None:
        kept = await queries.find_kept(tx, actor.user_id, made.origin.light_id)
        return await get_poc(tx, actor, kept) if kept else await create_poc(tx, actor, tokens, new)
    assert stored is not None, "only a light can be kept twice"
    await queries.insert_version(tx, stored, actor.user_id, "created")
    await tx.publish(PocChanged(poc_id=stored, revision=1))
    return await get_poc(tx, actor, stored)


async def get_poc(tx: Transaction, actor: Principal, poc_id: PocId) -> Poc:
    """The POC, whole.

    Raises:
        PocNotFound: it is not there, deleted, or not ``actor``'s to see.
    """
    actor.require(READ)
    poc = await queries.get_poc(tx, actor.user_id, poc_id)
    if poc is None:
        raise PocNotFound
    return poc


async def change_poc(tx: Transaction, actor: Principal, poc_id: PocId, change: PocChange) -> Poc:
    """Change what ``change`` names, keep the version and announce it; nothing new changes nothing.

    Raises:
        PocNotFound: it is not there, deleted, or not ``actor``'s to see.
        Forbidden: ``actor`` neither owns it nor administers the organisation.
        PocChangedMeanwhile: ``change.revision`` is not the current one.
    """
    poc = await _own_poc(tx, actor, poc_id, deleted=False)
    if change.revision != poc.revision:
        raise PocChangedMeanwhile(f"You saw revision {change.revision}; now it is {poc.revision}.")
    given = change.model_dump(exclude={"revision"}, exclude_none=True)
    if "languages" in given:
        given["languages"] = _languages(given["languages"])
    if "tags" in given:
        given["tags"] = _once(given["tags"])
    if poc.owner_id != actor.user_id and given.get("visibility", poc.visibility) != poc.visibility:
        raise Forbidden("Only its owner decides who can see it.")
    changed = poc.model_copy(update={**given, "revision": poc.revision + 1})
    if changed.model_dump(exclude={"revision"}) == poc.model_dump(exclude={"revision"}):
        return poc
    made = queries.Authored(authors=poc.authors, origin=poc.origin)
    search = _index(changed.name, changed.description, changed.languages, changed.tags, made, changed.files)
    await queries.update_poc(tx, changed, search)
    await queries.insert_version(tx, poc_id, actor.user_id, "changed")
    await tx.publish(PocChanged(poc_id=poc_id, revision=changed.revision))
    return changed


async def delete_poc(tx: Transaction, actor: Principal, poc_id: PocId) -> None:
    """Hide the POC from everyone until it is restored, and announce it.

    Raises:
        PocNotFound: it is not there, deleted already, or not ``actor``'s to see.
        Forbidden: ``actor`` neither owns it nor administers the organisation.
    """
    poc = await _own_poc(tx, actor, poc_id, deleted=False)
    await queries.mark_deleted(tx, poc_id)
    await queries.insert_version(tx, poc_id, actor.user_id, "deleted")
    await tx.publish(PocDeleted(poc_id=poc_id, revision=poc.revision + 1))


async def restore_poc(tx: Transaction, actor: Principal, poc_id: PocId) -> Poc:
    """Bring a deleted POC back and announce it; one that is there stays as it is.

    Raises:
        PocNotFound: it never was there, or is not ``actor``'s to see.
        Forbidden: ``actor`` neither owns it nor administers the organisation.
        PocKeptAgain: its owner has kept the same light again meanwhile.
    """
    actor.require(WRITE)
    if await queries.get_poc(tx, actor.user_id, poc_id) is not None:
        return await _own_poc(tx, actor, poc_id, deleted=False)
    poc = await _own_poc(tx, actor, poc_id, deleted=True)
    if await queries.mark_restored(tx, poc_id) == 0:
        raise PocKeptAgain
    await queries.insert_version(tx, poc_id, actor.user_id, "restored")
    await tx.publish(PocChanged(poc_id=poc_id, revision=poc.revision + 1))
    return await get_poc(tx, actor, poc_id)


async def add_favourite(tx: Transaction, actor: Principal, poc_id: PocId) -> None:
    """Note that ``actor`` likes the POC; once is enough.

    Raises:
        PocNotFound: it is not there, deleted, or not ``actor``'s to see.
    """
    poc = await get_poc(tx, actor, poc_id)
    await queries.insert_favourite(tx, actor.user_id, poc.id)


async def remove_favourite(tx: Transaction, actor: Principal, poc_id: PocId) -> None:
    """Forget that ``actor`` likes the POC, whatever became of it."""
    actor.require(READ)
    await queries.delete_favourite(tx, actor.user_id, poc_id)


async def list_pocs(tx: Transaction, actor: Principal, asked: PocQuery) -> PocPage:
    """The POCs that ``actor`` may see and asked for, with counts over all that were found.

    Raises:
        PageGone: the cursor is not one that we gave.
    """
    actor.require(READ)
    after = _after(asked.cursor) if asked.cursor else None
    wanted = words.search(asked.q)
    if wanted is None and asked.q.strip():
        return PocPage(items=(), total=0, languages=(), tags=(), cursor=None)
    if asked.language is not None:
        asked = asked.model_copy(update={"language": words.language(asked.language)})
    found = await queries.search_pocs(tx, actor.user_id, wanted, asked, after)
    items = await queries.list_summaries(tx, actor.user_id, [hit.id for hit in found.hits])
    return PocPage(
        items=tuple(items),
        total=found.total,
        languages=tuple(Facet.model_validate(facet) for facet in found.languages),
        tags=tuple(Facet.model_validate(facet) for facet in found.tags),
        cursor=_cursor(found, items) if len(found.hits) == asked.limit and items else None,
    )


async def _own_poc(tx: Transaction, actor: Principal, poc_id: PocId, *, deleted: bool) -> Poc:
    """The POC, held for a change by someone who may change it."""
    actor.require(WRITE)
    poc = await queries.lock_poc(tx, actor.user_id, poc_id, deleted=deleted)
    if poc is None:
        raise PocNotFound
    if poc.owner_id != actor.user_id and actor.role not in {"owner", "admin"}:
        raise Forbidden("Only its owner, or an administrator of the organisation, can change this POC.")
    return poc


def _proven(tokens: Tokens, actor: Principal, word: str, files: tuple[PocFile, ...]) -> Provenance:
    try:
        provenance = tokens.read_pass(Provenance, word)
    except (Unauthenticated, ValidationError) as error:
        raise ProvenanceRefused from error
    digest = Provenance.digest((file.name, file.text) for file in files)
    if provenance.tenant_id != actor.tenant_id or provenance.files_sha256 != digest:
        raise ProvenanceRefused
    return provenance


def _made_in_dojo(provenance: Provenance, actor: Principal) -> queries.Authored:
    origin = Origin(
        room_id=provenance.room_id,
        session_id=provenance.session_id,
        light_id=provenance.light_id,
        dojo=provenance.dojo,
        kata=provenance.kata,
        colour=provenance.colour,
    )
    return queries.Authored(authors=provenance.authors or (actor.name,), origin=origin)


def _index(
    name: str,
    description: str,
    languages: Iterable[str],
    tags: Iterable[str],
    made: queries.Authored,
    files: tuple[PocFile, ...],
) -> str:
    places: list[tuple[words.Weight, str]] = [("A", name)]
    places += [("B", value) for value in (*languages, *tags)]
    places += [("C", author) for author in made.authors]
    if made.origin:
        places += [("C", made.origin.dojo), ("C", made.origin.kata)]
    places += [("C", description), *(("C", file.name) for file in files)]
    return words.index([*places, *(("D", file.text) for file in files)])


def _once(values: Iterable[str]) -> Tags:
    return tuple(dict.fromkeys(values))


def _languages(values: Iterable[str]) -> Tags:
    return _once(words.language(value) for value in values)


def _cursor(found: queries.Found, items: list[PocSummary]) -> str:
    """Where the next page begins: after the last item of this one."""
    ranks = {hit.id: hit.rank for hit in found.hits}
    last = items[-1]
    text = json.dumps([ranks[last.id], last.created_at.isoformat(), str(last.id)])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _after(cursor: str) -> queries.After:
    try:
        rank, at, poc_id = json.loads(base64.urlsafe_b64decode(cursor))
        return queries.After.model_validate({"rank": rank, "at": at, "id": poc_id})
    except (binascii.Error, ValueError, TypeError) as error:
        raise PageGone from error
