"""Two versions side by side, as while an installation is upgraded: a gateway of the former one and a gateway of this.

Both stand on the database as this version migrates it, and on one Redis. They may drop each other's hints (``core/seal.py``
has a version), so what is awaited here need only arrive in the end.
"""

import asyncio
import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import psycopg
import pytest

from app.health import is_healthy
from app.parts import Part, free_port, running, start, stop
from app.provision import make_database
from core.model import UserId, new_id
from loadtests import slo
from loadtests.stored import still_shown
from loadtests.swarm import ENDING, Size, Swarm, check_history
from rooms.state import RoomState
from tests.conftest import Servers
from tests.realtime.conftest import until, until_async
from tests.realtime.peers import Peer
from tests.scenarios.judged import judge
from tests.scenarios.programs import Caller, Player, Wire

PREVIOUS = "6d785b04f1fae6be5279930e46170520ecdc4330"
"""The former version: the commit that was released last. It moves when a release is made, and only then."""
PACKAGES = ("app", "catalog", "core", "identity", "media", "migrations", "realtime", "rooms")
ROOT = Path(__file__).parent.parent.parent
RUN = """
import json, sys
from app import packages
from app.__main__ import main
print(json.dumps({name: getattr(module, "__file__", None) for name, module in sys.modules.items()}), flush=True)
sys.exit(main())
"""
"""``dojo``, which first says which files it was made from."""
FAST = {"DOJO_GATEWAY_BEAT_INTERVAL": "0.3", "DOJO_GATEWAY_DEAD_AFTER": "3", "DOJO_GATEWAY_DRAIN_SPREAD": "0.5"}
SWARM = Size(people=8, rooms=2, seconds=0)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the former version, out of this repository's own history."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", PREVIOUS, *PACKAGES]
    try:
        archive = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", b"").decode() or str(error)
        pytest.fail(
            f"The former version, commit {PREVIOUS}, is not in this copy of the repository ({words.strip()})."
            " Take a clone with its history: `git fetch --unshallow`."
        )
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


