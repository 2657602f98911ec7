"""The listener door: what a package does when an event was announced, once per event, in a Celery worker."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from core.call import Call
from core.model import Model


@dataclass(frozen=True)
class Listener:
    """One reaction to one kind of event.

    ``handler`` is ``async def verb_noun(call, event: Model) -> None``; what it writes through ``call.transaction()``
    commits together with the mark that the event is handled, so a repeat does nothing.
    """

    name: str
    """Unique and stable: ``package.handler``."""
    event: type[Model]
    handler: Callable[[Call, Any], Awaitable[None]]


class Listeners:
    """A package's listeners."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.items: list[Listener] = []

    def on(
        self, event: type[Model]
    ) -> Callable[[Callable[[Call, Any], Awaitable[None]]], Callable[[Call, Any], Awaitable[None]]]:
        """Register the decorated handler for ``event``."""

        def register(handler: Callable[[Call, Any], Awaitable[None]]) -> Callable[[Call, Any], Awaitable[None]]:
            if get_type_hints(handler)["event"] is not event:
                raise TypeError(f"{handler.__name__} takes another event than {event.__name__}")
            self.items.append(Listener(f"{self._tag}.{handler.__name__}", event, handler))
            return handler

        return register
