"""Serves the documents made from the doors: OpenAPI for HTTP, AsyncAPI for the sockets."""

import json
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from core.documents import asyncapi, openapi
from core.process import Package, Process


def reference_package(packages: Sequence[Package]) -> Package:
    """The documents of the doors of ``packages``."""

    def mount(app: web.Application, _: Process) -> None:
        app.router.add_get("/api/openapi.json", document(json.dumps(openapi(packages))))
        app.router.add_get("/api/asyncapi.json", document(json.dumps(asyncapi(packages))))

    return Package(name="reference", mount=mount)


def document(text: str) -> Handler:
    """A handler that answers ``text``; they are public, and change with the version only."""

    async def read(_: web.Request) -> web.Response:
        headers = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
        return web.Response(text=text, content_type="application/json", headers=headers)

    return read
