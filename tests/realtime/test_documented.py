"""``docs/operations/bounds.md`` says what the gateway does: the numbers are those of the code."""

import re
from pathlib import Path

import pytest

from core import db, lines, logwriter, outgoing, redisline, routes, seal
from core.settings import CoreSettings
from realtime import (
    awareness,
    connection,
    editor,
    gateway,
    group,
    history,
    hub,
    lingering,
    sessions,
    signins,
    sitting,
    socketio,
    websocket,
    ysync,
)
from realtime.settings import RealtimeSettings
from rooms import live
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
    "max_update": "an update; a document",
    "max_document": "an update; a document",
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
    ("client ids of a document", group.MAX_CLIENTS),
    ("delete ranges of a document", group.MAX_DELETE_RANGES),
    ("documents that nobody reads", lingering.LINGER),
    ("documents that nobody reads", lingering.LINGER_BYTES),
    ("messages of an editor", sitting.MESSAGES_PER_SECOND),
    ("messages of an editor", sitting.MESSAGE_BURST),
    ("bytes of a message", sitting.COUNTED_ENTRIES),
    ("entries of a message that are believed", awareness.CHANGE_AFTER),
    ("an editor that is sent away", websocket.CLOSE_WAIT),
    ("an editor that answers no ping", editor.HEARTBEAT),
    ("WebSocket frames that are no", websocket.PIECES_PER_SECOND),
    ("WebSocket frames that are no", websocket.PIECES_BURST),
    ("awareness of a client", ysync.MAX_AWARENESS),
    ("awareness of a client", ysync.MAX_AWARENESS_ENTRIES),
    ("a long answer to an editor", history.ANSWER_BYTES),
    ("questions of an editor", sitting.ANSWER_PRICE),
    ("an update that brings what is known", sitting.REPEAT_PRICE),
    ("updates of a document on their way", sitting.MAX_PENDING),
    ("what was missed, in one answer", MISSED),
    ("what was missed, in one answer", PAGE_TEXT),
    ("what was missed, in one answer", model.SHOWN),
    ("a long answer to an editor", connection.ANSWER_MAX),
    ("the body of a request", routes.BODY_MAX),
    ("the body of a request", routes.BODY_TIME),
    ("time to say CONNECT", gateway.MAX_ATTEMPTS),
    ("a WebSocket beside polling", DEFAULTS["connect_timeout"]),
    ("packet; attachments", socketio.MAX_ATTACHMENTS),
    ("events of a socket", hub.MAX_REFUSALS),
    ("packets that wait for their answer", gateway.INBOX_FULL),
    ("packets that wait for their answer", gateway.INBOX_LOW),
    ("channels of a socket", sessions.MAX_CHANNELS),
    ("time of one statement", db.STATEMENT_TIMEOUT),
    ("time of one statement", CoreSettings.model_fields["database_timeout"].default),
    ("an editor whose kernel takes nothing", 2 * editor.HEARTBEAT),
    ("bytes that wait for a reader, for signals", sessions.SIGNAL_BACKLOG),
    ("bytes that wait for a reader, for signals", connection.AWARENESS_BACKLOG),
    ("what is held back behind an answer", sessions.MAX_HELD),
    ("awareness of a client", ysync.MAX_AWARENESS),
    ("awareness of a client", ysync.MAX_AWARENESS_ENTRIES),
    ("an update that brings what is known", history.COMPARED),
    ("entries on their way to the log", logwriter.PENDING_MAX),
    ("messages that wait for Redis", outgoing.QUEUE_MAX),
    ("messages that wait for Redis", outgoing.QUEUE_BYTES),
    ("messages that wait for Redis", outgoing.KEPT),
    ("bytes that Redis does not read", redisline.BUFFER_MAX),
    ("senders whose last number", seal.SENDERS_MAX),
    ("ended sign-ins that are remembered", signins.ENDED_KEPT),
    ("dojos held in memory", live.HELD_MAX),
]


BOUNDS = [*((row, DEFAULTS[name]) for name, row in SETTINGS.items()), *OTHERS]
BY_THE_BUS = ("token expired; sign-in ended", 1.0)
"""What the bus brings takes far less; no constant says so."""


def shown(value: float) -> list[str]:
    """How a number may be written."""
    plain = f"{value:,.0f}"
    for size, unit in ((1_048_576, "MB"), (1_024, "kB")):
        if value >= size and value % size == 0:
            return [plain, f"{value // size:.0f} {unit}"]
    return [plain]


@pytest.mark.parametrize(("what", "value"), BOUNDS)
def test_bound_is_as_documented(what: str, value: float) -> None:
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f"| {what}"))
    said = "|".join(row.split("|")[2:4])
    assert any(re.search(rf"(?<![\d,]){each}(?![\d,]*\d)", said) for each in shown(value)), said


def test_every_second_is_that_of_a_constant() -> None:
    for row in PAGE.read_text().splitlines():
        known = {f"{value:.0f}" for what, value in (*BOUNDS, BY_THE_BUS) if row.startswith(f"| {what}")}
        said = re.findall(r"([\d,]+) s\b", "|".join(row.split("|")[2:4]))
        assert set(said) <= known, row


def test_every_setting_is_documented_or_no_bound() -> None:
    assert SETTINGS.keys() | NO_BOUNDS == RealtimeSettings.model_fields.keys()
