"""Merging a document's updates in a child process: bounded, verified, and never where people are connected."""

import asyncio
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from realtime.history import History
from realtime.ysummary import UpdateSummary
from realtime.yupdate import WHOLE, InvalidUpdate, read_update

CHILD: Final = Path(__file__).with_name("replay_child.py")
LIMITS: Final = struct.Struct(">IQ")
LENGTH: Final = struct.Struct(">I")
DIGEST: Final = 32

Failure = Literal["timeout", "crashed", "unreadable", "pending", "contradiction"]


class ReplayFailed(Exception):
    """The updates were not merged; nothing is changed by it."""

    def __init__(self, reason: Failure) -> None:
        super().__init__(reason)
        self.reason = reason


class Merged(NamedTuple):
    """A document as one update."""

    state: bytes
    digest: bytes
    """Of all that can be seen in it."""
    summary: UpdateSummary


async def merge(updates: Sequence[bytes], history: History, *, seconds: int, memory: int) -> Merged:
    """Merge ``updates``, of which ``history`` is the strict reader's account.

    Args:
        seconds: processor time of the child; it is killed when twice as much has passed.
        memory: bytes of its address space.

    Raises:
        ReplayFailed: the child died; or what it says does not agree with itself or with ``history``, as when an update
            waits for another that never came.
    """
    words = b"".join([LIMITS.pack(seconds, memory), *(LENGTH.pack(len(each)) + each for each in updates)])
    said = await asyncio.to_thread(_run, words, seconds)
    first, second, state = said[:DIGEST], said[DIGEST : 2 * DIGEST], said[2 * DIGEST :]
    try:
        summary = read_update(state, WHOLE)
    except InvalidUpdate:
        raise ReplayFailed("unreadable") from None
    if not history.agrees(summary):
        raise ReplayFailed("pending")
    if first != second:
        raise ReplayFailed("contradiction")
    return Merged(state, first, summary)


def _run(words: bytes, seconds: int) -> bytes:
    command = (sys.executable, "-I", str(CHILD))
    try:
        run = subprocess.run(
            command, input=words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, timeout=2 * seconds,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ReplayFailed("timeout") from None
    if run.returncode != 0:
        raise ReplayFailed("crashed")
    return run.stdout
