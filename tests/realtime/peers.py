"""A person at the shared editor: a real Yjs document (pycrdt) behind a WebSocket."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp
from pycrdt import Doc, Text

from core.call import Principal
from core.db import Database
from core.eventlog import read
from core.model import TenantId
from core.tokens import Tokens
from loadtests.facts import EditAcked, Edited, Fact
from realtime import ysync
from realtime.lib0 import Reader, varbytes, varstring, varuint
from realtime.models import EditorGrant
from tests.realtime.conftest import Gateway, until

Sit = Callable[..., Awaitable["Peer"]]
STEP_1, STEP_2, UPDATE = range(3)


def editor_pass(
    tokens: Tokens,
    who: Principal,
    document_id: UUID,
    room_id: UUID,
    *,
    may_write: bool = True,
    ttl: float = 60,
    seq: int = 0,
) -> str:
    """The pass that the package of rooms would give."""
    grant = EditorGrant(
        tenant_id=who.tenant_id, room_id=room_id, document_id=document_id, user_id=who.user_id,
        sign_in_id=who.sign_in_id, name=who.name, may_write=may_write, seq=seq,
    )  # fmt: skip
    return tokens.make_pass(grant, ttl=ttl, since=("seq",))


async def stored(database: Database, tenant_id: TenantId, document_id: UUID) -> Doc[Any]:
    """The document as its log makes it."""
    doc: Doc[Any] = Doc()
    async with database.transaction(tenant_id) as tx:
        for entry in await read(tx, document_id, 0, 5_000):
            doc.apply_update(entry.data or b"\x00\x00")
    return doc


class Peer:
    """One editor. With ``numbered`` it asks for acknowledgements, as our own client does."""

    def __init__(
        self,
        gateway: Gateway | str,
        document_id: UUID | str,
        word: str,
        *,
        doc: Doc[Any] | None = None,
        numbered: bool = True,
    ) -> None:
        self.doc: Doc[Any] = doc or Doc()
        self.text = self.doc.get("f1", type=Text)
        self.answers: dict[int, str] = {}
        self.awareness: dict[int, tuple[int, Any]] = {}
        self.received = 0
        self.is_synced = False
        self.sent = 0
        self.document_id = document_id
        self.facts: list[Fact] = []
        """What was typed and acknowledged, for the history checker."""
        self._typed: dict[int, str] = {}
        self._numbered = numbered
        self._url = f"{gateway if isinstance(gateway, str) else gateway.url}/yjs/{document_id}"
        self._word = word
        self._http = aiohttp.ClientSession()
        self._known = self.doc.get_state()
        self.socket: aiohttp.ClientWebSocketResponse
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> "Peer":
        """Connect and ask for what is missing."""
        self.socket = await self._http.ws_connect(self._url, params={"pass": self._word}, max_msg_size=0)
        if self._numbered:
            await self.socket.send_bytes(b"\x64\x00\x01")
        await self.socket.send_bytes(b"\x00\x00" + varbytes(self.doc.get_state()))
        self._reading = asyncio.create_task(self._read())
        return self

    async def synced(self) -> "Peer":
        """Connect, and wait for the first answer."""
        await self.open()
        await until(lambda: self.is_synced or self.socket.closed)
        return self

    async def type(self, words: str, at: int | None = None) -> int:
        """Type, and send it; the update's number."""
        before, name, author = self.doc.get_state(), str(self.document_id), self.doc.client_id
        self.text.insert(len(str(self.text).encode()) if at is None else at, words)
        start, end = (ysync.read_vector(state).get(author, 0) for state in (before, self.doc.get_state()))
        self.facts.append(Edited(str(author), name, words, False, author, start, end, time.time()))
        self._typed[self.sent + 1] = words
        return await self.send(self.doc.get_update(before))

    async def wipe(self) -> int:
        """Delete everything."""
        before = self.doc.get_state()
        self.text.clear()
        return await self.send(self.doc.get_update(before))

    async def send(self, update: bytes) -> int:
        """Send an update as it is."""
        self.sent += 1
        head = b"\x64\x01" + varuint(self.sent) if self._numbered else b"\x00\x02"
        await self.socket.send_bytes(head + varbytes(update))
        return self.sent

    async def answer(self, number: int) -> str:
        """What became of an update: ``ack`` or the code of its refusal."""
        answer: str = await until(lambda: self.answers.get(number))
        return answer

    async def say(self, state: dict[str, Any] | None, *, client: int | None = None, clock: int = 1) -> None:
        """Send an awareness state."""
        entry = varuint(1) + varuint(client or self.doc.client_id) + varuint(clock) + varstring(json.dumps(state))
        await self.socket.send_bytes(b"\x01" + varbytes(entry))

    async def closed(self) -> int | None:
        """The code with which the server ends the connection."""
        await until(lambda: self.socket.closed)
        return self.socket.close_code

    def break_line(self) -> None:
        """Be gone without a word."""
        self.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
        with contextlib.suppress(Exception):
            await self.socket.close()
        await self._http.close()

    async def knows(self, client: int) -> None:
        """Wait until somebody's awareness is here."""
        await until(lambda: client in self.awareness)

    def __str__(self) -> str:
        return str(self.text)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                await self._take(Reader(message.data))

    async def _take(self, reader: Reader) -> None:
        kind = reader.varuint()
        if kind == ysync.SYNC:
            step = reader.varuint()
            body = reader.buffer()
            if step == STEP_1:
                await self.send(self.doc.get_update(body))
            else:
                self.doc.apply_update(body)
                self.received += 1
                self.is_synced = self.is_synced or step == STEP_2
        elif kind == ysync.AWARENESS:
            for entry in ysync.read_awareness(reader.buffer()):
                self.awareness[entry.client] = (entry.clock, json.loads(entry.state))
        elif kind == ysync.OURS:
            answer, number = reader.varuint(), reader.varuint()
            self.answers[number] = "ack" if answer == ysync.ACK else reader.string()
            if answer == ysync.ACK and number in self._typed:
                author, name = str(self.doc.client_id), str(self.document_id)
                self.facts.append(EditAcked(author, name, self._typed[number], False, time.time()))
