"""The one entrance for people's commands."""

from collections.abc import Callable
from typing import Any

from rooms import commands
from rooms.decide import people, rotation, session, work
from rooms.decide.clock import settle
from rooms.decide.draft import Actor, Draft
from rooms.events import RoomEvent
from rooms.state import RoomState

Command = commands.InRoom

HANDLERS: dict[type[Command], Callable[[Draft, Any], None]] = {
    commands.EnterRoom: people.enter,
    commands.LeaveRoom: people.leave,
    commands.SetAway: people.set_away,
    commands.AdmitPeople: people.admit,
    commands.DenyPerson: people.deny,
    commands.ChangeRole: people.change_role,
    commands.SetSpeech: people.set_speech,
    commands.RemovePerson: people.remove,
    commands.SetHand: people.set_hand,
    commands.SendChat: work.send_chat,
    commands.ReportLight: work.report_light,
    commands.AddFile: work.add_file,
    commands.RenameFile: work.rename_file,
    commands.RemoveFile: work.remove_file,
    commands.StartRotation: rotation.start,
    commands.ControlRotation: rotation.control,
    commands.ExtendTurn: rotation.extend,
    commands.ReorderRotation: rotation.reorder,
    commands.AskKeyboard: rotation.ask_keyboard,
    commands.SetPhase: session.set_phase,
    commands.CloseSession: session.close,
}


def decide(state: RoomState, command: Command, actor: Actor, now: float, seed: int = 0) -> tuple[RoomEvent, ...]:
    """What ``command`` by ``actor`` leads to: events in order; none, where all is so already.

    Args:
        seed: random bits for a shuffle; the same arguments always give the same events.

    Raises:
        Problem: they may not, or it does not fit the state.
    """
    draft = Draft(state, actor, now, seed)
    HANDLERS[type(command)](draft, command)
    settle(draft)
    return tuple(draft.events)
