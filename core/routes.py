"""The HTTP door: routes as data, and the one edge that serves them.

A handler is ``async def verb_noun(call, <path values>, body: Model, query: Model) -> Model | tuple | None``; its signature
and docstring are the OpenAPI operation. An answer of None is 204, No Content.
"""

import asyncio
import inspect
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, get_type_hints

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import TypeAdapter, ValidationError

from core.addresses import address_of, is_secure
from core.call import Call, Principal, Resources
from core.errors import Forbidden, Invalid, NotFound, Problem, TooLarge, TooSlow, Unauthenticated
from core.limits import Limits, RateClass
from core.model import Model
from core.settings import CoreSettings
from core.telemetry import REQUESTS
from core.tokens import Tokens

log = structlog.get_logger()

PUBLIC = "public"
SIGNED_IN = "signed-in"
NO_CONTENT = 204
BODY_MAX = 8 * 1024 * 1024
BODY_TIME = 60.0
"""Seconds."""
REQUEST_ID = web.RequestKey("request_id", str)


class HttpCall(Call):
    """A call that came over HTTP."""

    def __init__(self, resources: Resources, principal: Principal | None, request: web.Request) -> None:
        super().__init__(resources, principal)
        self._request = request
        self._cookies: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def address(self) -> str:
        """The caller's address, or network, as the outermost trusted proxy saw it."""
        return address_of(self._request, self.get(CoreSettings).trusted_hops)

    def header(self, name: str) -> str | None:
        """A request header."""
        return self._request.headers.get(name)

    def cookie(self, name: str) -> str | None:
        """A request cookie."""
        return self._request.cookies.get(name)

    async def raw_body(self) -> bytes:
        """The body as it came, for signatures."""
        return await read_body(self._request)

    def set_cookie(self, name: str, value: str, *, path: str, max_age: int) -> None:
        """Answer with a cookie that scripts cannot read; a ``max_age`` of 0 (seconds) deletes it."""
        settings = self.get(CoreSettings)
        secure = settings.public_url.startswith("https:") or is_secure(self._request, settings.trusted_hops)
        options = {"path": path, "max_age": max_age, "httponly": True, "samesite": "Strict", "secure": secure}
        self._cookies.append((name, value, options))

    def dress(self, response: web.Response) -> web.Response:
        """Put the cookies on the answer."""
        for name, value, options in self._cookies:
            response.set_cookie(name, value, **options)
        return response


@dataclass(frozen=True)
class Download:
    """An answer that is a file."""

    body: bytes
    content_type: str
    filename: str | None = None
    max_age: int = 0
    etag: str | None = None
    """Names this version of the file (RFC 9110 §8.8.3, without the quotes); who has it is answered 304."""


@dataclass(frozen=True)
class Route:
    """One operation of the API."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    access: str
    """``PUBLIC``, ``SIGNED_IN`` or the scope that the caller needs."""
    rate: RateClass
    status: int
    problems: tuple[type[Problem], ...]
    tag: str
    body: type[Model] | None = None
    query: type[Model] | None = None
    result: Any = None
    path_types: dict[str, Any] = field(default_factory=dict)

    @property
    def operation_id(self) -> str:
        """The handler's name: unique in the API."""
        return self.handler.__name__


