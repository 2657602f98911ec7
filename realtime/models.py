"""Wire types of the gateway's own events, and what it believes of other packages' passes."""

from typing import Literal
from uuid import UUID

from core.model import Model, UserId


class RenewSession(Model):
    """A new access token of the same sign-in."""

    token: str


class Nothing(Model):
    """There is nothing to say."""


class Drain(Model):
    """This gateway stops: go to another of ``gateways`` within ``wait_ms`` milliseconds.

    They are as browsers reach them, this one among them; none means this address, behind which others answer.
    """

    wait_ms: int
    gateways: tuple[str, ...] = ()


class NodeStatus(Model):
    """While ``is_degraded``, what happens at other gateways comes here seconds late; nothing is lost."""

    is_degraded: bool


class Expelled(Model):
    """You are out of this room, in every window; ``left``: you said so in one of them."""

    room_id: UUID
    reason: Literal["removed", "banned", "left"]


class EditorGrant(Model):
    """What an editor pass says; the package that owns the document signed it."""

    tenant_id: UUID
    room_id: UUID
    document_id: UUID
    user_id: UserId
    sign_in_id: UUID
    name: str
    may_write: bool
    seq: int = 0
    """Where the room's log stood when this was true; 0 where the former version has not said so."""


class MakeCheckpoint(Model):
    """Merge a document's log up to now."""

    document_id: UUID
