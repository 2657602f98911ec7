"""Faults on purpose, at named points of the code; none is armed unless a setting says so.

A point costs the look at an empty dict::

    if failpoints.armed:
        await failpoints.reach("log.commit")
"""

import asyncio
import os
import signal
import time
from typing import Literal, NamedTuple, cast, get_args

import structlog

log = structlog.get_logger()

Point = Literal[
    "log.commit",
    "log.committed",
    "rooms.commit",
    "rooms.committed",
    "bus.send",
    "bus.receive",
    "outbox.dispatch",
    "outbox.dispatched",
    "document.append",
    "gateway.answered",
    "checkpoint.keep",
    "checkpoint.kept",
]
"""Each is before the step that it names; a past participle is after it."""
Action = Literal["crash", "error", "delay"]


class Fault(NamedTuple):
    """What happens at a point."""

    action: Action
    seconds: float
    once: bool
    passes: int = 0
    """Times that the point is passed before it happens."""


class Injected(ConnectionError):
    """The fault ``error``: to the code around it, a connection that broke."""


armed: dict[str, Fault] = {}


def arm(spec: str) -> None:
    """Arm what ``spec`` names and nothing else: ``point=crash,point=error,point=delay:0.2,point=once:crash``.

    A number behind the point is how often it is passed before: ``point+2=crash``.

    Raises:
        ValueError: there is no such point or fault.
    """
    faults = dict(_parsed(item) for item in spec.split(",") if item)
    armed.clear()
    armed.update(faults)
    if armed:
        log.warning("failpoints_armed", points=sorted(armed))


def _parsed(item: str) -> tuple[str, Fault]:
    where, _, words = item.strip().partition("=")
    point, _, passes = where.partition("+")
    once = words.startswith("once:")
    action, _, seconds = words.removeprefix("once:").partition(":")
    if point not in get_args(Point):
        raise ValueError(f"no such fail point: {point}")
    if action == "delay":
        return point, Fault("delay", float(seconds), once, int(passes or 0))
    if action in {"crash", "error"} and not seconds:
        return point, Fault(cast("Action", action), 0, once, int(passes or 0))
    raise ValueError(f"no such fault: {words}")


async def reach(point: Point) -> None:
    """Be at ``point``, where waiting is possible."""
    fault = _struck(point)
    if fault is not None:
        await asyncio.sleep(fault.seconds)


def pass_by(point: Point) -> None:
    """Be at ``point`` in code that cannot wait: a delay holds up the whole process."""
    fault = _struck(point)
    if fault is not None:
        time.sleep(fault.seconds)


def pass_behind(point: Point) -> None:
    """Be at ``point`` once all is sent that was written in this turn of the loop before."""
    asyncio.get_running_loop().call_soon(pass_by, point)


def _struck(point: Point) -> Fault | None:
    """The delay that is due, if any; other faults happen here."""
    fault = armed.get(point)
    if fault is None:
        return None
    if fault.passes:
        armed[point] = fault._replace(passes=fault.passes - 1)
        return None
    if fault.once:
        del armed[point]
    if fault.action == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.action == "error":
        raise Injected(point)
    return fault
