"""A server for the protocols' own test suites: the gateway's wire, with an echo in place of doors.

``python -m realtime.conformance --port 3000 --ping-interval 0.3 --ping-timeout 0.2`` serves, without authentication:

- ``/engine.io/``: every message comes back as it was;
- ``/socket.io/``, namespaces ``/`` and ``/custom``: ``auth`` with the connection's payload on connecting,
  ``message`` comes back as ``message-back``, ``message-with-ack`` is acknowledged with its arguments.
"""

import argparse
import asyncio
from typing import Any

from aiohttp import web

from realtime.doorkeeper import Doorkeeper
from realtime.engine import Engine
from realtime.engineio import EngineSocket
from realtime.gateway import SocketServer, Wire
from realtime.settings import RealtimeSettings
from realtime.socketio import ACK, EVENT, PATHS, Event
from realtime.websocket import WebSocket

MAX_PAYLOAD = 1_000_000
AUTH_DELAY = 0.02
"""Seconds from CONNECT to ``auth``: the suites lose the second of two packets that come to them in one read."""


class EngineEcho:
    """Sends every message back."""

    def __init__(self, socket: EngineSocket) -> None:
        self._socket = socket

    def received(self, message: str | bytes) -> None:
        """The client sent a message."""
        self._socket.send(message)

    def closed(self, reason: str) -> None:
        """The connection is over."""

    def moved(self, end: WebSocket) -> None:
        """The client is on a WebSocket."""


class Echo:
    """A namespace that answers as the suites expect."""

    async def connect(self, wire: Wire, auth: Any) -> str:
        """Let everybody in, and say what they said once they know that they are."""
        asyncio.get_running_loop().call_later(AUTH_DELAY, wire.packet, EVENT, ["auth", auth or {}])
        return wire.sid

    def begin(self, wire: Wire, event: Event) -> None:
        """Send back, or acknowledge."""
        if event.name == "message":
            wire.packet(EVENT, ["message-back", *event.args()])
        elif event.name == "message-with-ack" and event.number is not None:
            wire.packet(ACK, event.args(), event.number)

    def gone(self, wire: Wire) -> None:
        """A client has left."""


def application(ping_interval: float, ping_timeout: float) -> web.Application:
    """The server, with pings in seconds."""
    settings = RealtimeSettings(
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
        max_packet=MAX_PAYLOAD,
        handshakes_per_second=1_000,
        handshake_burst=10_000,
    )
    keeper = Doorkeeper(settings, (), 0)
    app = web.Application(client_max_size=MAX_PAYLOAD)
    app.router.add_route("*", "/engine.io/", Engine(settings, keeper, EngineEcho).handle)
    echo = Echo()
    for parser, path in PATHS.items():
        server = SocketServer(parser, settings, keeper, {"/": echo, "/custom": echo})
        app.router.add_route("*", path, server.handle)
    return app


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Serve the suites of Engine.IO and Socket.IO.")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--ping-interval", type=float, default=0.3, help="seconds")
    parser.add_argument("--ping-timeout", type=float, default=0.2, help="seconds")
    args = parser.parse_args()
    app = application(args.ping_interval, args.ping_timeout)
    web.run_app(app, host="127.0.0.1", port=args.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
