"""Stock python-socketio with its Redis manager, on aiohttp and uvloop, doing what the gateway does."""

import sys
import time
from typing import Any

import socketio
import uvloop
from aiohttp import web


def chat_of(payload: dict[str, Any], by: str, seq: int) -> dict[str, Any]:
    """What the peers send for a line of chat: the same bytes as the gateway."""
    message = {"id": payload["op_id"], "by": by, "text": payload["text"], "to": None, "at": time.time()}
    return {
        "room_id": payload["room_id"], "epoch": 1, "seq": seq, "op_id": payload["op_id"], "kind": "chat_sent",
        "actor_id": by, "at": time.time(), "payload": {"kind": "chat_sent", "message": message},
    }  # fmt: skip


def application(redis_url: str) -> web.Application:
    """The server."""
    server = socketio.AsyncServer(
        async_mode="aiohttp", client_manager=socketio.AsyncRedisManager(redis_url), cors_allowed_origins="*"
    )
    people: dict[str, str] = {}
    numbers = iter(range(1, sys.maxsize))

    async def connect(sid: str, _environ: dict[str, Any], auth: Any) -> None:
        people[sid] = auth["token"]

    async def enter(sid: str, payload: dict[str, Any]) -> dict[str, Any]:
        await server.enter_room(sid, payload["room_id"])
        return {"ok": True, "data": {"status": "in"}}

    async def chat(sid: str, payload: dict[str, Any]) -> dict[str, Any]:
        entry = chat_of(payload, people[sid], next(numbers))
        await server.emit("room:event", entry, room=payload["room_id"])
        return {"ok": True, "data": {"seq": entry["seq"]}}

    async def signal(sid: str, payload: dict[str, Any]) -> dict[str, Any]:
        words = {"room_id": payload["room_id"], "kind": payload["kind"], "value": payload["value"], "by": people[sid]}
        await server.emit("room:signal", words, room=payload["room_id"])
        return {"ok": True, "data": None}

    for event, handler in {"connect": connect, "room:enter": enter, "chat:send": chat, "signal:send": signal}.items():
        server.on(event, handler)
    app = web.Application()
    server.attach(app)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(application(sys.argv[2]), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
