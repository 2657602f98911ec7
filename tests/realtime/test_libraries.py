"""What the gateway's wire relies on in aiohttp beyond its documented ways, pinned to the version that was read.

A new version fails here first: read how ``RequestHandler`` lets a connection go, then raise the number.
"""

import inspect
from importlib.metadata import version

from aiohttp import web, web_protocol


def test_version_is_the_one_that_was_read() -> None:
    assert version("aiohttp").startswith("3.14.")


def test_handler_keeps_what_came_behind_a_handshake_in_its_tail() -> None:
    """``handshake.accept`` hands it to the new protocol."""
    assert "_message_tail" in web_protocol.RequestHandler.__slots__
    source = inspect.getsource(web_protocol.RequestHandler.data_received)
    assert "self._message_tail = tail" in source
    assert "self._message_tail += data" in source


def test_handler_that_lost_its_transport_leaves_the_connection_open() -> None:
    """``handshake.accept`` takes the transport away before it tells the handler of the end."""
    assert "if self.transport is not None:" in inspect.getsource(web_protocol.RequestHandler.force_close)
    end = inspect.getsource(web_protocol.RequestHandler.start).rpartition("# remove handler")[2]
    assert "if not self._force_close:" in end
    assert isinstance(web.BaseRequest.protocol, property)
