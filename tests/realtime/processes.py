"""Gateways as processes of their own, and people who note what they do and hear, for the history checker."""

import asyncio
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from app.health import is_healthy
from app.parts import Part, running
from core.model import UserId, new_id
from loadtests.facts import Acked, EditAcked, Edited, Entered, Fact, Received, Sent, Stayed
from loadtests.history import Violation, check
from loadtests.stored import read_stored
from tests.conftest import Servers
from tests.realtime.conftest import until
from tests.scenarios.programs import Caller, Player, Typist

ROOT = Path(__file__).parent.parent.parent

Running = AbstractContextManager["subprocess.Popen[bytes]"]


def serving(servers: Servers, port: int, *modules: str, **more: str) -> Running:
    """A process of the product on the session's servers; ``more`` are settings (``DOJO_…``)."""
    settings = {
        "DATABASE_URL": servers.database.app,
        "REDIS_URL": servers.redis_url,
        "SECRET": servers.folder.secret("signing"),
        "SIGNING_KEYS": str(servers.folder.keys),
        "PUBLIC_URL": "http://127.0.0.1:8080",
        "DATA_DIR": str(servers.folder.files),
        **more,
    }
    return running(
        Part(
            name=modules[0],
            command=(sys.executable, "-m", "app", "serve", *modules, "--port", str(port)),
            log=servers.folder.logs / f"{port}.log",
            ready=lambda: is_healthy(port),
            patience=60,
            environment={"PYTHONPATH": str(ROOT), **{f"DOJO_{name}": value for name, value in settings.items()}},
        )
    )


class Mortal:
    """A gateway that will end."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    async def ended(self) -> int:
        """Wait until it has; its exit code."""
        await until(lambda: self.process.poll() is not None)
        return int(self.process.returncode)


class Witness(Player):
    """One window of somebody, who notes what they do and hear."""

    def __init__(self, name: str, who: Caller, room_id: str, gateways: list[str]) -> None:
        super().__init__(who, room_id, gateways)
        self.name = name
        self.facts: list[Fact] = []
        self.said = 0
        self.sent_away: list[asyncio.Task[None]] = []
        """What came of each time that a gateway told them to go to another."""

    async def says(self, text: str) -> None:
        """Say something until it is acknowledged."""
        op_id, now = str(new_id()), time.time()
        self.facts.append(Sent(self.name, self.room_id, op_id, "chat:send", True, text, self.returns, now, now))
        seq = await self.give("chat:send", text=text, op_id=op_id)
        self.facts.append(Acked(self.name, self.room_id, op_id, seq, time.time()))
        self.said += 1

    @property
    def acked(self) -> int:
        """The newest number that was acknowledged."""
        return max((fact.seq for fact in self.facts if isinstance(fact, Acked)), default=0)

    def stays(self, *everybody: "Witness") -> Stayed:
        """Who is here."""
        assert self.state is not None
        here = [each.name for each in everybody if self.state.people[UserId(each.user_id)].presence == "here"]
        return Stayed(self.name, self.room_id, self.state.seq, here)

    def _heard(self, event: str, payload: Any) -> None:
        if event == "node:drain":
            self.sent_away.append(asyncio.create_task(self._move(payload["wait_ms"] / 1000)))
        super()._heard(event, payload)

    async def _move(self, wait: float) -> None:
        await asyncio.sleep(wait)
        await self.drop()
        await self.enter()

    def _fold(self, entry: dict[str, Any]) -> None:
        if self.state is not None and entry["seq"] > self.state.seq:
            last = next((fact for fact in reversed(self.facts) if isinstance(fact, Entered)), None)
            if last is None or last.connection != self.returns:
                epoch, seq = self.state.epoch, self.state.seq
                self.facts.append(Entered(self.name, self.room_id, self.returns, epoch, seq, False))
            self.facts.append(
                Received(
                    self.name, self.room_id, self.returns, entry["epoch"], entry["seq"], entry["op_id"],
                    hidden=entry["payload"] is None, tail=True,
                )
            )  # fmt: skip
        super()._fold(entry)


async def all_heard(*people: Witness) -> None:
    """Wait until everybody has heard of all that was acknowledged."""
    newest = max(who.acked for who in people)
    await until(lambda: all(who.state is not None and who.state.seq >= newest for who in people))


def violations(servers: Servers, typist: Typist, *people: Witness) -> list[Violation]:
    """What of all that people noted is not as the database has it; all of them stayed to the end."""
    facts = [fact for who in people for fact in [*who.facts, who.stays(*people)]]
    assert people[0].state is not None
    document = str(people[0].state.document_id)
    for word in typist.acked:
        facts += [Edited("", document, word, False, 0, 0, 0, 0.0), EditAcked("", document, word, False, 0.0)]
    admin = servers.database.admin.rpartition("/")[0] + "/" + servers.database.app.rpartition("/")[2]
    return check(facts, read_stored(admin, [people[0].room_id]))