class Side:
    """A gateway of one version, which can be killed, told to stop, and started again."""

    def __init__(self, code: Path, log: Path, environment: dict[str, str]) -> None:
        self.code = code
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.part = part_of("gateway", code, self.port, log, environment)
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it, and do not wait."""
        self.process = start(self.part)

    @contextmanager
    def running(self) -> Iterator["Side"]:
        """Run until the end, whatever happens to it."""
        self.start()
        try:
            yield self
        finally:
            stop(self.part, self.process)

    async def ready(self) -> None:
        """Wait until it takes people."""
        await until(lambda: is_healthy(self.port), self.part.patience)

    async def end(self, number: signal.Signals) -> int:
        """End it; its exit code."""
        self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, 15)

    def files(self) -> list[Path]:
        """Of our own packages, those that it was made from."""
        modules: dict[str, str] = json.loads(self.part.log.read_text().splitlines()[0])
        return [Path(file) for name, file in modules.items() if name.partition(".")[0] in PACKAGES]


def part_of(kind: str, code: Path, port: int, log: Path, environment: dict[str, str]) -> Part:
    """A process of the version whose code is in a folder; ``-P`` keeps it from the folder that it is started in."""
    return Part(
        name=kind,
        command=(sys.executable, "-P", "-c", RUN, "serve", kind, "--port", str(port)),
        log=log,
        ready=lambda: is_healthy(port),
        patience=60.0,
        environment={**environment, "PYTHONPATH": str(code)},
    )


class Mixed(NamedTuple):
    """An installation in the middle of an upgrade."""

    address: str
    this: Side
    former: Side
    database: str
    """As the administrator."""

    def sides(self, first: str) -> tuple[Side, Side]:
        """Both, the one called ``first`` first."""
        return (self.this, self.former) if first == "this" else (self.former, self.this)


@pytest.fixture(scope="module")
def mixed(servers: Servers, former: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    """Web and a gateway of this version, and a gateway of the former one, on a database of their own."""
    logs = tmp_path_factory.mktemp("versions")
    name = f"versions_{new_id().hex}"
    with psycopg.connect(servers.database.admin, autocommit=True) as connection:
        make_database(connection, name, template="template")
    web = free_port()
    told = {
        "DOJO_DATABASE_URL": servers.database.app.rpartition("/")[0] + f"/{name}",
        "DOJO_REDIS_URL": servers.redis_url,
        "DOJO_SECRET": servers.folder.secret("signing"),
        "DOJO_SIGNING_KEYS": str(servers.folder.keys),
        "DOJO_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "DOJO_DATA_DIR": str(servers.folder.files),
        "DOJO_RATE_SCALE": "1000",
        **FAST,
    }
    this, old = Side(ROOT, logs / "this.log", told), Side(former, logs / "former.log", told)
    told["DOJO_GATEWAY_URLS"] = json.dumps([this.url, old.url])
    with this.running(), old.running(), running(part_of("web", ROOT, web, logs / "web.log", told)):
        database = servers.database.admin.rpartition("/")[0] + f"/{name}"
        yield Mixed(told["DOJO_PUBLIC_URL"], this, old, database)
    with psycopg.connect(servers.database.admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def both(mixed: Mixed) -> Mixed:
    """Both versions run, whatever was done to them before."""
    for side in (mixed.this, mixed.former):
        if side.process.poll() is not None:
            side.start()
    for side in (mixed.this, mixed.former):
        await side.ready()
    return mixed


@asynccontextmanager
async def two_in_a_dojo(
    http: aiohttp.ClientSession, mixed: Mixed, here: Side, there: Side
) -> AsyncIterator[tuple[Player, Player]]:
    """A host on the one gateway and a guest on the other; what they noted is judged in the end."""
    host = await Caller(http, mixed.address).sign_up("Ana")
    room = (await host.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    guest = await Caller(http, mixed.address).be_guest(room["code"], "Gil")
    players = Player(host, room["id"], [here.url, there.url]), Player(guest, room["id"], [there.url, here.url])
    await players[0].enter()
    coming = asyncio.create_task(players[1].enter())
    while not coming.done():
        await players[0].give("people:admit")
        await asyncio.sleep(0.1)
    await coming
    try:
        yield players
        await judge(mixed.database, players)
    finally:
        for player in players:
            await player.drop()


def reads(player: Player, text: str) -> Callable[[], bool]:
    """Whether they see it in the chat."""
    return lambda: text in [message.text for message in state_of(player).chat]


def shows(peer: Peer, word: str) -> Callable[[], bool]:
    """Whether it is in their text."""
    return lambda: word in str(peer)


def sees(player: Player, other: Player, presence: str) -> Callable[[], bool]:
    """Whether the other person is so for them."""
    return lambda: state_of(player).people[UserId(other.user_id)].presence == presence


def state_of(player: Player) -> RoomState:
    """The dojo as they see it."""
    assert player.state is not None
    return player.state


async def test_each_gateway_is_of_its_own_version(both: Mixed) -> None:
    for side in (both.this, both.former):
        files = side.files()
        assert {path.relative_to(side.code).parts[0] for path in files} == {*PACKAGES} - {"migrations"}
    assert both.this.code != both.former.code
    assert not (both.former.code / "tests").exists()


@pytest.mark.parametrize("host_on", ["this", "former"])
async def test_words_turns_and_edits_of_either_side_reach_the_other(
    both: Mixed, http: aiohttp.ClientSession, host_on: str
) -> None:
    here, there = both.sides(host_on)
    async with two_in_a_dojo(http, both, here, there) as (host, guest), AsyncExitStack() as stack:
        texts = [
            await stack.enter_async_context(text_of(host, here)),
            await stack.enter_async_context(text_of(guest, there)),
        ]
        await say_and_type(host, guest, texts[0], texts[1])
        await say_and_type(guest, host, texts[1], texts[0])
        await host.give("rotation:start", turn_seconds=600)
        await until(lambda: state_of(guest).rotation.turn == 1)
        await host.give("rotation:control", action="skip")
        await until(lambda: state_of(guest).rotation.driver == guest.user_id)
        await say_and_type(guest, host, texts[1], texts[0])
        unknown_before = {"opened_seq": 0}
        await until(lambda: state_of(guest).replace(**unknown_before) == state_of(host).replace(**unknown_before))


async def say_and_type(one: Player, other: Player, text: Peer, others: Peer) -> None:
    """What one says and types comes to the other."""
    word = f"<{new_id()}>"
    await one.give("chat:send", text=word)
    await until(reads(other, word))
    assert await text.answer(await text.type(word)) == "ack"
    await until(shows(others, word))


@asynccontextmanager
async def text_of(player: Player, side: Side) -> AsyncIterator[Peer]:
    """Somebody at the dojo's text, by way of a gateway."""
    answer = await player.who.ask("POST", f"/api/rooms/{player.room_id}/editor-pass")
    peer = Peer(side.url, answer.body["document_id"], answer.body["word"])
    try:
        yield await peer.synced()
    finally:
        await peer.close()


