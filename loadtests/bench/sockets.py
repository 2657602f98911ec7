"""A lean Socket.IO client (protocol v5 on Engine.IO v4, WebSocket only) that measures what it hears.

Latency counts from the *intended* time of sending, which travels in the payload, so a server that stalls cannot hide it
by slowing the sender (coordinated omission).
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import aiohttp


class Peer:
    """One connected person."""

    def __init__(self, hear: Callable[[str, dict[str, Any]], None]) -> None:
        self._hear = hear
        self._acks: dict[int, Callable[[Any], None]] = {}
        self._next = 0
        self._task: asyncio.Task[None] | None = None

    async def connect(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        """Connect and authenticate; returns once the namespace is open."""
        self._socket = await session.ws_connect(
            f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0, compress=0, autoping=False
        )
        opened = await self._socket.receive_str()
        assert opened.startswith("0"), opened
        await self._socket.send_str("40" + json.dumps({"token": token}))
        answer = await self._socket.receive_str()
        assert answer.startswith("40"), answer
        self._task = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
        await self._socket.close()

    async def call(self, event: str, payload: dict[str, Any]) -> Any:
        """Send and wait for the acknowledgement."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        await self.send(event, payload, future.set_result)
        return await asyncio.wait_for(future, 30)

    async def send(self, event: str, payload: dict[str, Any], on_ack: Callable[[Any], None]) -> None:
        """Send; ``on_ack`` hears the acknowledgement."""
        self._next += 1
        self._acks[self._next] = on_ack
        await self._socket.send_str(f"42{self._next}" + json.dumps([event, payload], separators=(",", ":")))

    async def _listen(self) -> None:
        async for message in self._socket:
            text = message.data
            if not isinstance(text, str):
                continue
            if text == "2":
                await self._socket.send_str("3")
            elif text.startswith("42"):
                event, payload = json.loads(text[text.index("[") :])[:2]
                self._hear(event, payload)
            elif text.startswith("43"):
                bracket = text.index("[")
                acknowledge = self._acks.pop(int(text[2:bracket]), None)
                if acknowledge is not None:
                    acknowledge(json.loads(text[bracket:])[0])


class Figures:
    """Latencies of one scenario, in seconds."""

    def __init__(self) -> None:
        self.deliveries: list[float] = []
        self.acks: list[float] = []

    @staticmethod
    def quantile(values: list[float], share: float) -> float:
        """The value below which ``share`` of ``values`` lie, in milliseconds."""
        ordered = sorted(values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")


def stamp() -> float:
    """Now, comparable between processes of one machine."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
