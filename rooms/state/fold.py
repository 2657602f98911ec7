"""How each numbered event changes the state of a dojo: pure and total.

There is a twin in TypeScript (``web/src/rooms/state.ts``); the same golden files in ``tests/golden/rooms`` feed both.
"""

from functools import singledispatch

from core.model import UserId
from rooms import events
from rooms.events import RoomEvent
from rooms.state.model import CHAT_KEPT, LIGHTS_KEPT, Lease, Person, RoomState, Rotation


def evolve(state: RoomState, seq: int, event: RoomEvent) -> RoomState:
    """The state after ``event``, which has the number ``seq``. An event about someone unknown changes only ``seq``.

    What is decided is folded to be judged and, at once, to be stored: the step taken last is remembered.
    """
    step = latest.step
    if step is None or step[0] is not state or step[1] is not event or step[2].seq != seq:
        folded = after.registry.get(type(event), after)(event, state)  # without the price of its weak cache
        if folded is state:
            folded = state.replace(seq=seq)
        else:
            folded.__dict__["seq"] = seq  # it was made a moment ago, and is nobody's yet
        step = latest.step = (state, event, folded)
    return step[2]


class Latest:
    """The last step: a state, an event, and the state after it."""

    step: tuple[RoomState, RoomEvent, RoomState] | None = None


latest = Latest()


@singledispatch
def after(event: RoomEvent, _state: RoomState) -> RoomState:
    """The state after ``event``, but for its number: one handler by type of event, below."""
    raise TypeError(f"no handler for {type(event).__name__}")


# The session


@after.register
def session_opened(event: events.SessionOpened, state: RoomState) -> RoomState:
    """Everything starts anew, but for who is banned and the count of lease moves."""
    return RoomState(
        room_id=state.room_id,
        epoch=state.epoch,
        is_open=True,
        session_id=event.session_id,
        document_id=event.document_id,
        owner_id=event.owner_id,
        name=event.name,
        kata=event.kata,
        language=event.language,
        access=event.access,
        capacity=event.capacity,
        opened_at=event.at,
        opened_seq=state.seq + 1,
        banned=state.banned,
        rotation=Rotation(turn_seconds=event.turn_seconds),
        lease=Lease(epoch=state.lease.epoch),
        files=event.files,
        empty_since=event.at,
    )


@after.register
def session_closed(_event: events.SessionClosed, state: RoomState) -> RoomState:
    """Nobody is in it any more and nothing runs; what was said and shown stays to be looked at."""
    stayed = (person for person in state.people.values() if person.presence != "waiting")
    people = {person.id: person.replace(presence="gone", hand_at=None, lost_until=None) for person in stayed}
    return state.replace(
        is_open=False,
        people=people,
        rotation=stopped(state.rotation),
        lease=Lease(epoch=state.lease.epoch + 1),
        keyboard_asked=(),
        empty_since=None,
    )


@after.register
def phase_changed(event: events.PhaseChanged, state: RoomState) -> RoomState:
    """Pausing and resuming the rotation are events of their own."""
    return state.replace(phase=event.phase)


@after.register
def settings_changed(event: events.SettingsChanged, state: RoomState) -> RoomState:
    """The present turn keeps its end."""
    rotation = state.rotation.replace(turn_seconds=event.turn_seconds)
    return state.replace(name=event.name, access=event.access, capacity=event.capacity, rotation=rotation)


# People


@after.register
def person_knocked(event: events.PersonKnocked, state: RoomState) -> RoomState:
    """They wait; a role comes with entering."""
    person = Person(
        id=event.person_id,
        name=event.name,
        guest=event.guest,
        role="participant",
        presence="waiting",
        device=event.device,
        joined_at=event.at,
    )
    return state.replace(people={**state.people, person.id: person})


@after.register
def person_admitted(event: events.PersonAdmitted, state: RoomState) -> RoomState:
    """A seat is kept for them, as for someone who lost their connection."""
    if event.person_id not in state.people:
        return state
    changed = with_person(state, event.person_id, presence="reconnecting", lost_until=event.until)
    return changed.replace(empty_since=None)


@after.register
def person_denied(event: events.PersonDenied, state: RoomState) -> RoomState:
    """As if they had not knocked."""
    return without_person(state, event.person_id)


@after.register
def person_entered(event: events.PersonEntered, state: RoomState) -> RoomState:
    """Who was known keeps when they joined, and whether they may speak."""
    known = state.people.get(event.person_id)
    person = Person(
        id=event.person_id,
        name=event.name,
        guest=event.guest,
        role=event.role,
        presence="here",
        device=event.device,
        joined_at=event.at if known is None else known.joined_at,
        hand_at=None if known is None else known.hand_at,
        may_speak=known is None or known.may_speak,
    )
    return state.replace(people={**state.people, person.id: person}, empty_since=None)


@after.register
def person_lost(event: events.PersonLost, state: RoomState) -> RoomState:
    """The seat, the hand and the keyboard stay theirs."""
    return with_person(state, event.person_id, presence="reconnecting", lost_until=event.until)


@after.register
def person_left(event: events.PersonLeft, state: RoomState) -> RoomState:
    """They stay among the people so that their name is known; who only waited does not."""
    known = state.people.get(event.person_id)
    if known is None or known.presence == "waiting":
        return without_person(state, event.person_id)
    left = with_person(state, event.person_id, presence="gone", hand_at=None, lost_until=None)
    return perhaps_empty(let_go(left, event.person_id), event.at)


@after.register
def person_removed(event: events.PersonRemoved, state: RoomState) -> RoomState:
    """They are out of the people and of the rotation."""
    order = tuple(user_id for user_id in state.rotation.order if user_id != event.person_id)
    banned = (*state.banned, event.person_id) if event.banned and event.person_id not in state.banned else state.banned
    removed = let_go(without_person(state, event.person_id), event.person_id)
    removed = removed.replace(banned=banned, rotation=removed.rotation.replace(order=order))
    return perhaps_empty(removed, event.at)