@pytest.mark.parametrize("from_", ["this", "former"])
async def test_who_comes_back_to_the_other_version_gets_what_was_missed(
    both: Mixed, http: aiohttp.ClientSession, from_: str
) -> None:
    here, there = both.sides(from_)
    async with two_in_a_dojo(http, both, there, here) as (host, guest):
        await host.give("chat:send", text="before")
        await until(reads(guest, "before"))
        await guest.drop()
        had = {"epoch": state_of(guest).epoch, "seq": state_of(guest).seq}
        said = [await host.give("chat:send", text=f"meanwhile {number}") for number in range(3)]
        wire = await Wire.open(http, there.url, guest.who.token, lambda *_: None)
        answer = await wire.call("room:enter", {"room_id": guest.room_id, "op_id": str(new_id()), **had})
        await wire.close()
        assert answer["ok"], answer
        assert answer["data"]["snapshot"] is None
        numbers = [entry["seq"] for entry in answer["data"]["events"]]
        assert numbers == list(range(had["seq"] + 1, had["seq"] + 1 + len(numbers)))
        assert {*said} <= {*numbers}


@pytest.mark.parametrize("killed", ["this", "former"])
async def test_other_version_tells_who_is_gone_when_a_gateway_is_killed(
    both: Mixed, http: aiohttp.ClientSession, killed: str
) -> None:
    victim, survivor = both.sides(killed)
    async with two_in_a_dojo(http, both, survivor, victim) as (host, guest):
        await until(sees(host, guest, "here"))
        assert await victim.end(signal.SIGKILL) == -signal.SIGKILL
        await until(sees(host, guest, "reconnecting"))
        await guest.enter()
        await until(sees(host, guest, "here"))
        await guest.give("chat:send", text="I am back")
        await until(reads(host, "I am back"))
        assert host.returns == 1


async def test_promises_are_kept_while_the_former_version_hands_its_people_over(
    both: Mixed, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    with Swarm.running(both.address, SWARM, tmp_path) as swarm:
        assert await asyncio.to_thread(swarm.wait_until_in) == SWARM.people
        for side in (both.this, both.former):
            await counts(http, side, SAID, lambda count: count >= 3)
        assert await both.former.end(signal.SIGTERM) == 0
        await counts(http, both.this, CLIENTS, lambda count: count == SWARM.people)
        swarm.end()
        await asyncio.to_thread(swarm.wait, ENDING)
    figures = slo.read_figures(tmp_path)
    assert check_history(tmp_path, both.database) == []
    assert figures["exceptions"] == []
    await until(lambda: not still_shown(both.database, figures["rooms"]))


CLIENTS = 'dojo_gateway_connections{door="json"}'
SAID = 'dojo_gateway_events_total{event="chat:send",outcome="ok"}'


async def counts(http: aiohttp.ClientSession, side: Side, what: str, enough: Callable[[float], bool]) -> None:
    """Wait until a gateway counts so many."""

    async def has_enough() -> bool:
        async with http.get(f"{side.url}/metrics") as answer:
            lines = (await answer.text()).splitlines()
        return any(enough(float(line.removeprefix(what))) for line in lines if line.startswith(what))

    await until_async(has_enough, 20)
