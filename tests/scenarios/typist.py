"""Someone without a browser who types: a program that speaks the editor's protocol, and comes back by itself."""

import asyncio
import contextlib
from typing import Any

import aiohttp

from loadtests.facts import EditAcked, Edited, Fact
from tests.realtime.peers import Peer
from tests.scenarios.programs import AGAIN, PASSING, PATIENCE, Player


class Typist:
    """Someone at the dojo's text, as the client is: keeps what was not acknowledged and offers it again."""

    def __init__(self, player: Player, gateways: list[str]) -> None:
        self.player = player
        self.typed = 0
        self.acked: set[str] = set()
        self.refused = 0
        self.facts: list[Fact] = []
        self._gateways = gateways
        self._peer: Peer | None = None

    async def type(self) -> bool:
        """Type a word that nobody else types, until its fate is known; whether it is kept."""
        self.typed += 1
        word = f"<{self.player.name[-6:]}.{self.typed}>"
        peer = await self._open()
        try:
            number = await peer.type(word)
        except ConnectionError:  # it broke just now; the word is in the text, and is offered again below
            number = peer.sent
        while True:
            answer = await self._fate(peer, number)
            if answer == "ack":
                self.acked.add(word)
                self._note(peer, word)
                return True
            if answer is not None:
                self.refused += 1
                await self.close()  # its text holds what nobody else has: begin with theirs
                return False
            doc = peer.doc
            await peer.close()
            self._peer = None
            peer = await self._open(doc)
            number = 1  # the answer to the gateway's question: all that it has not stored

    def _note(self, peer: Peer, word: str) -> None:
        client, text = self.player.name, str(peer.document_id)
        self.facts += [
            Edited(client, text, word, False, 0, 0, 0, 0.0),  # its clocks may be another's: an offered word is merged
            EditAcked(client, text, word, False, 0.0),
        ]

    async def _fate(self, peer: Peer, number: int) -> str | None:
        """``ack``, the code of a refusal, or None when the connection broke."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while number not in peer.answers and not peer.socket.closed:
                    await asyncio.sleep(0.01)
        return peer.answers.get(number)

    async def _open(self, doc: Any = None) -> Peer:
        while self._peer is None or self._peer.socket.closed:
            if self._peer is not None:
                doc = self._peer.doc
                await self._peer.close()
                self._peer = None
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._try(doc)
            if self._peer is None:
                self._gateways.append(self._gateways.pop(0))
                await asyncio.sleep(AGAIN)
        return self._peer

    async def _try(self, doc: Any) -> None:
        answer = await self.player.who.ask("POST", f"/api/rooms/{self.player.room_id}/editor-pass")
        if answer.status != 200:
            assert answer.body["code"] in PASSING, answer
            return
        peer = Peer(self._gateways[0], answer.body["document_id"], answer.body["word"], doc=doc)
        try:
            await peer.open()
            while not peer.is_synced and not peer.socket.closed:
                await asyncio.sleep(0.01)
        except BaseException:
            await peer.close()
            raise
        if peer.socket.closed:
            await peer.close()
        else:
            self._peer = peer

    async def close(self) -> None:
        """Leave the text."""
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.close()
