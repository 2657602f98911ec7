"""Events on the way out, encoded once: for each parser one packet, for each transport one frame, whoever many hear it."""

import json

from realtime import socketio, websocket
from realtime.socketio import Parser


class Frame:
    """An event and its one argument, encoded at most once for each parser and transport."""

    __slots__ = ("_body", "_event", "_frames", "_messages")

    def __init__(self, event: str, body: str) -> None:
        self._event = event
        self._body = body
        """JSON text of the argument."""
        self._messages: dict[Parser, str | bytes] = {}
        self._frames: dict[Parser, bytes] = {}

    def message(self, parser: Parser) -> str | bytes:
        """The Socket.IO packet, as the data of one Engine.IO message."""
        ready = self._messages.get(parser)
        if ready is None:
            if parser == "json":
                ready = f'{socketio.EVENT}["{self._event}",{self._body}]'
            else:
                ready = socketio.encode(parser, socketio.EVENT, data=[self._event, json.loads(self._body)])[0]
            self._messages[parser] = ready
        return ready

    def frame(self, parser: Parser) -> bytes:
        """The same as a whole WebSocket frame, with its Engine.IO packet type (text only: binary has none)."""
        ready = self._frames.get(parser)
        if ready is None:
            message = self.message(parser)
            ready = self._frames[parser] = websocket.frame("4" + message if isinstance(message, str) else message)
        return ready
