"""Rows that are nobody's wire body."""

from typing import Any
from uuid import UUID

from core.model import Model, TenantId
from rooms.models import Access, Colour, Language, RoomId, Session, SessionId, SessionSummary, SourceFile


class LinkedRoom(Model):
    """The dojo that a link leads to."""

    tenant_id: TenantId
    room_id: RoomId
    name: str
    organisation: str
    kata: str
    language: Language
    access: Access
    is_active: bool


class SessionPlace(Model):
    """Where a session belongs."""

    tenant_id: TenantId
    room_id: RoomId
    session_id: SessionId
    is_open: bool


class SessionRow(Session):
    """A session with the place of its events in the log."""

    document_id: UUID
    opened_seq: int


class Snapshot(Model):
    """A dojo's state at a number of its log."""

    seq: int
    state: dict[str, Any]


class LightRow(Model):
    """A test run's files, and who made them."""

    session_id: SessionId
    colour: Colour
    at: float
    authors: tuple[str, ...]
    files: tuple[SourceFile, ...]


class SummaryRow(Model):
    """A stored summary."""

    summary: SessionSummary
