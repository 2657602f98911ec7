"""Other people's clients, from npm, against two of our gateways: socket.io-client and y-websocket."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core.tokens import Tokens
from tests.realtime.conftest import Gateway, Person
from tests.realtime.corpus import NODE
from tests.realtime.peers import editor_pass


async def run(script: str, **how: Any) -> dict[str, Any]:
    """What a script of ``tests/contract/node`` prints."""
    process = await asyncio.create_subprocess_exec(
        "node",
        NODE / script,
        json.dumps(how, default=str),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()[-2000:]
    result: dict[str, Any] = json.loads(out)
    return result


@pytest.mark.parametrize("parser", ["json", "msgpack"])
@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
async def test_socket_io_clients_talk(
    two_gateways: tuple[Gateway, Gateway],
    tokens: Tokens,
    person: Person,
    room_id: UUID,
    parser: str,
    transports: list[str],
) -> None:
    result = await run(
        "talk.mjs",
        urls=[gateway.url for gateway in two_gateways],
        tokens=[tokens.access(person(name)) for name in ("Ana", "Bob")],
        expired=tokens.access(person("Old", ttl=-60)),
        room_id=room_id,
        parser=parser,
        transports=transports,
    )
    assert (result["refusal"], result["unknown"]) == ("unauthenticated", "not-found")
    assert result["acks"] == list(range(1, 21))
    expected = [[2 * n + who + 1, f"{who}.{n}"] for n in range(10) for who in (0, 1)]
    assert result["heard"] == [expected, expected]
    assert set(result["transports"]) == {transports[-1]}


async def test_y_websocket_clients_edit(
    two_gateways: tuple[Gateway, Gateway], tokens: Tokens, person: Person, room_id: UUID, document_in: Callable[[], Any]
) -> None:
    document_id = await document_in()
    passes = [editor_pass(tokens, person(name), document_id, room_id) for name in ("Ana", "Bob", "Cid")]
    result = await run(
        "edit.mjs",
        urls=[gateway.url for gateway in two_gateways],
        document_id=document_id,
        passes=passes,
        reader=editor_pass(tokens, person("Eve"), document_id, room_id, may_write=False),
    )
    assert result["converged"]
    assert sorted(result["names"]) == ["Bob", "Cid"]
    assert result["refused"] == 4403
    assert "forbidden" not in result["final"]
