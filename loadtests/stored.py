"""What the database holds of a run, read as its administrator: the logs of rooms and of their documents."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from pycrdt import Doc
from pycrdt import Text as YText

from loadtests.facts import Change, Document, Entry, Room, Stored
from realtime.yupdate import Limits, read_update

UNBOUNDED = Limits(max_bytes=2**31, max_depth=100, max_parts=2**31)


def administrator(running: dict[str, str], superuser: str) -> str:
    """The address of an embedded database as its superuser, who sees all tenants."""
    parts = urlsplit(running["migration_url"])
    return parts._replace(netloc=f"postgres:{superuser}@{parts.hostname}:{parts.port}").geturl()


def read_stored(url: str, rooms: Collection[str], more: Collection[str] = ()) -> Stored:
    """The logs of ``rooms``, of the documents of their sessions, and of ``more`` documents."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        found = dict(_rooms(connection, rooms))
        documents = [*(document for room in found.values() for document in room.documents), *more]
        return Stored(found, dict(_documents(connection, documents)))


def _rooms(connection: psycopg.Connection[Any], names: Collection[str]) -> Iterator[tuple[str, Room]]:
    ids = [UUID(name) for name in names]
    epochs = connection.execute("SELECT stream_id, epoch FROM log_streams WHERE stream_id = ANY (%s)", [ids]).fetchall()
    rows = connection.execute(
        """
        SELECT stream_id, seq, op_id, actor_id, kind, extract(epoch FROM at)::float8, audience, payload
        FROM log_entries WHERE stream_id = ANY (%s) ORDER BY stream_id, seq
        """,
        [ids],
    ).fetchall()
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    documents: dict[UUID, list[str]] = defaultdict(list)
    epoch_of_lease: dict[UUID, int] = {}
    for room, seq, op_id, actor, kind, at, audience, payload in rows:
        lease = _lease(kind, payload, epoch_of_lease.get(room, 0))
        if lease is not None:
            epoch_of_lease[room] = lease[0]
        if kind == "session_opened":
            documents[room].append(payload["document_id"])
        people = None if audience is None else frozenset(map(str, audience))
        entries[room].append(Entry(seq, str(op_id), str(actor), kind, at, _mark(kind, payload), people, lease))
    for room, epoch in epochs:
        yield str(room), Room(epoch, entries[room], tuple(documents[room]))


def _lease(kind: str, payload: dict[str, Any], epoch: int) -> tuple[int, str | None] | None:
    """Where an event moves the right to type, as ``rooms.state.fold`` has it."""
    if kind == "turn_started":
        return payload["lease_epoch"], payload["driver"]
    if kind == "rotation_stopped":
        return payload["lease_epoch"], None
    return (epoch + 1, None) if kind == "session_closed" else None


def _mark(kind: str, payload: dict[str, Any]) -> str:
    if kind == "chat_sent":
        return str(payload["message"]["text"])
    return str(payload["light"]["id"]) if kind == "light_reported" else ""


def _documents(connection: psycopg.Connection[Any], names: Collection[str]) -> Iterator[tuple[str, Document]]:
    rows = connection.execute(
        """
        SELECT stream_id, seq, actor_id, extract(epoch FROM at)::float8, data
        FROM log_entries WHERE stream_id = ANY (%s) AND data IS NOT NULL ORDER BY stream_id, seq
        """,
        [[UUID(name) for name in names]],
    ).fetchall()
    changes: dict[str, list[Change]] = {name: [] for name in names}
    replicas: dict[str, Doc[Any]] = {name: Doc() for name in names}
    for stream, seq, actor, at, data in rows:
        clocks = read_update(bytes(data), UNBOUNDED).clients
        changes[str(stream)].append(Change(seq, str(actor), at, clocks))
        replicas[str(stream)].apply_update(bytes(data))
    for name, replica in replicas.items():
        texts = {file: str(replica.get(file, type=YText)) for file in replica.keys()}  # noqa: SIM118 - no dictionary
        yield name, Document(changes[name], texts)


def still_shown(url: str, rooms: Collection[str]) -> list[tuple[str, str]]:
    """Room and person of everybody who is held for connected, in the table of connections or by the log."""
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute(
            """
            SELECT resource_id, user_id FROM connections WHERE resource_id = ANY (%(rooms)s)
            UNION
            SELECT stream_id, person FROM (
                SELECT DISTINCT ON (stream_id, person) stream_id, (payload ->> 'person_id')::uuid AS person, kind
                FROM log_entries
                WHERE stream_id = ANY (%(rooms)s)
                    AND kind IN ('person_entered', 'person_lost', 'person_left', 'person_removed')
                ORDER BY stream_id, person, seq DESC
            ) last
            WHERE kind = 'person_entered'
            """,
            {"rooms": [UUID(name) for name in rooms]},
        ).fetchall()
    return [(str(room), str(person)) for room, person in rows]
