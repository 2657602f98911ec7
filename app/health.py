"""Asks a process of ours, over HTTP on the loopback address, whether it takes work."""

import urllib.error
import urllib.request
from contextlib import suppress
from http import HTTPStatus


def is_healthy(port: int) -> bool:
    """Whether the process at ``port`` says that it is ready."""
    with (
        suppress(OSError, urllib.error.URLError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer,
    ):
        return bool(answer.status == HTTPStatus.OK)
    return False
