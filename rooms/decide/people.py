"""Who is in: knocking, entering, leaving, roles, hands."""

from core.errors import Conflict, Forbidden
from core.model import UserId
from rooms import errors, events
from rooms.commands import (
    AdmitPeople,
    ChangeRole,
    DenyPerson,
    EnterRoom,
    LeaveRoom,
    RemovePerson,
    SetAway,
    SetHand,
    SetSpeech,
)
from rooms.decide import rotation
from rooms.decide.draft import Actor, Draft
from rooms.models import Device, Role
from rooms.state import Person, RoomState

ADMITTED_SEAT = 30.0
"""Seconds that a seat is kept for someone who was let in and has not come yet."""
LOBBY_MAX = 200


def enter(draft: Draft, command: EnterRoom) -> None:
    """Come in or knock. Members of the organisation go straight in, guests knock, the owner is host."""
    draft.require_open()
    actor = draft.actor
    if actor.user_id in draft.state.banned:
        raise errors.Banned
    known = draft.state.people.get(actor.user_id)
    if known is None:
        arrive(draft, command.device)
    elif known.presence == "away":
        draft.add(events.AwayChanged(person_id=known.id, away=False))
    elif known.presence in {"reconnecting", "gone"}:
        if known.presence == "gone":
            require_seat(draft.state, known.id)
        take_seat(draft, known.role, command.device)


def arrive(draft: Draft, device: Device) -> None:
    """Someone who is new to this session."""
    actor = draft.actor
    if not actor.guest:
        require_seat(draft.state, actor.user_id)
        take_seat(draft, "participant", device)
        rotation.join(draft, actor.user_id)
        return
    if draft.state.access != "link":
        raise errors.NotInvited
    if sum(person.presence == "waiting" for person in draft.state.people.values()) >= LOBBY_MAX:
        raise errors.LobbyFull
    draft.add(events.PersonKnocked(person_id=actor.user_id, name=actor.name, guest=True, device=device, at=draft.now))


def take_seat(draft: Draft, role: Role, device: Device) -> None:
    """The actor is in. Where nobody runs the dojo, an administrator does, or once its owner left the next member."""
    actor, state = draft.actor, draft.state
    if actor.user_id == state.owner_id:
        role = "host"
    elif role == "participant" and not led(state) and (actor.admin or may_inherit(state, actor)):
        role = "cohost"
    draft.add(
        events.PersonEntered(
            person_id=actor.user_id, name=actor.name, guest=actor.guest, role=role, device=device, at=draft.now
        )
    )


def may_inherit(state: RoomState, actor: Actor) -> bool:
    """Whether someone who enters may run a dojo that nobody runs: a member, once the owner was there and left."""
    return not actor.guest and state.owner_id in state.people


def seats_left(state: RoomState, person_id: UserId) -> int:
    """Seats that ``person_id`` could take; one is always kept for the owner."""
    taken = sum(person.seated for person in state.people.values() if person.id != person_id)
    owner = state.people.get(state.owner_id) if state.owner_id is not None else None
    kept = person_id != state.owner_id and state.owner_id is not None and not (owner is not None and owner.seated)
    return state.capacity - taken - kept


def require_seat(state: RoomState, person_id: UserId) -> None:
    """Refuse one person too many."""
    if seats_left(state, person_id) < 1:
        raise errors.RoomFull("Wait until somebody leaves, or ask the host for more seats.")


def led(state: RoomState) -> bool:
    """Whether somebody who holds a seat runs the dojo."""
    return any(person.seated and person.leads for person in state.people.values())


def leave(draft: Draft, _command: LeaveRoom) -> None:
    """Leave for good; leaving twice is leaving once."""
    draft.require_open()
    known = draft.state.people.get(draft.actor.user_id)
    if known is not None and known.presence != "gone":
        draft.add(events.PersonLeft(person_id=known.id, at=draft.now))


