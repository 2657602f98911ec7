"""What may happen in a dojo: pure decisions on its state. Each gives events in order, or raises a Problem."""

from rooms.decide.clock import GRACE, Timing, deadline, lose_connection, same_clock, tick
from rooms.decide.draft import Actor
from rooms.decide.session import OpenSession, change_settings, close_session, open_session
from rooms.decide.table import Command, decide

__all__ = [
    "GRACE",
    "Actor",
    "Command",
    "OpenSession",
    "Timing",
    "change_settings",
    "close_session",
    "deadline",
    "decide",
    "lose_connection",
    "open_session",
    "same_clock",
    "tick",
]
