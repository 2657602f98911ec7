"""The documents made from the doors: OpenAPI 3.1, AsyncAPI 3.0 and the client's TypeScript types.

Committed under ``docs/reference`` and ``web/src/wire.gen.ts``; a test compares them with the doors.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from core.errors import Problem, ProblemBody
from core.process import Package
from core.routes import NO_CONTENT, PUBLIC, SIGNED_IN, Download, Route

VERSION = "0.1.0"
REF = "#/components/schemas/{model}"

Schemas = dict[str, Any]


class Shapes:
    """JSON schemas of all wire types of a set of doors, with one name each."""

    def __init__(self, packages: Sequence[Package]) -> None:
        inputs: list[tuple[Any, JsonSchemaMode, TypeAdapter[Any]]] = []
        for kind, mode in _kinds(packages):
            if not any(kind is known and mode == known_mode for known, known_mode, _ in inputs):
                inputs.append((kind, mode, TypeAdapter(kind)))
        numbered = [(str(index), mode, adapter) for index, (_, mode, adapter) in enumerate(inputs)]
        found, self.definitions = TypeAdapter.json_schemas(numbered, ref_template=REF)
        self.definitions = self.definitions.get("$defs", {})
        self._schemas = [(kind, mode, found[(str(index), mode)]) for index, (kind, mode, _) in enumerate(inputs)]

    def of(self, kind: Any, mode: JsonSchemaMode) -> Schemas:
        """The schema of ``kind``, mostly a reference."""
        return dict(next(schema for known, known_mode, schema in self._schemas if known is kind and known_mode == mode))


def _kinds(packages: Sequence[Package]) -> Iterable[tuple[Any, JsonSchemaMode]]:
    yield ProblemBody, "serialization"
    for package in packages:
        for route in (route for routes in package.routes for route in routes.items):
            yield from ((kind, "validation") for kind in (route.body, route.query) if kind is not None)
            if route.status != NO_CONTENT and route.result is not Download:
                yield route.result, "serialization"
            yield from ((kind, "validation") for kind in route.path_types.values())
        if package.sockets is not None:
            for event in package.sockets.items:
                yield event.payload, "validation"
                yield event.result, "serialization"
            yield from ((sent.payload, "serialization") for sent in package.sockets.sent)


def openapi(packages: Sequence[Package]) -> Schemas:
    """The OpenAPI 3.1 document of all routes."""
    shapes = Shapes(packages)
    paths: Schemas = {}
    for package in packages:
        for route in (route for routes in package.routes for route in routes.items):
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Live Dojo", "version": VERSION, "description": "Live coding dojos and what they make."},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(shapes.definitions.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, shapes: Shapes) -> Schemas:
    doc = (route.handler.__doc__ or "").strip().splitlines()
    operation: Schemas = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": doc[0] if doc else route.operation_id,
        "responses": _answers(route, shapes),
    }
    if route.access != PUBLIC:
        operation["security"] = [{"token": [] if route.access == SIGNED_IN else [route.access]}]
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": shapes.of(kind, "validation")}
        for name, kind in route.path_types.items()
    ] + _query_parameters(route, shapes)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        content = {"application/json": {"schema": shapes.of(route.body, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    for status, problems in _by_status(route.problems):
        operation["responses"][str(status)] = {
            "description": " / ".join(problem.title() for problem in problems),
            "content": {"application/problem+json": {"schema": shapes.of(ProblemBody, "serialization")}},
        }
    return operation


def _answers(route: Route, shapes: Shapes) -> Schemas:
    """The good answers by status; a handler that may answer None may answer 204."""
    answers = {str(route.status): _answer(route, shapes)}
    if route.status != NO_CONTENT and type(None) in get_args(route.result):
        answers[str(NO_CONTENT)] = {"description": "There is nothing to say."}
    return answers


def _answer(route: Route, shapes: Shapes) -> Schemas:
    if route.status == NO_CONTENT:
        return {"description": "Done."}
    if route.result is Download:
        return {"description": "The file.", "content": {"application/octet-stream": {}}}
    return {
        "description": "Done.",
        "content": {"application/json": {"schema": shapes.of(route.result, "serialization")}},
    }


def _query_parameters(route: Route, shapes: Shapes) -> list[Schemas]:
    if route.query is None:
        return []
    name = shapes.of(route.query, "validation")["$ref"].rsplit("/", 1)[-1]
    schema = shapes.definitions[name]
    required = schema.get("required", [])
    return [
        {"name": field, "in": "query", "required": field in required, "schema": shape}
        for field, shape in schema["properties"].items()
    ]


def _by_status(problems: Iterable[type[Problem]]) -> list[tuple[int, list[type[Problem]]]]:
    grouped: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        grouped.setdefault(problem.status, []).append(problem)
    return sorted(grouped.items())


def asyncapi(packages: Sequence[Package]) -> Schemas:
    """The AsyncAPI 3.0 document of all Socket.IO events."""
    shapes = Shapes(packages)
    channels: Schemas = {}
    operations: Schemas = {}
    for package in packages:
        if package.sockets is None:
            continue
        for event in package.sockets.items:
            doc = (event.handler.__doc__ or "").strip().splitlines()
            key = _key(event.name)
            channels[key] = _channel(event.name, shapes.of(event.payload, "validation"))
            operations[key] = {
                "action": "receive",
                "summary": doc[0] if doc else event.name,
                "channel": {"$ref": f"#/channels/{key}"},
                "x-acknowledgement": shapes.of(event.result, "serialization"),
                "x-problems": sorted(problem.slug for problem in event.problems),
            }
        for sent in package.sockets.sent:
            key = _key(sent.name)
            channels[key] = _channel(sent.name, shapes.of(sent.payload, "serialization"))
            operations[key] = {"action": "send", "summary": sent.summary, "channel": {"$ref": f"#/channels/{key}"}}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Live Dojo", "version": VERSION},
        "defaultContentType": "application/json",
        "channels": dict(sorted(channels.items())),
        "operations": dict(sorted(operations.items())),
        "components": {"schemas": dict(sorted(shapes.definitions.items()))},
    }


def _key(name: str) -> str:
    return name.replace(":", "_").replace("-", "_")


def _channel(name: str, payload: Schemas) -> Schemas:
    return {"address": name, "messages": {"payload": {"name": name, "payload": payload}}}


def typescript(packages: Sequence[Package]) -> str:
    """The wire types for the client: interfaces, and the map from socket event to payload and answer."""
    shapes = Shapes(packages)
    lines = ["// Generated from the doors by `dojo wire`; do not edit.", ""]
    for name, schema in sorted(shapes.definitions.items()):
        lines += [*_interface(_identifier(name), schema), ""]
    lines.append("export interface SocketCommands {")
    for package in packages:
        for event in package.sockets.items if package.sockets else ():
            payload = _type(shapes.of(event.payload, "validation"))
            result = _type(shapes.of(event.result, "serialization"))
            lines.append(f"  {json.dumps(event.name)}: {{ payload: {payload}; result: {result} }};")
    lines += ["}", "", "export interface ServerEvents {"]
    for package in packages:
        for sent in package.sockets.sent if package.sockets else ():
            lines.append(f"  {json.dumps(sent.name)}: {_type(shapes.of(sent.payload, 'serialization'))};")
    return "\n".join([*lines, "}", ""])


def _identifier(name: str) -> str:
    return name.replace("-", "").replace("__", "_")


def _interface(name: str, schema: Schemas) -> list[str]:
    doc = str(schema.get("description", "")).split("\n\n", 1)[0].replace("\n", " ")
    head = [f"/** {doc} */"] if doc else []
    if schema.get("type") != "object" or "properties" not in schema:
        return [*head, f"export type {name} = {_type(schema)};"]
    required = set(schema.get("required", ()))
    lines = [*head, f"export interface {name} {{"]
    for field, shape in schema["properties"].items():
        mark = "" if field in required else "?"
        lines.append(f"  readonly {field}{mark}: {_type(shape)};")
    return [*lines, "}"]


def _type(schema: Any) -> str:
    if not isinstance(schema, dict) or not schema:
        return "unknown"
    if "$ref" in schema:
        return _identifier(schema["$ref"].rsplit("/", 1)[-1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(_type(option) for option in schema[union]))
    return _plain_type(schema)


def _plain_type(schema: Schemas) -> str:
    simple = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return "readonly [" + ", ".join(_type(item) for item in schema["prefixItems"]) + "]"
    if kind == "array":
        return f"readonly ({_type(schema.get('items'))})[]"
    if kind == "object" and "properties" in schema:
        fields = "; ".join(f"readonly {name}: {_type(shape)}" for name, shape in schema["properties"].items())
        return f"{{ {fields} }}"
    if kind == "object":
        return f"Readonly<Record<string, {_type(schema.get('additionalProperties'))}>>"
    return simple.get(str(kind), "unknown")
