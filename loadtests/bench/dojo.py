"""The gateway as it is shipped: ``dojo up`` with two gateways, and people with tokens of that installation."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import aiohttp

from app.parts import free_port
from core.call import Principal
from core.model import UserId, new_id
from core.tokens import Tokens
from loadtests.bench.generator import Seat
from loadtests.bench.machine import SERVER_CORE, command_of, descendants, pin
from loadtests.bench.peers import OURS, ROOT, Server
from realtime.models import EditorGrant
from rooms.models import Language
from rooms.seed import seed_update
from rooms.service.plans import starter_files

GATEWAYS = 2
KATA = "fizzbuzz"
LANGUAGE: Language = "python"
PERSON = {"organisation": "Bench", "name": "Host", "email": "host@bench.example", "password": "a long password"}
MANY = "1000000"
SCALED = {
    "DOJO_LIVEKIT": "false",
    "DOJO_RATE_SCALE": MANY,
    "DOJO_GATEWAY_MAX_PER_ADDRESS": MANY,
    "DOJO_GATEWAY_HANDSHAKES_PER_SECOND": MANY,
    "DOJO_GATEWAY_HANDSHAKE_BURST": MANY,
    "DOJO_GATEWAY_EVENTS_PER_SECOND": MANY,
    "DOJO_GATEWAY_EVENT_BURST": MANY,
    "ROOMS_EMPTY_TIMEOUT": MANY,
    "ROOMS_UNVISITED_TIMEOUT": MANY,
}
"""The bounds of one person and one address, which a thousand people at one address would meet: everything is counted
all the same. And dojos stay open while their people are at another server."""
HOURS = 4 * 3600.0


class Place(NamedTuple):
    """A person's room, and the token by which they are let in."""

    room: str
    token: str


class Dojo:
    """A running installation."""

    def __init__(self, supervisor: int, known: dict[str, str], gateways: Sequence[str]) -> None:
        self.address = known["address"]
        self.redis_url = known["DOJO_REDIS_URL"]
        self.gateways = tuple(gateways)
        self._supervisor = supervisor
        keys = Path(known["DOJO_SIGNING_KEYS"])
        self._tokens = Tokens.load(keys, known["DOJO_SECRET"], known["DOJO_PUBLIC_URL"])
        self._host: Principal | None = None

    def pids(self) -> list[int]:
        """The gateways' processes, in the order of their ports."""
        ports = [address.rpartition(":")[2] for address in self.gateways]
        found = {}
        for pid in descendants(self._supervisor):
            words = [word for word in command_of(pid) if word]
            if "gateway" in words and words[-1:] and words[-1] in ports:
                found[words[-1]] = pid
        return [found[port] for port in ports if port in found]

    def pin(self) -> None:
        """Give the gateways the servers' core; everything else stays where the benchmark itself is."""
        pin(self.pids(), SERVER_CORE)

    def server(self, nodes: int = 1, protocol: str = "socketio") -> Server:
        """The first gateways, as a server to measure."""
        return Server(OURS, self.gateways[:nodes], tuple(self.pids()[:nodes]), protocol)

    def renew(self) -> None:
        """Gateways that have served nobody yet, for what is measured of their memory."""
        former = self.pids()
        for pid in former:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while not (len(now := self.pids()) == GATEWAYS and not set(now) & set(former) and self._all_ready()):
            if time.monotonic() > deadline:
                raise RuntimeError("the gateways did not come back")
            time.sleep(0.1)
        self.pin()

    def _all_ready(self) -> bool:
        return all(_status(f"http://{address}/health/ready") == 200 for address in self.gateways)

    def parts(self) -> dict[str, list[int]]:
        """The processes of the installation by what they are."""
        found: dict[str, list[int]] = {"gateway": self.pids()}
        for pid in descendants(self._supervisor):
            words = " ".join(command_of(pid))
            for name in ("postgres", "redis", "worker", "relay", "web"):
                if name in words and pid not in found["gateway"]:
                    found.setdefault(name, []).append(pid)
                    break
        return found

    async def sign_up(self) -> None:
        """The host, who creates the rooms."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.address}/api/sign-up", json=PERSON) as response,
        ):
            token = (await response.json())["access_token"]
        found = self._tokens.principal(token)
        self._host = found.model_copy(update={"expires_at": time.time() + HOURS})

    @property
    def host(self) -> Principal:
        """Who created the rooms."""
        assert self._host is not None
        return self._host

    def adopt(self, host: Principal) -> None:
        """Go on with the host of a former installation on the same data folder."""
        self._host = host

    def host_token(self) -> str:
        """An access token of the host that outlives the benchmark."""
        return self._tokens.access(self.host)

    async def rooms(self, count: int, capacity: int = 30) -> list[str]:
        """New rooms, open for the host's organisation."""
        headers = {"Authorization": f"Bearer {self.host_token()}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            gate = asyncio.Semaphore(8)

            async def create(number: int) -> str:
                plan = {"kata": KATA, "language": LANGUAGE, "name": f"Room {number}", "capacity": capacity}
                async with gate, session.post(f"{self.address}/api/rooms", json=plan) as response:
                    assert response.status == 201, await response.text()
                    return str((await response.json())["id"])

            return list(await asyncio.gather(*(create(number) for number in range(count))))

    def person(self, number: int) -> Principal:
        """Another member of the organisation, signed in."""
        return self.host.model_copy(
            update={"user_id": UserId(new_id()), "name": f"Person {number}", "role": "member", "sign_in_id": new_id()}
        )

    def places(self, rooms: Sequence[str], people: int) -> list[Place]:
        """New people for each room."""
        return [Place(room, self._tokens.access(self.person(number))) for room in rooms for number in range(people)]

    @staticmethod
    def beginning() -> bytes:
        """The Yjs update that the document of each of these rooms begins with."""
        return seed_update(starter_files(KATA, LANGUAGE))

    def editor_seats(self, server: Server, rooms: Sequence[str], documents: Sequence[str], people: int) -> list[Seat]:
        """New people for each document, with the passes that let them write."""
        seats = []
        for room, document in zip(rooms, documents, strict=True):
            for number in range(people):
                who = self.person(number)
                grant = EditorGrant(
                    tenant_id=who.tenant_id, room_id=UUID(room), document_id=UUID(document), user_id=who.user_id,
                    sign_in_id=who.sign_in_id, name=who.name, may_write=True,
                )  # fmt: skip
                word = self._tokens.make_pass(grant, ttl=HOURS)
                seats.append(Seat(server.addresses[0], f"/yjs/{document}?pass={word}", document))
        return seats


def _status(url: str) -> int:
    """The status of a page, 0 for none."""
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - an address of our own
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def running(folder: Path) -> Iterator[Dojo]:
    """``dojo up`` on free ports, without LiveKit and without the bounds of one person and one address."""
    ports = {name: str(free_port()) for name in ("WEB", "GATEWAY")}
    environment = {
        **os.environ,
        **SCALED,
        "DOJO_DATA": str(folder / "dojo"),
        "PYTHONPATH": str(ROOT),
        **{f"DOJO_{name}_PORT": port for name, port in ports.items()},
    }
    command = [sys.executable, "-m", "app", "up", "--gateways", str(GATEWAYS)]
    with (folder / "dojo.out").open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 120
        while "ready: " not in (folder / "dojo.out").read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "dojo.out").read_text())
            time.sleep(0.02)
        known = json.loads((folder / "dojo" / "running.json").read_text())
        gateways = [url.removeprefix("http://") for url in json.loads(known["DOJO_GATEWAY_URLS"])]
        yield Dojo(process.pid, known, gateways)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