def admit(draft: Draft, command: AdmitPeople) -> None:
    """Let people in, first come first served while there are seats."""
    leader = draft.leader()
    waiting = [person for person in draft.state.people.values() if person.presence == "waiting"]
    if command.person_ids is not None:
        for person_id in command.person_ids:
            draft.person(person_id)
        waiting = [person for person in waiting if person.id in command.person_ids]
    for person in sorted(waiting, key=lambda person: person.joined_at):
        if seats_left(draft.state, person.id) < 1:
            if not draft.events:
                raise errors.RoomFull("Give the dojo more seats, or wait until somebody leaves.")
            return
        until = draft.now + ADMITTED_SEAT
        draft.add(events.PersonAdmitted(person_id=person.id, by=leader.id, until=until))
        rotation.join(draft, person.id)


def deny(draft: Draft, command: DenyPerson) -> None:
    """Do not let someone in."""
    leader = draft.leader()
    if draft.person(command.person_id).presence == "waiting":
        draft.add(events.PersonDenied(person_id=command.person_id, by=leader.id))


def change_role(draft: Draft, command: ChangeRole) -> None:
    """Give someone another role. Co-hosts cannot make or unmake hosts; somebody must stay in charge."""
    leader, person = draft.leader(), draft.person(command.person_id)
    if person.presence == "waiting":
        raise errors.NotAdmitted("Let them in first.")
    if person.id == draft.state.owner_id:
        raise errors.OwnerStays
    if leader.role == "cohost" and "host" in {person.role, command.role}:
        raise errors.HostsOnly("A co-host cannot make or unmake hosts.")
    if person.role == command.role:
        return
    draft.add(events.RoleChanged(person_id=person.id, role=command.role, by=leader.id))
    if not led(draft.state):
        raise errors.LastHost
    if command.role == "spectator":
        rotation.drop(draft, person.id)


def set_speech(draft: Draft, command: SetSpeech) -> None:
    """Take away, or give back, the right to be heard."""
    leader, person = draft.leader(), draft.person(command.person_id)
    require_below(draft, leader, person)
    if person.may_speak != command.may_speak:
        draft.add(events.SpeechChanged(person_id=person.id, may_speak=command.may_speak, by=leader.id))


def remove(draft: Draft, command: RemovePerson) -> None:
    """Remove someone who is in, waits, or was in; with ``ban`` for good."""
    leader = draft.leader()
    if command.person_id in draft.state.banned:
        return
    person = draft.person(command.person_id)
    if person.id == leader.id:
        raise Conflict("To go yourself, leave the dojo.")
    require_below(draft, leader, person)
    draft.add(events.PersonRemoved(person_id=person.id, by=leader.id, banned=command.ban, at=draft.now))


def require_below(draft: Draft, leader: Person, person: Person) -> None:
    """Refuse to act on the owner, or as a co-host on a host."""
    if person.id == draft.state.owner_id and person.id != leader.id:
        raise errors.OwnerStays
    if leader.role == "cohost" and person.role == "host":
        raise errors.HostsOnly("A co-host cannot do this to a host.")


def set_hand(draft: Draft, command: SetHand) -> None:
    """Raise or lower the own hand, or as a host lower another's."""
    me = draft.me()
    person = me if command.person_id in {None, me.id} else draft.person(command.person_id or me.id)
    if person.id != me.id:
        if not me.leads:
            raise errors.HostsOnly
        if command.raised:
            raise Forbidden("Only they can raise their hand.")
    if (person.hand_at is not None) != command.raised:
        draft.add(events.HandChanged(person_id=person.id, raised=command.raised, at=draft.now))


def set_away(draft: Draft, command: SetAway) -> None:
    """Look away from the page, or back."""
    me = draft.me()
    if me.present and (me.presence == "away") != command.away:
        draft.add(events.AwayChanged(person_id=me.id, away=command.away))


def mend_leadership(draft: Draft) -> None:
    """When the last person who ran the dojo left, the member who is here longest runs it."""
    if not draft.state.is_open or led(draft.state) or not led(draft.before):
        return
    heirs = [
        person
        for person in draft.state.people.values()
        if person.present and not person.guest and person.role == "participant"
    ]
    if not heirs:
        return
    last = next(person for person in draft.before.people.values() if person.seated and person.leads)
    heir = min(heirs, key=lambda person: (person.joined_at, str(person.id)))
    draft.add(events.RoleChanged(person_id=heir.id, role="cohost", by=last.id))
