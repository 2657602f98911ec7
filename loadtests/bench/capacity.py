"""The paper model of docs/operations/capacity.md, from the figures of the last ``make bench``.

``python -m loadtests.bench.capacity`` prints the tables of that page.
"""

import json
import math
import statistics
from dataclasses import dataclass, fields
from typing import Any

from loadtests.bench.peers import OURS, ROOT

REPORT = ROOT / "loadtests" / "reports" / "bench.json"
SIZES = (1_000, 100_000, 10_000_000)


@dataclass(frozen=True)
class Measured:
    """What the benchmark says of one core; the words are those of the page."""

    SIGNAL_US: float
    """Gateway, µs for one delivery of a signal, two nodes over Redis."""
    EVENT_US: float
    """Gateway, µs for one delivery of a stored event."""
    UPDATE_US: float
    """Gateway, µs for one delivery of a stored editor update."""
    JOIN_MS: float
    """Gateway, ms to connect, authenticate and join."""
    CONNECTION_KB: float
    """Gateway, memory of one connection in a room."""
    DOCUMENT_KB: float
    """Gateway, memory of one open document with five people."""
    PG_EVENT_US: float
    """PostgreSQL, µs for one stored event at 1,000 a second."""
    PG_UPDATE_US: float
    """PostgreSQL, µs for one stored update at 2,000 a second."""
    REDIS_US: float
    """Redis, µs for one message published to two gateways."""


ROOM = 6
SIGNALS, EVENTS, UPDATES = 5.0, 0.3, 3.0
STAY = 1_800.0
USE = 0.5
CORES = 16
PACKETS = 450_000
PACKETS_EACH = (ROOM - 1) * (50 + 60)
COPIES = ROOM
SPLIT = 0.01
BYTES_EVENT, BYTES_UPDATE = 400, 150


def measured(kept: dict[str, Any]) -> Measured:
    """The figures of a report."""

    def cost(name: str) -> float:
        return float(statistics.median(run["us_per_delivery"] for run in kept[name][OURS]))

    def part(name: str, of: str) -> float:
        return float(statistics.median(run["us_of_parts_per_message"].get(of, 0.0) for run in kept[name][OURS]))

    first = kept["joins"][OURS][0]
    return Measured(
        SIGNAL_US=cost("ephemeral-2"),
        EVENT_US=cost("durable"),
        UPDATE_US=cost("editor-steady"),
        JOIN_MS=first["cpu_ms"],
        CONNECTION_KB=first["kilobytes"],
        DOCUMENT_KB=kept["editor-memory"][OURS],
        PG_EVENT_US=part("durable", "postgres"),
        PG_UPDATE_US=part("editor-steady", "postgres"),
        REDIS_US=part("ephemeral-2", "redis"),
    )


@dataclass(frozen=True)
class Need:
    """Cores, or nodes where it says so, for one person; the tables multiply."""

    gateway: float
    redis: float
    redis_with_affinity: float
    postgres: float
    livekit_nodes: float
    disk: float
    """Bytes a second before compaction."""


def need(m: Measured) -> Need:
    """What one person costs."""
    signals, events = SIGNALS * ROOM * m.SIGNAL_US, EVENTS * ROOM * m.EVENT_US
    updates = UPDATES * (ROOM - 1) * m.UPDATE_US
    published = (SIGNALS + EVENTS + UPDATES) / ROOM
    copy = m.REDIS_US / 3
    return Need(
        gateway=((signals + events + updates) / ROOM / 1e6 + m.JOIN_MS / 1e3 / STAY) / USE,
        redis=published * copy * (1 + COPIES) / 1e6 / USE,
        redis_with_affinity=published * copy * (1 + SPLIT) / 1e6 / USE,
        postgres=(EVENTS * m.PG_EVENT_US + UPDATES * m.PG_UPDATE_US) / ROOM / 1e6 / USE,
        livekit_nodes=PACKETS_EACH / PACKETS,
        disk=(EVENTS * BYTES_EVENT + UPDATES * BYTES_UPDATE) / ROOM,
    )


def tables(m: Measured) -> str:
    """The tables of the page, in Markdown."""
    one = need(m)
    rows: list[tuple[str, list[float]]] = [
        ("rooms", [people / ROOM for people in SIZES]),
        ("gateways (one core each; one more for failure)", [math.ceil(people * one.gateway) + 1 for people in SIZES]),
        ("– their memory, GB", [people * (m.CONNECTION_KB + m.DOCUMENT_KB / ROOM) / 1e6 for people in SIZES]),
        ("Redis shards, people spread at random", [math.ceil(people * one.redis) for people in SIZES]),
        ("Redis shards, room affinity", [math.ceil(people * one.redis_with_affinity) for people in SIZES]),
        ("PostgreSQL cores for the log", [people * one.postgres for people in SIZES]),
        (f"– primaries of {CORES} cores", [math.ceil(people * one.postgres / CORES) for people in SIZES]),
        ("– disk before compaction, MB/s", [people * one.disk / 1e6 for people in SIZES]),
        (f"LiveKit nodes of {CORES} cores", [math.ceil(people * one.livekit_nodes) for people in SIZES]),
    ]
    lines = ["| name | value |", "|---|---|"]
    lines += [f"| `{field.name}` | {getattr(m, field.name):.1f} |" for field in fields(m)]
    lines += ["", "| people at once | " + " | ".join(f"{people:,}" for people in SIZES) + " |", "|---|---|---|---|"]
    lines += [f"| {name} | " + " | ".join(_shown(value) for value in values) + " |" for name, values in rows]
    ends = {
        "a LiveKit node": 1 / one.livekit_nodes,
        "a gateway": 1 / one.gateway,
        "one Redis, people spread at random": 1 / one.redis,
        f"one PostgreSQL of {CORES} cores": CORES / one.postgres,
        "one Redis, room affinity": 1 / one.redis_with_affinity,
    }
    lines += ["", "| is full with | people |", "|---|---|"]
    lines += [f"| {name} | {people:,.0f} |" for name, people in sorted(ends.items(), key=lambda end: end[1])]
    return "\n".join(lines)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


if __name__ == "__main__":
    print(tables(measured(json.loads(REPORT.read_text()))))