class Routes:
    """A package's routes."""

    def __init__(self, tag: str, prefix: str = "/api") -> None:
        self._tag = tag
        self._prefix = prefix
        self.items: list[Route] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        access: str,
        status: int = 200,
        rate: RateClass | None = None,
        problems: Sequence[type[Problem]] = (),
    ) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
        """Register the decorated handler. ``access`` is ``PUBLIC``, ``SIGNED_IN`` or a scope."""

        def register(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            hints = get_type_hints(handler, include_extras=True)
            names = [name for name in inspect.signature(handler).parameters if name != "call"]
            self.items.append(
                Route(
                    method=method,
                    path=self._prefix + path,
                    handler=handler,
                    access=access,
                    rate=rate or ("read" if method == "GET" else "write"),
                    status=NO_CONTENT if hints.get("return") is type(None) else status,
                    problems=tuple(problems),
                    tag=self._tag,
                    body=hints.get("body"),
                    query=hints.get("query"),
                    result=hints.get("return"),
                    path_types={name: hints[name] for name in names if name not in {"body", "query"}},
                )
            )
            return handler

        return register


class Edge:
    """Serves routes: authenticates, counts, validates, answers, and turns Problems into RFC 9457."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def mount(self, app: web.Application, routes: Sequence[Route]) -> None:
        """Add ``routes`` to ``app``."""
        for route in routes:
            app.router.add_route(route.method, route.path, self._handler(route))

    def _handler(self, route: Route) -> Handler:
        result = TypeAdapter(route.result) if route.status != NO_CONTENT and route.result is not Download else None
        paths = {name: TypeAdapter(kind) for name, kind in route.path_types.items()}

        async def handle(request: web.Request) -> web.StreamResponse:
            call = HttpCall(self._resources, self._principal(request, route), request)
            caller = str(call.principal.user_id) if call.principal and route.rate != "auth" else call.address
            await self._resources.get(Limits).take(route.rate, caller)
            values = await self._values(request, route, paths)
            answer = await route.handler(call, **values)
            if isinstance(answer, Download):
                return call.dress(_file(answer, request))
            if result is None or answer is None:
                return call.dress(web.Response(status=NO_CONTENT))
            body = result.dump_json(answer)
            return call.dress(web.Response(body=body, status=route.status, content_type="application/json"))

        return handle

    def _principal(self, request: web.Request, route: Route) -> Principal | None:
        """Who calls; a public route works without, and with a token that expired."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            if route.access == PUBLIC:
                return None
            raise Unauthenticated
        try:
            principal = self._resources.get(Tokens).principal(token)
        except Unauthenticated:
            if route.access == PUBLIC:
                return None
            raise
        if route.access not in {PUBLIC, SIGNED_IN}:
            principal.require(route.access)
        return principal

    async def _values(self, request: web.Request, route: Route, paths: dict[str, TypeAdapter[Any]]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, adapter in paths.items():
            try:
                values[name] = adapter.validate_python(request.match_info[name])
            except ValidationError as error:
                raise NotFound from error
        if route.query is not None:
            values["query"] = read_query(route.query, request)
        if route.body is not None:
            values["body"] = validate(route.body, await read_body(request))
        return values


async def read_body(request: web.Request) -> bytes:
    """The body.

    Raises:
        TooLarge: it has more than ``BODY_MAX`` bytes.
        TooSlow: it did not come within ``BODY_TIME``.
    """
    try:
        async with asyncio.timeout(BODY_TIME):
            return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"At most {BODY_MAX} bytes.") from error
    except TimeoutError as error:
        raise TooSlow(f"At most {BODY_TIME:.0f} seconds.") from error


def read_query(model: type[Model], request: web.Request) -> Model:
    """The query string as ``model``; a name of a tuple field may be repeated."""
    values: dict[str, Any] = {}
    for name in request.query:
        many = name in model.model_fields and "tuple" in str(model.model_fields[name].annotation)
        values[name] = request.query.getall(name) if many else request.query[name]
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error) from error


def validate(model: type[Model], raw: bytes | str) -> Model:
    """JSON text as ``model``.

    Raises:
        Invalid: it is not; says where and why.
    """
    if b"\\u0000" in raw if isinstance(raw, bytes) else "\\u0000" in raw:
        raise Invalid("The character U+0000 cannot be stored.")
    try:
        valid: Model = model.__pydantic_validator__.validate_json(raw)  # what model_validate_json does, at a call less
    except ValidationError as error:
        raise invalid(error) from error
    return valid


def invalid(error: ValidationError) -> Invalid:
    """What was wrong, field by field, without repeating what was sent."""
    errors = tuple(
        {"field": ".".join(map(str, item["loc"])), "reason": item["msg"]}
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:20]
    )
    first = errors[0] if errors else {"field": "", "reason": ""}
    return Invalid(f"{first['field']}: {first['reason']}" if first["field"] else first["reason"], errors=errors)


def _file(answer: Download, request: web.Request) -> web.Response:
    headers = {"Cache-Control": f"private, max-age={answer.max_age}"}
    if answer.etag is not None:
        headers["ETag"] = f'"{answer.etag}"'
        if answer.etag in {known.value for known in request.if_none_match or ()}:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    if answer.filename is not None:
        headers["Content-Disposition"] = f'attachment; filename="{answer.filename}"'
    return web.Response(body=answer.body, content_type=answer.content_type, headers=headers)


def problem_response(problem: Problem) -> web.Response:
    """A Problem over HTTP (RFC 9457)."""
    headers = {"Retry-After": str(int(problem.retry_after) or 1)} if problem.retry_after else {}
    return web.Response(
        body=problem.body().model_dump_json(exclude_none=True).encode(),
        status=problem.status,
        content_type="application/problem+json",
        headers=headers,
    )


@web.middleware
async def edge_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request an id, a time, a log line if it failed, and an answer whatever happens."""
    request[REQUEST_ID] = secrets.token_hex(8)
    started = time.perf_counter()
    try:
        response = await handler(request)
    except Problem as problem:
        response = problem_response(problem)
    except web.HTTPRequestEntityTooLarge:
        response = problem_response(TooLarge(f"At most {BODY_MAX} bytes."))
    except web.HTTPNotFound:
        response = problem_response(NotFound())
    except web.HTTPMethodNotAllowed:
        response = problem_response(Forbidden("This address does not take that method."))
    except web.HTTPException as error:
        response = web.Response(status=error.status, headers=error.headers, text=error.text)
    except Exception:
        log.exception("request_failed", request_id=request[REQUEST_ID], path=request.path)
        response = problem_response(Problem(f"Tell us this number: {request[REQUEST_ID]}"))
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    if response.status != HTTPStatus.SWITCHING_PROTOCOLS:  # a WebSocket lasts as long as people stay
        REQUESTS.labels(request.method, route, response.status).observe(time.perf_counter() - started)
    if not response.prepared:
        response.headers["X-Request-Id"] = request[REQUEST_ID]
        secure_headers(response)
    return response


def secure_headers(response: web.StreamResponse) -> None:
    """Headers that no answer of ours goes without."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
