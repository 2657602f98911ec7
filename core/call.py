"""Who calls, and what a door may reach: the first argument of every door."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeVar
from uuid import UUID

from core.db import Database, Transaction
from core.errors import Forbidden, NotFound, Unauthenticated
from core.model import Instant, Model, TenantId, UserId

T = TypeVar("T")

AccountRole = Literal["owner", "admin", "host", "member", "guest"]


class Principal(Model):
    """Someone whose access token was verified."""

    tenant_id: TenantId
    user_id: UserId
    name: str
    role: AccountRole
    scopes: frozenset[str]
    sign_in_id: UUID
    bound_to: UUID | None = None
    """The one resource a guest may touch; none for everybody else."""
    expires_at: Instant

    def require(self, scope: str) -> None:
        """Refuse a caller without ``scope`` (``noun:action``).

        Raises:
            Forbidden: the token does not carry it.
        """
        if scope not in self.scopes:
            raise Forbidden(f"This needs the permission {scope}.")

    def require_reach(self, resource_id: UUID) -> None:
        """Refuse a guest who is bound to another resource; to them it does not exist."""
        if self.bound_to is not None and self.bound_to != resource_id:
            raise NotFound


class Resources:
    """The long-lived clients of one process, by their type."""

    def __init__(self) -> None:
        self._by_type: dict[type, Any] = {}

    def provide(self, kind: type[T], value: T) -> None:
        """Make ``value`` what ``get(kind)`` answers."""
        self._by_type[kind] = value

    def get(self, kind: type[T]) -> T:
        """The process's one ``kind``; asking for one that no lifespan provided is a programming error."""
        found: T = self._by_type[kind]
        return found

    def has(self, kind: type) -> bool:
        """Whether this process was given a ``kind``."""
        return kind in self._by_type


class Call:
    """One use of a door: the caller and the process's resources."""

    def __init__(self, resources: Resources, principal: Principal | None) -> None:
        self.resources = resources
        self.principal = principal

    @property
    def actor(self) -> Principal:
        """The verified caller.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.principal is None:
            raise Unauthenticated
        return self.principal

    def get(self, kind: type[T]) -> T:
        """The process's one ``kind``."""
        return self.resources.get(kind)

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A unit of work in the caller's tenant."""
        return self.get(Database).transaction(self.actor.tenant_id)


Clock = Callable[[], float]
"""Seconds since the Unix epoch."""
