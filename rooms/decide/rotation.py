"""Who drives: the order, the turns and their clock."""

import random
from collections.abc import Sequence
from typing import Literal

from core.model import UserId
from rooms import errors, events
from rooms.commands import AskKeyboard, ControlRotation, ExtendTurn, ReorderRotation, StartRotation
from rooms.decide.draft import Draft
from rooms.state import RoomState

TURN_MAX = 7200.0
"""Seconds that a turn may be extended to."""
ORDER_MAX = 500

Reason = Literal["start", "bell", "skip", "absent"]


def may_drive(state: RoomState, person_id: UserId | None) -> bool:
    """Whether the keyboard could go to them now; who looks away is still here."""
    person = state.people.get(person_id) if person_id is not None else None
    return person is not None and person.present and person.role != "spectator"


def start(draft: Draft, command: StartRotation) -> None:
    """Start the clock; a break ends with it."""
    draft.leader()
    state = draft.state
    if state.rotation.status != "idle":
        raise errors.RotationRunning
    arrivals = sorted(state.people.values(), key=lambda person: (person.joined_at, str(person.id)))
    asked = [person.id for person in arrivals] if command.order is None else list(dict.fromkeys(command.order))
    order = tuple(person_id for person_id in asked if may_drive(state, person_id))
    if not order:
        raise errors.NobodyToRotate
    to_code(draft)
    draft.add(events.RotationOrdered(order=order))
    begin_turn(draft, order, "start", command.turn_seconds or state.rotation.turn_seconds)


def control(draft: Draft, command: ControlRotation) -> None:
    """Pause, resume, stop, skip or shuffle; the driver may skip their own turn."""
    me = draft.me()
    driving = draft.state.rotation.driver == me.id
    if not me.leads and not (command.action == "skip" and driving):
        raise errors.HostsOnly
    if draft.state.rotation.status == "idle":
        raise errors.RotationNotRunning
    if command.action == "pause":
        pause(draft, me.id)
    elif command.action == "resume":
        to_code(draft)
        resume(draft)
    elif command.action == "stop":
        stop(draft, "host")
    elif command.action == "skip":
        move_on(draft, "skip")
    else:
        shuffle(draft)


def extend(draft: Draft, command: ExtendTurn) -> None:
    """Make the turn longer, to at most two hours left, or shorter, to at least nothing left."""
    draft.leader()
    rotation = draft.state.rotation
    if rotation.status == "running" and rotation.ends_at is not None:
        ends_at = min(max(rotation.ends_at + command.seconds, draft.now), draft.now + TURN_MAX)
        draft.add(events.TurnExtended(ends_at=ends_at, remaining=None))
    elif rotation.status == "paused" and rotation.remaining is not None:
        remaining = min(max(rotation.remaining + command.seconds, 0), TURN_MAX)
        draft.add(events.TurnExtended(ends_at=None, remaining=remaining))
    else:
        raise errors.RotationNotRunning


def reorder(draft: Draft, command: ReorderRotation) -> None:
    """Set the order; everybody in it is in the dojo and may drive when they are here."""
    draft.leader()
    if len(set(command.order)) != len(command.order):
        raise errors.NamedTwice
    for person_id in command.order:
        person = draft.person(person_id)
        if person.presence == "waiting":
            raise errors.UnknownPerson(f"{person.name} still waits at the door.")
        if person.role == "spectator":
            raise errors.OnlyWatching(f"{person.name} only watches.")
    if command.order != draft.state.rotation.order:
        draft.add(events.RotationOrdered(order=command.order))


def ask_keyboard(draft: Draft, _command: AskKeyboard) -> None:
    """Ask the driver for the keyboard, once in a turn."""
    me = draft.me()
    if me.role == "spectator":
        raise errors.OnlyWatching
    if draft.state.rotation.status == "idle":
        raise errors.RotationNotRunning("Everybody may type now.")
    if me.id != draft.state.rotation.driver and me.id not in draft.state.keyboard_asked:
        draft.add(events.KeyboardAsked(person_id=me.id))


