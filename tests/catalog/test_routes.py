"""The catalogue over HTTP, as the browser uses it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from core.call import Principal
from core.tokens import Tokens

Client = TestClient[web.Request, web.Application]
BODY = {"name": "FizzBuzz", "files": [{"name": "fizzbuzz.py", "text": "print('Fizz')"}], "tags": ["kata", "tdd"]}


class Browser:
    """One person's browser."""

    def __init__(self, client: Client, tokens: Tokens, person: Principal) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {tokens.access(person)}"}

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._client.request(method, "/api" + path, json=body, headers=self._headers) as response:
            return response.status, await response.json(content_type=None) if await response.read() else None


@pytest.fixture
def alices(client: Client, tokens: Tokens, alice: Principal) -> Browser:
    return Browser(client, tokens, alice)


@pytest.fixture
def bobs(client: Client, tokens: Tokens, bob: Principal) -> Browser:
    return Browser(client, tokens, bob)


async def test_a_poc_lives_over_http(alices: Browser, bobs: Browser) -> None:
    status, poc = await alices.ask("POST", "/pocs", BODY)
    assert status == 201
    assert await bobs.ask("GET", f"/pocs/{poc['id']}") == (200, poc)
    assert await bobs.ask("PUT", f"/pocs/{poc['id']}/favourite") == (204, None)
    status, page = await bobs.ask("GET", "/pocs?q=fizz&tag=kata&tag=tdd&only=favourites&limit=5")
    assert status == 200
    assert [item["id"] for item in page["items"]] == [poc["id"]]
    assert page["items"][0]["favourite"]
    assert page["total"] == 1
    assert page["tags"] == [{"value": "kata", "count": 1}, {"value": "tdd", "count": 1}]
    assert page["cursor"] is None
    assert await bobs.ask("DELETE", f"/pocs/{poc['id']}/favourite") == (204, None)
    status, changed = await alices.ask("PATCH", f"/pocs/{poc['id']}", {"revision": 1, "name": "Fizz"})
    assert (status, changed["name"], changed["revision"]) == (200, "Fizz", 2)
    assert (await alices.ask("DELETE", f"/pocs/{poc['id']}")) == (204, None)
    assert (await bobs.ask("GET", f"/pocs/{poc['id']}"))[0] == 404
    status, restored = await alices.ask("POST", f"/pocs/{poc['id']}/restore")
    assert (status, restored["revision"]) == (200, 4)


async def test_problems_are_told_in_words(alices: Browser, bobs: Browser) -> None:
    _, poc = await alices.ask("POST", "/pocs", BODY)
    await alices.ask("PATCH", f"/pocs/{poc['id']}", {"revision": 1, "name": "Fizz"})
    status, problem = await alices.ask("PATCH", f"/pocs/{poc['id']}", {"revision": 1, "name": "Buzz"})
    assert (status, problem["code"]) == (409, "poc-changed-meanwhile")
    assert "look at it again" in problem["title"]
    status, problem = await bobs.ask("DELETE", f"/pocs/{poc['id']}")
    assert (status, problem["code"]) == (403, "forbidden")
    status, problem = await alices.ask("POST", "/pocs", {**BODY, "provenance": "made-up"})
    assert (status, problem["code"]) == (422, "provenance-refused")
    status, problem = await alices.ask("GET", "/pocs?cursor=nonsense")
    assert (status, problem["code"]) == (422, "page-gone")


@pytest.mark.parametrize(
    "change",
    [
        {"files": []},
        {"files": [{"name": "../etc/passwd", "text": ""}]},
        {"files": [{"name": "a.py", "text": "x" * 100_001}]},
        {"name": ""},
        {"name": "x\ny"},
        {"tags": ["not a tag"]},
        {"tags": ["x"] * 21},
        {"description": "nul\x00"},
        {"visibility": "public"},
        {"unknown": 1},
    ],
)
async def test_what_cannot_be_stored_is_refused(alices: Browser, change: dict[str, Any]) -> None:
    status, problem = await alices.ask("POST", "/pocs", {**BODY, **change})
    assert (status, problem["code"]) == (422, "invalid")


async def test_more_than_the_edge_takes_is_too_large(client: Client, tokens: Tokens, alice: Principal) -> None:
    files = [{"name": f"f{number}.py", "text": "x" * 99_000} for number in range(90)]
    body = io.BytesIO(json.dumps({**BODY, "files": files}).encode())
    headers = {"Authorization": f"Bearer {tokens.access(alice)}"}
    async with client.post("/api/pocs", data=body, headers=headers) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (413, "too-large")


async def test_what_does_not_come_to_an_end_is_too_slow(
    client: Client, tokens: Tokens, alice: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.routes.BODY_TIME", 0.1)
    told = asyncio.Event()

    async def never_ending() -> AsyncIterator[bytes]:
        yield b"{"
        await told.wait()

    headers = {"Authorization": f"Bearer {tokens.access(alice)}"}
    async with asyncio.timeout(10), client.post("/api/pocs", data=never_ending(), headers=headers) as response:
        problem = await response.json(content_type=None)
        told.set()
    assert (response.status, problem["code"]) == (408, "too-slow")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/pocs"),
        ("POST", "/pocs"),
        ("GET", "/pocs/{id}"),
        ("PATCH", "/pocs/{id}"),
        ("DELETE", "/pocs/{id}"),
        ("POST", "/pocs/{id}/restore"),
        ("PUT", "/pocs/{id}/favourite"),
        ("DELETE", "/pocs/{id}/favourite"),
    ],
)
async def test_guests_and_strangers_see_no_catalogue(
    client: Client, tokens: Tokens, alice: Principal, alices: Browser, method: str, path: str
) -> None:
    _, poc = await alices.ask("POST", "/pocs", BODY)
    guest = alice.model_copy(update={"role": "guest", "scopes": frozenset({"rooms:read", "rooms:join"})})
    path = path.format(id=poc["id"])
    assert (await Browser(client, tokens, guest).ask(method, path, {}))[0] == 403
    async with client.request(method, "/api" + path) as response:
        assert response.status == 401
