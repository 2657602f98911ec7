"""The built client as browsers get it: its page, its files, what may be cached, and what is never answered."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.client import client_package
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings

Http = TestClient[web.Request, web.Application]
Open = Callable[..., Awaitable[Http]]

PAGE = "<!doctype html><title>Live Dojo</title>"
SCRIPT = "console.log('a script of some length')"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A small build, with a secret beside it."""
    files = {
        "index.html": PAGE,
        "icon.svg": "<svg/>",
        "offline.html": "<p>offline</p>",
        "sw.js": SCRIPT,
        "assets/page-Ab12.js": SCRIPT,
        "assets/python.worker-Cd34.js": SCRIPT,
        "pyodide/pyodide.js": SCRIPT,
        "../secret.txt": "secret",
    }
    dist = tmp_path / "dist"
    for name, text in files.items():
        path = dist / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (dist / "assets/page-Ab12.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    return dist


@pytest.fixture
async def opened(settings: CoreSettings, dist: Path) -> AsyncIterator[Open]:
    """Serves the build."""
    made: list[Http] = []

    async def open_(**changes: object) -> Http:
        process = Process(
            settings.model_copy(update=changes), [client_package(dist, "ws://127.0.0.1:7880")], frozenset({"client"})
        )
        async with resources_of(process):  # the client's files need none of them later
            client: Http = TestClient(TestServer(web_application(process)))
        made.append(client)
        await client.start_server()
        return client

    yield open_
    for client in made:
        await client.close()


@pytest.fixture
async def client(opened: Open, settings: CoreSettings) -> Http:
    """The build, at its public address."""
    client = await opened(gateway_urls=("http://127.0.0.1:8081",))
    host = settings.public_url.removeprefix("http://")
    client.session.headers["Host"] = host
    return client


async def ask(client: Http, path: str, **headers: str) -> aiohttp.ClientResponse:
    """One request, as it is written, without following a redirect."""
    return await client.get(path, headers=headers, allow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/catalogue", "/d/abc?x=1", "/index.html", "/socket"])
async def test_every_page_is_the_page(client: Http, path: str) -> None:
    answer = await ask(client, path)
    assert (answer.status, await answer.text()) == (200, PAGE)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "camera=(self)" in answer.headers["Permissions-Policy"]


async def test_page_may_run_own_scripts_and_reach_own_servers_alone(client: Http) -> None:
    policy = (await ask(client, "/")).headers["Content-Security-Policy"]
    parts = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert parts["script-src"] == parts["default-src"] == ["'self'"]
    assert parts["frame-ancestors"] == parts["base-uri"] == ["'none'"]
    reach = {"'self'", *(f"{scheme}://127.0.0.1:{port}" for scheme in ("http", "ws") for port in (8081, 7880))}
    assert set(parts["connect-src"]) == reach


async def test_worker_computes_and_reaches_nothing_but_its_own_files(client: Http, settings: CoreSettings) -> None:
    policy = (await ask(client, "/assets/python.worker-Cd34.js")).headers["Content-Security-Policy"]
    parts = {part.split()[0]: part.split()[1:] for part in policy.split("; ")}
    assert parts["default-src"] == ["'none'"]
    assert parts["connect-src"] == [f"{settings.public_url}/pyodide/"]
    plain = (await ask(client, "/assets/page-Ab12.js")).headers["Content-Security-Policy"]
    assert plain.startswith("default-src 'none'")


@pytest.mark.parametrize("path", ["/sw.js", "/offline.html"])
async def test_what_serves_without_a_network_has_the_policy_of_the_page(client: Http, path: str) -> None:
    page = (await ask(client, "/")).headers["Content-Security-Policy"]
    assert (await ask(client, path)).headers["Content-Security-Policy"] == page


async def test_files_named_by_their_content_are_kept_for_ever(client: Http) -> None:
    hashed = await ask(client, "/assets/page-Ab12.js")
    assert hashed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for path in ("/icon.svg", "/pyodide/pyodide.js"):
        assert (await ask(client, path)).headers["Cache-Control"] == "public, max-age=3600"


async def test_packed_file_is_sent_to_who_unpacks_it(client: Http) -> None:
    packed = await ask(client, "/assets/page-Ab12.js", **{"Accept-Encoding": "gzip"})
    assert (packed.headers["Content-Encoding"], await packed.text()) == ("gzip", SCRIPT)
    assert "javascript" in packed.headers["Content-Type"]
    plain = await ask(client, "/assets/page-Ab12.js", **{"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.text() == SCRIPT


@pytest.mark.parametrize(
    "path",
    [
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/..%5csecret.txt/../../secret.txt",
        "/%2fetc%2fpasswd",
        "/%00",
        "/" + "a" * 5_000,
    ],
)
async def test_what_lies_outside_is_not_there(client: Http, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n"
    answer = await raw(client, request)
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"root:" not in answer
    assert not answer.endswith(b"secret")


async def raw(client: Http, request: str) -> bytes:
    """The answer to a request that no HTTP library has tidied up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    "path", ["/api/unknown", "/assets/gone-Xx99.js", "/pyodide/none.whl", "/socket.io/none", "/hooks/x", "/health/x"]
)
async def test_unknown_address_below_a_door_is_a_problem_and_never_the_page(client: Http, path: str) -> None:
    for host in ("127.0.0.1:8080", "elsewhere.example"):
        answer = await ask(client, path, Host=host)
        assert (answer.status, answer.content_type) == (404, "application/problem+json")
        assert (await answer.json())["code"] == "not-found"


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1", "127.0.0.1:9999", "evil.example:8080", "a b"])
async def test_page_under_another_name_leads_to_ours(client: Http, host: str) -> None:
    answer = await raw(client, f"GET /d/a%20b?x=1&y=%26 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 302")
    assert b"\r\nLocation: http://127.0.0.1:8080/d/a%20b?x=1&y=%26\r\n" in answer


async def test_request_in_the_form_for_proxies_leads_nowhere_else(client: Http) -> None:
    answer = await raw(client, "GET http://evil.example/d/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"\r\nLocation: http://127.0.0.1:8080/d/a\r\n" in answer


@pytest.mark.parametrize("path", ["/assets/page-Ab12.js", "/icon.svg", "/api/config", "/health/live"])
async def test_files_api_and_health_answer_under_every_name(client: Http, path: str) -> None:
    assert (await ask(client, path, Host="localhost:8080")).status == 200


async def test_forwarded_name_counts_behind_a_proxy_alone(opened: Open, client: Http) -> None:
    behind = await opened(trusted_hops=1)
    named = {"Host": "web:8080", "X-Forwarded-Host": "127.0.0.1:8080"}
    assert (await ask(behind, "/", **named)).status == 200
    assert (await ask(client, "/", **named)).status == 302
    forged = {"X-Forwarded-Host": "evil.example"}
    assert (await ask(client, "/", **forged)).status == 200
    assert (await ask(behind, "/", **forged)).headers["Location"] == "http://127.0.0.1:8080/"


async def test_missing_build_says_how_to_make_it(opened: Open, dist: Path) -> None:
    client = await opened()
    (dist / "index.html").unlink()
    answer = await ask(client, "/", Host="127.0.0.1:8080")
    assert answer.status == 503
    assert "make web" in await answer.text()
