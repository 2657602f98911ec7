"""``dojo demo``: an organisation with people, dojos and POCs to look at, made over the API like anybody's.

Every run makes a new organisation, so nothing that exists is touched.
"""

import asyncio
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from app.settings import InstallationSettings
from core.model import new_id

TIMEOUT = aiohttp.ClientTimeout(total=20)
CSRF = {"X-Dojo": "1"}
MEMBERS = ("Grace", "Linus", "Barbara")
SOLVED = """def fizzbuzz(number):
    words = "Fizz" * (number % 3 == 0) + "Buzz" * (number % 5 == 0)
    return words or str(number)
"""
POCS: tuple[dict[str, Any], ...] = (
    {
        "name": "Debounce in nine lines",
        "description": "Waits until the typing stops. Used in the search field.",
        "languages": ["typescript"],
        "tags": ["timing", "browser"],
        "files": [
            {
                "name": "debounce.ts",
                "text": "export function debounce<A extends unknown[]>(run: (...args: A) => void, ms: number) {\n"
                "  let timer: ReturnType<typeof setTimeout> | undefined;\n"
                "  return (...args: A) => {\n"
                "    clearTimeout(timer);\n"
                "    timer = setTimeout(() => run(...args), ms);\n"
                "  };\n"
                "}\n",
            }
        ],
    },
    {
        "name": "Sieve that never ends",
        "description": "Prime numbers as a generator, without a limit known beforehand.",
        "languages": ["python"],
        "tags": ["generators", "maths"],
        "files": [
            {
                "name": "primes.py",
                "text": "from itertools import count\n\n\ndef primes():\n    crossed = {}\n    for number in count(2):\n"
                "        factor = crossed.pop(number, None)\n        if factor is None:\n            yield number\n"
                "            crossed[number * number] = number\n        else:\n            slot = number + factor\n"
                "            while slot in crossed:\n                slot += factor\n"
                "            crossed[slot] = factor\n",
            }
        ],
    },
)


class DemoFailed(Exception):
    """The installation refused a step; the message says which and why."""


@dataclass(frozen=True)
class Person:
    """Someone of the demo who is signed in."""

    id: str
    name: str
    email: str
    token: str


def demo(address: str | None, say: Callable[[str], None]) -> int:
    """Fill the installation at ``address``, or the one that runs on this data folder; the exit code."""
    try:
        address, gateway = where(address)
        asyncio.run(fill(address, gateway, say))
    except (DemoFailed, aiohttp.ClientError, TimeoutError) as error:
        say(f"the demo stopped: {error}")
        return 1
    return 0


def where(address: str | None) -> tuple[str, str]:
    """The addresses of web and of a gateway.

    Raises:
        DemoFailed: no address was given, and nothing runs here.
    """
    if address is not None:
        return address.rstrip("/"), address.rstrip("/")
    try:
        known = json.loads((InstallationSettings().data / "running.json").read_text())
    except FileNotFoundError as error:
        raise DemoFailed("nothing runs on this data folder: start it with `dojo up` in another terminal") from error
    gateways = json.loads(known["DOJO_GATEWAY_URLS"])
    return known["address"], gateways[0] if gateways else known["address"]


async def fill(address: str, gateway: str, say: Callable[[str], None]) -> None:
    """Make everything, and say how to sign in."""
    password = secrets.token_urlsafe(9)
    async with aiohttp.ClientSession(timeout=TIMEOUT) as http:
        api = Api(http, address)
        owner = await api.sign_up(password)
        members = [await api.join(owner, name, password) for name in MEMBERS]
        say(f"made the organisation Kumiko Labs with {', '.join(person.name for person in (owner, *members))}")
        held = await api.make("/rooms", owner, {"name": "Friday FizzBuzz", "kata": "fizzbuzz", "language": "python"})
        light = await hold(gateway, http, held["id"], [owner, *members], await api.starter(owner, "fizzbuzz"))
        await api.keep(owner, held["id"], light)
        await api.make("/rooms", owner, {"name": "Roman lunch", "kata": "roman-numerals", "language": "javascript"})
        starts_at = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        await api.make("/rooms", owner, {"name": "Bowling on Wednesday", "kata": "bowling", "starts_at": starts_at})
        for person, poc in zip(members, POCS, strict=False):
            made = await api.make("/pocs", person, poc)
            await api.call("PUT", f"/pocs/{made['id']}/favourite", owner)
        say("made three dojos (one was held, one is open, one is planned) and three POCs")
    say(f"sign in at {address} as {owner.email} with the password {password}")