def join(draft: Draft, person_id: UserId) -> None:
    """Who comes while the rotation runs drives last."""
    rotation = draft.state.rotation
    person = draft.state.people[person_id]
    if rotation.status == "idle" or person_id in rotation.order or person.role == "spectator":
        return
    if len(rotation.order) < ORDER_MAX:
        draft.add(events.RotationOrdered(order=(*rotation.order, person_id)))


def drop(draft: Draft, person_id: UserId) -> None:
    """Who only watches is not in the order."""
    order = draft.state.rotation.order
    if person_id in order:
        draft.add(events.RotationOrdered(order=tuple(other for other in order if other != person_id)))


def pause(draft: Draft, by: UserId | None) -> None:
    """Stop the clock, if it runs."""
    rotation = draft.state.rotation
    if rotation.status == "running" and rotation.ends_at is not None:
        draft.add(events.RotationPaused(remaining=max(0.0, rotation.ends_at - draft.now), by=by))


def resume(draft: Draft) -> None:
    """Let the clock go on, if it stands."""
    rotation = draft.state.rotation
    if rotation.status == "paused" and rotation.remaining is not None:
        draft.add(events.RotationResumed(ends_at=draft.now + rotation.remaining))


def stop(draft: Draft, reason: Literal["host", "nobody-here"]) -> None:
    """Everybody may type again."""
    draft.add(events.RotationStopped(lease_epoch=draft.state.lease.epoch + 1, reason=reason))


def shuffle(draft: Draft) -> None:
    """Shuffle those who are not driving."""
    rotation = draft.state.rotation
    others = [person_id for person_id in rotation.order if person_id != rotation.driver]
    random.Random(draft.seed).shuffle(others)
    driver = tuple(person_id for person_id in rotation.order if person_id == rotation.driver)
    draft.add(events.RotationOrdered(order=(*driver, *others)))


def to_code(draft: Draft) -> None:
    """End a break or a retro, because the clock is to run."""
    if draft.state.phase != "code":
        draft.add(events.PhaseChanged(phase="code", at=draft.now))


def bell(draft: Draft) -> None:
    """The keyboard moves when the turn is over."""
    rotation = draft.state.rotation
    if rotation.status == "running" and rotation.ends_at is not None and rotation.ends_at <= draft.now:
        move_on(draft, "bell")


def move_on(draft: Draft, reason: Reason) -> None:
    """The next who is here drives; a clock that stands goes on standing."""
    paused = draft.state.rotation.status == "paused"
    turn_seconds = draft.state.rotation.turn_seconds
    begin_turn(draft, following(draft), reason, turn_seconds)
    if paused and draft.state.rotation.status == "running":
        pause(draft, None)


def following(draft: Draft) -> Sequence[UserId]:
    """The order from the one after the driver to the driver; their former place counts if they are out of it now."""
    rotation = draft.state.rotation
    order = rotation.order
    if rotation.driver in order:
        place = order.index(rotation.driver) + 1
        return (*order[place:], *order[:place])
    former = draft.before.rotation.order
    if rotation.driver in former:
        place = former.index(rotation.driver) + 1
        line = (*former[place:], *former[:place])
        return [person_id for person_id in line if person_id in order]
    return order


def begin_turn(draft: Draft, line: Sequence[UserId], reason: Reason, turn_seconds: float) -> None:
    """Give the keyboard to the first of ``line`` who is here, or stop where nobody is."""
    here = [person_id for person_id in line if may_drive(draft.state, person_id)]
    if not here:
        stop(draft, "nobody-here")
        return
    driver = here[0]
    skipped = tuple(line[: list(line).index(driver)])
    draft.add(
        events.TurnStarted(
            turn=draft.state.rotation.turn + 1,
            driver=driver,
            navigator=here[1] if len(here) > 1 else None,
            lease_epoch=draft.state.lease.epoch + 1,
            ends_at=draft.now + turn_seconds,
            turn_seconds=turn_seconds,
            reason=reason,
            skipped=skipped,
        )
    )


def mend_rotation(draft: Draft) -> None:
    """A driver who left, or only watches now, loses the keyboard at once."""
    rotation = draft.state.rotation
    if rotation.status == "idle" or rotation.driver is None:
        return
    driver = draft.state.people.get(rotation.driver)
    if driver is None or not driver.seated or driver.role == "spectator":
        move_on(draft, "absent")
