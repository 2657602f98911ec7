"""The private parts of python-socketio and python-engineio that the gateway stands on.

A new version of either fails here first: read what changed, then raise the number.
"""

import inspect
from importlib.metadata import version

import engineio
import engineio.async_socket
import engineio.packet
import socketio

from realtime.gateway import Engine, Outbox, SocketServer


def test_versions_are_those_that_were_read() -> None:
    assert version("python-socketio").startswith("5.18.")
    assert version("python-engineio").startswith("4.15.")


def test_methods_that_the_gateway_replaces_are_still_called() -> None:
    for name in ("_engineio_server_class", "_handle_eio_connect", "_handle_eio_message", "_handle_eio_disconnect"):
        assert name in vars(SocketServer)
        assert hasattr(socketio.AsyncServer, name)
    for name in ("create_queue", "disconnect"):
        assert name in vars(Engine)
        assert hasattr(engineio.AsyncServer, name)


def test_socket_takes_its_queue_from_the_server_and_its_websocket_from_the_driver() -> None:
    source = inspect.getsource(engineio.async_socket.AsyncSocket)
    assert "self.server._async['websocket'](\n            self._websocket_handler, self.server)" in source
    assert "self.queue.get_nowait()" in source
    assert "self.queue = self.server.create_queue()" in inspect.getsource(engineio.base_socket.BaseSocket)
    assert isinstance(Engine(async_mode="aiohttp").create_queue(), Outbox)


def test_library_still_mixes_up_the_two_binary_forms() -> None:
    """Why the gateway has a packet of its own; when this fails, it need not."""
    packet = engineio.packet.Packet(engineio.packet.MESSAGE, b"\x01")
    assert packet.encode() == packet.encode(b64=True) == b"\x01"