class Api:
    """The HTTP API, as far as the demo needs it."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self._http = http
        self._address = address
        self._mark = secrets.token_hex(3)

    async def call(self, method: str, path: str, person: Person | None, body: Any = None) -> Any:
        """One request.

        Raises:
            DemoFailed: it was refused.
        """
        headers = CSRF | ({"Authorization": f"Bearer {person.token}"} if person else {})
        async with self._http.request(method, f"{self._address}/api{path}", json=body, headers=headers) as answer:
            if not answer.ok:
                raise DemoFailed(f"{method} {path} answered {answer.status}: {(await answer.text())[:300]}")
            return await answer.json() if answer.content_type == "application/json" else None

    async def make(self, path: str, person: Person, body: Any) -> Any:
        """Create something."""
        return await self.call("POST", path, person, body)

    async def sign_up(self, password: str) -> Person:
        """The organisation and its owner."""
        email = f"ada.{self._mark}@example.org"
        new = {"organisation": "Kumiko Labs", "name": "Ada", "email": email, "password": password}
        return person(await self.call("POST", "/sign-up", None, new), email)

    async def join(self, owner: Person, name: str, password: str) -> Person:
        """Someone whom the owner invites."""
        email = f"{name.lower()}.{self._mark}@example.org"
        invitation = await self.make("/invitations", owner, {"email": email, "role": "member"})
        accepted = {"word": invitation["word"], "name": name, "password": password}
        return person(await self.call("POST", "/invitations/accept", None, accepted), email)

    async def starter(self, owner: Person, kata: str) -> list[dict[str, str]]:
        """A kata's starter files in Python."""
        files: list[dict[str, str]] = (await self.call("GET", f"/kata/{kata}", owner))["files"]["python"]
        return files

    async def keep(self, owner: Person, room_id: str, light_id: str) -> None:
        """Keep a light's files as a POC."""
        light = await self.call("GET", f"/rooms/{room_id}/lights/{light_id}", owner)
        new = {
            "name": "FizzBuzz without an if",
            "description": "Strings times booleans. Found in the dojo of Friday.",
            "languages": ["python"],
            "tags": ["kata", "strings"],
            "files": light["files"],
            "provenance": light["provenance"],
        }
        await self.make("/pocs", owner, new)


def person(signed_in: dict[str, Any], email: str) -> Person:
    """Who signed in."""
    me = signed_in["me"]
    return Person(me["user_id"], me["name"], email, signed_in["access_token"])


async def hold(
    gateway: str, http: aiohttp.ClientSession, room_id: str, people: list[Person], starter: list[dict[str, str]]
) -> str:
    """Hold a short dojo: enter, rotate, talk, run red and green, end; the green light."""
    host, driver, navigator, *_ = people
    solved = [{**file, "text": SOLVED} if "test" not in file["name"] else file for file in starter]
    async with entered(gateway, http, room_id, host) as say_host:
        await say_host("chat:send", {"text": "Welcome! Four minutes each, red before green."})
        async with (
            entered(gateway, http, room_id, driver) as say_driver,
            entered(gateway, http, room_id, navigator) as say_navigator,
        ):
            await say_host("people:admit", {})
            await say_driver("room:enter", {})
            await say_navigator("room:enter", {})
            await say_host("rotation:start", {"order": [driver.id, navigator.id, host.id]})
            red = {"colour": "red", "seconds": 0.4, "passed": 1, "failed": 3, "output": "3 failed, 1 passed"}
            await say_driver("light:report", {"light_id": str(new_id()), **red, "files": starter})
            await say_navigator("chat:send", {"text": "Fifteen is both, try multiplying the strings:\n`'Fizz' * True`"})
            await say_host("rotation:control", {"action": "skip"})
            light_id = str(new_id())
            green = {"colour": "green", "seconds": 0.3, "passed": 4, "failed": 0, "output": "4 passed"}
            await say_navigator("light:report", {"light_id": light_id, **green, "files": solved})
            await say_driver("chat:send", {"text": "Green! Let us keep it."})
            await say_host("session:close", {})
    return light_id


@asynccontextmanager
async def entered(
    gateway: str, http: aiohttp.ClientSession, room_id: str, person: Person
) -> AsyncIterator[Callable[[str, dict[str, Any]], Any]]:
    """A socket of ``person`` that has knocked at the dojo; gives the function that sends one command.

    Speaks Socket.IO 5 over a bare WebSocket (engine packet types 0 and 4, socket packets 0, 2 and 3): enough here.
    """
    url = f"{gateway}/socket.io/?EIO=4&transport=websocket"
    numbers = itertools.count()
    async with http.ws_connect(url) as socket:
        await packet(socket, "0")
        await socket.send_str("40" + json.dumps({"token": person.token}))
        await packet(socket, "40")

        async def send(name: str, payload: dict[str, Any]) -> Any:
            number = next(numbers)
            whole = {"room_id": room_id, "op_id": str(new_id()), **payload}
            await socket.send_str(f"42{number}" + json.dumps([name, whole]))
            [answer] = json.loads(await packet(socket, f"43{number}"))
            if not answer["ok"]:
                raise DemoFailed(f"{name} was refused: {answer['problem']}")
            return answer["data"]

        await send("room:enter", {})
        yield send


async def packet(socket: aiohttp.ClientWebSocketResponse, start: str) -> str:
    """The rest of the next packet that begins with ``start``; pings are answered, others passed over."""
    async with asyncio.timeout(10):
        while True:
            message = await socket.receive_str()
            if message == "2":
                await socket.send_str("3")
            elif message.startswith(start):
                return message.removeprefix(start)
            elif message.startswith("44"):
                raise DemoFailed(f"the gateway refused the connection: {message[2:]}")
