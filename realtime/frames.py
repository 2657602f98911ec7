"""Events on the way out, encoded once: for each parser one packet, for each transport one frame, whoever many hear it."""

import json

from realtime import socketio, wsframes
from realtime.socketio import Parser


class Frame:
    """An event and its one argument, encoded at most once for each parser and transport."""

    __slots__ = ("_body", "_event", "_json", "_msgpack", "_packed")

    def __init__(self, event: str, body: str) -> None:
        self._event = event
        self._body = body
        """JSON text of the argument."""
        self._json: bytes | None = None
        self._msgpack: bytes | None = None
        """The frames, once they are made."""
        self._packed: str | bytes | None = None
        """The msgpack packet, likewise; that of JSON is only put together."""

    def message(self, parser: Parser) -> str | bytes:
        """The Socket.IO packet, as the data of one Engine.IO message."""
        if parser == "json":
            return f'{socketio.EVENT}["{self._event}",{self._body}]'
        if self._packed is None:
            self._packed = socketio.encode(parser, socketio.EVENT, data=[self._event, json.loads(self._body)])[0]
        return self._packed

    def frame(self, parser: Parser) -> bytes:
        """The same as a whole WebSocket frame, with its Engine.IO packet type (text only: binary has none)."""
        if parser == "json":
            if self._json is None:
                self._json = wsframes.frame(f'4{socketio.EVENT}["{self._event}",{self._body}]')
            return self._json
        if self._msgpack is None:
            self._msgpack = wsframes.frame(self.message(parser))
        return self._msgpack
