"""``docs/operations/bounds.md`` says what the gateway does: the numbers are those of the code."""

import re
from pathlib import Path

import pytest

from core import lines
from realtime import connection, sitting
from realtime.settings import RealtimeSettings
from rooms.log import PAGE as MISSED
from rooms.log import PAGE_TEXT
from rooms.state import model

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "bounds.md"
DEFAULTS = {name: field.default for name, field in RealtimeSettings.model_fields.items()}
SETTINGS = {
    "max_connections": "sockets of a gateway",
    "max_per_address": "sockets of an address",
    "max_per_person": "windows of a person",
    "handshakes_per_second": "handshakes of an address",
    "handshake_burst": "handshakes of an address",
    "connect_timeout": "time to say CONNECT",
    "ping_interval": "a client that answers no ping",
    "ping_timeout": "a client that answers no ping",
    "answer_timeout": "time of one answer",
    "max_packet": "packet; attachments",
    "max_update": "an update; all updates of a document",
    "max_document": "an update; all updates of a document",
    "max_backlog": "bytes that wait for a reader",
    "events_per_second": "events of a socket",
    "event_burst": "events of a socket",
    "sign_in_poll": "token expired; sign-in ended",
}
NO_BOUNDS = {
    "checkpoint_updates", "checkpoint_bytes", "replay_seconds", "replay_memory", "poll_interval", "beat_interval",
    "dead_after", "drain_spread",
}  # fmt: skip
"""How the gateway works, not what it takes of somebody."""
OTHERS = [
    ("time to send the head", lines.FIRST_WORDS),
    ("time to send the head", lines.SILENT_MAX),
    ("a connection without a further request", lines.IDLE),
    ("messages of an editor", sitting.MESSAGES_PER_SECOND),
    ("messages of an editor", sitting.MESSAGE_BURST),
    ("questions of an editor", sitting.ANSWER_PRICE),
    ("an update that brings what is known", sitting.REPEAT_PRICE),
    ("updates of a document on their way", sitting.MAX_PENDING),
    ("what was missed, in one answer", MISSED),
    ("what was missed, in one answer", PAGE_TEXT),
    ("what was missed, in one answer", model.SHOWN),
    ("a long answer to an editor", connection.ANSWER_MAX),
]


def shown(value: float) -> list[str]:
    """How a number may be written."""
    plain = f"{value:,.0f}"
    for size, unit in ((1_048_576, "MB"), (1_024, "kB")):
        if value >= size and value % size == 0:
            return [plain, f"{value // size:.0f} {unit}"]
    return [plain]


@pytest.mark.parametrize(("what", "value"), [*((row, DEFAULTS[name]) for name, row in SETTINGS.items()), *OTHERS])
def test_bound_is_as_documented(what: str, value: float) -> None:
    said = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {what}")).split("|")[2]
    assert any(re.search(rf"(?<![\d,]){each}(?![\d,]*\d)", said) for each in shown(value)), said


def test_every_setting_is_documented_or_no_bound() -> None:
    assert SETTINGS.keys() | NO_BOUNDS == RealtimeSettings.model_fields.keys()
