"""The HTTP edge: who may, how often, with what, and how errors look."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from core.call import Principal
from core.errors import Conflict
from core.model import Model, TenantId, UserId, new_id
from core.process import Mount, Package, Process, resources_of, web_application
from core.routes import PUBLIC, SIGNED_IN, Download, HttpCall, Routes
from core.settings import CoreSettings
from core.tokens import Tokens

Http = TestClient[web.Request, web.Application]
routes = Routes("tea")


class Order(Model):
    """What to brew."""

    leaf: str
    cups: int = 1


class Filter(Model):
    """What to list."""

    leaf: tuple[str, ...] = ()


class KettleEmpty(Conflict):
    """The kettle is empty."""

    slug = "kettle-empty"


@routes.add("POST", "/tea", access="tea:brew", status=201, problems=[KettleEmpty])
async def brew_tea(call: HttpCall, body: Order) -> Order:
    """Brew."""
    if body.leaf == "none":
        raise KettleEmpty("Fill it first.")
    if body.leaf == "crash":
        raise RuntimeError("secret detail")
    return body


@routes.add("GET", "/tea", access=PUBLIC)
async def list_tea(call: HttpCall, query: Filter) -> tuple[str, ...]:
    """List."""
    return query.leaf


@routes.add("GET", "/tea/{cup_id}", access=SIGNED_IN)
async def get_cup(call: HttpCall, cup_id: UUID) -> Download:
    """Pour."""
    return Download(str(cup_id).encode(), "text/plain", filename="cup.txt")


@routes.add("POST", "/tea/sips", access=PUBLIC, rate="auth")
async def sip_tea(call: HttpCall) -> None:
    """Sip."""


@routes.add("POST", "/tea/crumbs", access=PUBLIC)
async def drop_crumb(call: HttpCall) -> None:
    """Leave a cookie."""
    call.set_cookie("crumb", "x", path="/", max_age=60)


@routes.add("GET", "/tea/address", access=PUBLIC)
async def get_address(call: HttpCall) -> str:
    """Who asks."""
    return call.address


@asynccontextmanager
async def serving(settings: CoreSettings, mount: Mount | None = None, **changes: Any) -> AsyncIterator[Http]:
    """An HTTP client of a process with other settings."""
    package = Package("tea", routes=[routes], mount=mount)
    process = Process(settings.model_copy(update=changes), [package], frozenset({"tea"}))
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        yield client


@pytest.fixture
async def process(settings: CoreSettings) -> AsyncIterator[Process]:
    """A process that serves tea."""
    process = Process(settings, [Package("tea", routes=[routes])], frozenset({"tea"}))
    async with resources_of(process):
        yield process


@pytest.fixture
async def client(process: Process) -> AsyncIterator[Http]:
    """An HTTP client of it."""
    async with TestClient(TestServer(web_application(process))) as client:
        yield client


def bearer(process: Process, *scopes: str) -> dict[str, str]:
    """The header of somebody with ``scopes``."""
    principal = Principal(
        tenant_id=TenantId(new_id()),
        user_id=UserId(new_id()),
        name="Ana",
        role="member",
        scopes=frozenset(scopes),
        sign_in_id=new_id(),
        expires_at=time.time() + 60,
    )
    return {"Authorization": f"Bearer {process.resources.get(Tokens).access(principal)}"}


async def test_route_answers_with_its_model(client: Http, process: Process) -> None:
    response = await client.post("/api/tea", data=b'{"leaf": "oolong"}', headers=bearer(process, "tea:brew"))
    assert (response.status, await response.json()) == (201, {"leaf": "oolong", "cups": 1})
    assert response.headers["X-Request-Id"]


async def test_route_refuses_without_token_and_without_scope(client: Http, process: Process) -> None:
    nobody = await client.post("/api/tea", json={"leaf": "x"})
    weak = await client.post("/api/tea", json={"leaf": "x"}, headers=bearer(process, "tea:look"))
    assert (nobody.status, (await nobody.json())["code"]) == (401, "unauthenticated")
    assert (weak.status, (await weak.json())["code"]) == (403, "forbidden")
    assert nobody.content_type == "application/problem+json"


async def test_problem_says_what_to_do_and_a_crash_says_nothing(client: Http, process: Process) -> None:
    known = await client.post("/api/tea", json={"leaf": "none"}, headers=bearer(process, "tea:brew"))
    assert known.status == 409
    body = await known.json()
    assert (body["title"], body["detail"]) == ("The kettle is empty.", "Fill it first.")
    crash = await client.post("/api/tea", json={"leaf": "crash"}, headers=bearer(process, "tea:brew"))
    assert (crash.status, crash.content_type) == (500, "application/problem+json")
    assert "secret detail" not in await crash.text()
    assert crash.headers["X-Request-Id"] in (await crash.json())["detail"]
    assert crash.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("raw", "status", "field"),
    [
        (b"{", 422, None),
        (b"[]", 422, None),
        (b'{"leaf": 1}', 422, "leaf"),
        (b'{"leaf": "x", "more": 1}', 422, "more"),
        (b'{"leaf": "a\\u0000b"}', 422, None),
    ],
)
async def test_bad_body_is_named(client: Http, process: Process, raw: bytes, status: int, field: str | None) -> None:
    response = await client.post("/api/tea", data=raw, headers=bearer(process, "tea:brew"))
    assert response.status == status
    body = await response.json()
    assert body["detail"]
    if field is not None:
        assert body["errors"][0]["field"] == field


async def test_query_repeats_and_download_has_its_name(client: Http, process: Process) -> None:
    response = await client.get("/api/tea?leaf=a&leaf=b")
    assert await response.json() == ["a", "b"]
    cup = new_id()
    file = await client.get(f"/api/tea/{cup}", headers=bearer(process))
    assert await file.text() == str(cup)
    assert "cup.txt" in file.headers["Content-Disposition"]


async def test_malformed_id_unknown_address_and_wrong_method_are_problems(client: Http, process: Process) -> None:
    for method, path, status in (
        ("GET", "/api/tea/not-an-id", 404),
        ("GET", "/api/coffee", 404),
        ("PUT", "/api/tea", 403),
    ):
        response = await client.request(method, path, headers=bearer(process))
        assert response.status == status
        assert (await response.json())["title"]


async def test_every_answer_has_the_security_headers(client: Http) -> None:
    for path in ("/api/tea", "/nothing", "/health/live", "/metrics"):
        response = await client.get(path)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]


async def test_expired_token_still_opens_public_doors(client: Http) -> None:
    response = await client.get("/api/tea", headers={"Authorization": "Bearer stale"})
    assert response.status == 200


async def test_auth_class_is_limited_by_address(settings: CoreSettings) -> None:
    slow = settings.model_copy(update={"rate_scale": 0.1, "redis_url": "redis://127.0.0.1:9/0"})
    process = Process(slow, [Package("tea", routes=[routes])], frozenset({"tea"}))
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        answers = [(await client.post("/api/tea/sips")).status for _ in range(4)]
        last = await client.post("/api/tea/sips")
    assert answers[:3] == [204, 204, 204]
    assert last.status == 429
    assert last.headers["Retry-After"] == "60"


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, ["198.51.100.7"], "127.0.0.1"),
        (1, [], "127.0.0.1"),
        (1, ["198.51.100.7"], "198.51.100.7"),
        (1, ["192.0.2.1, 192.0.2.2,198.51.100.7"], "198.51.100.7"),
        (1, ["192.0.2.1", "198.51.100.7"], "198.51.100.7"),
        (2, ["192.0.2.1, 198.51.100.7, 10.0.0.1"], "198.51.100.7"),
        (2, ["10.0.0.1"], "127.0.0.1"),
        (1, ["192.0.2.1, nonsense"], "127.0.0.1"),
        (1, ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        (1, ["2001:db8:1:2::"], "2001:db8:1:2::/64"),
        (1, ["fe80::1%eth0"], "fe80::/64"),
        (1, ["::ffff:198.51.100.7"], "198.51.100.7"),
    ],
)
async def test_address_is_what_the_outermost_trusted_proxy_saw(
    settings: CoreSettings, hops: int, forwarded: list[str], address: str
) -> None:
    headers = [("X-Forwarded-For", line) for line in forwarded]
    async with serving(settings, trusted_hops=hops) as client:
        assert (await (await client.get("/api/tea/address", headers=headers)).json()) == address


async def test_forged_addresses_do_not_get_round_the_limit(settings: CoreSettings) -> None:
    scarce: dict[str, Any] = {"rate_scale": 0.1, "redis_url": "redis://127.0.0.1:9/0"}
    for hops, own in ((0, "192.0.2.{}"), (1, "192.0.2.{}, 198.51.100.7"), (1, "2001:db8::{}")):
        async with serving(settings, trusted_hops=hops, **scarce) as client:
            statuses = [
                (await client.post("/api/tea/sips", headers={"X-Forwarded-For": own.format(n)})).status
                for n in range(5)
            ]
        assert statuses[0] == 204
        assert statuses[-1] == 429


@pytest.mark.parametrize(
    ("changes", "scheme", "secure"),
    [
        ({}, "https", False),
        ({"trusted_hops": 1}, "https", True),
        ({"trusted_hops": 1}, "http", False),
        ({"trusted_hops": 1}, "https, http", False),
        ({"public_url": "https://dojo.example"}, "http", True),
    ],
)
async def test_cookie_is_for_tls_where_it_is_spoken(
    settings: CoreSettings, changes: dict[str, Any], scheme: str, secure: bool
) -> None:
    async with serving(settings, **changes) as client:
        answer = await client.post("/api/tea/crumbs", headers={"X-Forwarded-Proto": scheme})
    assert ("Secure" in answer.headers["Set-Cookie"]) is secure


async def test_websocket_is_no_slow_request(settings: CoreSettings) -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    def mount(app: web.Application, _: Process) -> None:
        app.router.add_get("/talk", talk)

    async with serving(settings, mount) as client:
        socket = await client.ws_connect("/talk")
        await socket.close()
        await client.get("/talk")  # without an upgrade: an ordinary, bad request
        shown = await (await client.get("/metrics")).text()
    counted = [
        line for line in shown.splitlines() if 'route="/talk"' in line and line.startswith("dojo_http_seconds_co")
    ]
    assert len(counted) == 1
    assert 'status="400"' in counted[0]


async def test_readiness_tells_database_and_bus(client: Http) -> None:
    assert (await client.get("/health/live")).status == 200
    ready = await client.get("/health/ready")
    assert ready.status == 200
    assert (await ready.json())["database"] is True


async def test_readiness_fails_without_database_and_while_draining(settings: CoreSettings) -> None:
    lost = settings.model_copy(update={"database_url": "postgresql://dojo_app:x@127.0.0.1:9/dojo"})
    process = Process(lost, [], frozenset())
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        response = await client.get("/health/ready")
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        process.draining.set()
        assert (await client.get("/health/ready")).status == 503