@after.register
def away_changed(event: events.AwayChanged, state: RoomState) -> RoomState:
    """Only who is connected can look away."""
    known = state.people.get(event.person_id)
    if known is None or not known.present:
        return state
    return with_person(state, event.person_id, presence="away" if event.away else "here")


@after.register
def role_changed(event: events.RoleChanged, state: RoomState) -> RoomState:
    """The role is theirs until it is changed again."""
    return with_person(state, event.person_id, role=event.role)


@after.register
def hand_changed(event: events.HandChanged, state: RoomState) -> RoomState:
    """Hands are in the order of the time they went up."""
    return with_person(state, event.person_id, hand_at=event.at if event.raised else None)


@after.register
def speech_changed(event: events.SpeechChanged, state: RoomState) -> RoomState:
    """Media permissions follow this."""
    return with_person(state, event.person_id, may_speak=event.may_speak)


# The rotation


@after.register
def rotation_ordered(event: events.RotationOrdered, state: RoomState) -> RoomState:
    """The present turn stays."""
    return state.replace(rotation=state.rotation.replace(order=event.order))


@after.register
def turn_started(event: events.TurnStarted, state: RoomState) -> RoomState:
    """Driver, navigator and the right to type move in this one step."""
    rotation = Rotation(
        status="running",
        order=state.rotation.order,
        turn=event.turn,
        turn_seconds=event.turn_seconds,
        driver=event.driver,
        navigator=event.navigator,
        ends_at=event.ends_at,
    )
    lease = Lease(epoch=event.lease_epoch, holder=event.driver)
    return state.replace(rotation=rotation, lease=lease, keyboard_asked=())


@after.register
def rotation_paused(event: events.RotationPaused, state: RoomState) -> RoomState:
    """The driver keeps the keyboard."""
    rotation = state.rotation.replace(status="paused", ends_at=None, remaining=event.remaining)
    return state.replace(rotation=rotation)


@after.register
def rotation_resumed(event: events.RotationResumed, state: RoomState) -> RoomState:
    """The clock goes on."""
    rotation = state.rotation.replace(status="running", ends_at=event.ends_at, remaining=None)
    return state.replace(rotation=rotation)


@after.register
def turn_extended(event: events.TurnExtended, state: RoomState) -> RoomState:
    """``ends_at`` is of a running turn, ``remaining`` of a paused one."""
    rotation = state.rotation.replace(ends_at=event.ends_at, remaining=event.remaining)
    return state.replace(rotation=rotation)


@after.register
def rotation_stopped(event: events.RotationStopped, state: RoomState) -> RoomState:
    """Everybody may type."""
    return state.replace(rotation=stopped(state.rotation), lease=Lease(epoch=event.lease_epoch), keyboard_asked=())


@after.register
def keyboard_asked(event: events.KeyboardAsked, state: RoomState) -> RoomState:
    """Asked once in a turn is enough."""
    if event.person_id in state.keyboard_asked:
        return state
    return state.replace(keyboard_asked=(*state.keyboard_asked, event.person_id))


# What is made


@after.register
def chat_sent(event: events.ChatSent, state: RoomState) -> RoomState:
    """The log has all; the state, the last ones."""
    return state.replace(chat=(*state.chat[1 - CHAT_KEPT :], event.message))


@after.register
def light_reported(event: events.LightReported, state: RoomState) -> RoomState:
    """The log has all; the state, the last ones."""
    return state.replace(lights=(*state.lights[1 - LIGHTS_KEPT :], event.light))


@after.register
def file_added(event: events.FileAdded, state: RoomState) -> RoomState:
    """New files come last."""
    return state.replace(files=(*state.files, event.file))


@after.register
def file_renamed(event: events.FileRenamed, state: RoomState) -> RoomState:
    """It keeps its place and its text."""
    files = tuple(event.file if file.id == event.file.id else file for file in state.files)
    return state.replace(files=files)


@after.register
def file_removed(event: events.FileRemoved, state: RoomState) -> RoomState:
    """Its text stays in the document's history."""
    return state.replace(files=tuple(file for file in state.files if file.id != event.file_id))


# Small steps that several events share


def with_person(state: RoomState, person_id: UserId, **changes: object) -> RoomState:
    """``state`` with some of a person's fields changed, if they are known."""
    known = state.people.get(person_id)
    if known is None:
        return state
    return state.replace(people={**state.people, person_id: known.replace(**changes)})


def without_person(state: RoomState, person_id: UserId) -> RoomState:
    """``state`` as if the person were unknown."""
    return state.replace(people={key: value for key, value in state.people.items() if key != person_id})


def let_go(state: RoomState, person_id: UserId) -> RoomState:
    """``state`` without what someone who is no longer here was about to do; the driver's seat is moved by a turn."""
    asked = tuple(user_id for user_id in state.keyboard_asked if user_id != person_id)
    navigator = None if state.rotation.navigator == person_id else state.rotation.navigator
    rotation = state.rotation.replace(navigator=navigator)
    return state.replace(keyboard_asked=asked, rotation=rotation)


def perhaps_empty(state: RoomState, at: float) -> RoomState:
    """``state`` with the time since when nobody holds a seat, if that is so."""
    if not state.is_open or state.empty_since is not None or any(person.seated for person in state.people.values()):
        return state
    return state.replace(empty_since=at)


def stopped(rotation: Rotation) -> Rotation:
    """The rotation with nobody driving; order and count of turns stay."""
    return Rotation(order=rotation.order, turn=rotation.turn, turn_seconds=rotation.turn_seconds)
