"""A session's summary, from its events; pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.model import UserId
from rooms import events
from rooms.events import RoomEvent
from rooms.models import DriverShare, Role, SessionSummary, TimelineEntry
from rooms.rows import SessionRow

TIMELINE_MAX = 2_000


@dataclass
class Story:
    """What is known while the events are told."""

    opened: events.SessionOpened | None = None
    ended_at: float | None = None
    names: dict[UserId, str] = field(default_factory=dict)
    inside: dict[UserId, Role] = field(default_factory=dict)
    seconds: dict[UserId, float] = field(default_factory=dict)
    turns: dict[UserId, int] = field(default_factory=dict)
    timeline: list[TimelineEntry] = field(default_factory=list)
    lights: int = 0
    greens: int = 0
    messages: int = 0
    driver: UserId | None = None
    since: float | None = None
    """Since when the driver's clock runs."""

    def tell(self, at: float, event: RoomEvent) -> None:
        """One more event, stored at ``at``."""
        match event:
            case events.SessionOpened():
                self.opened = event
                self.note(at, "opened", event.name)
            case events.SessionClosed():
                self.stop(at)
                self.ended_at = at
                self.note(at, "ended", event.reason)
            case events.PhaseChanged():
                self.note(at, "phase", event.phase)
            case events.PersonEntered() | events.PersonLeft() | events.PersonRemoved():
                self.tell_person(at, event)
            case events.TurnStarted() | events.RotationPaused() | events.RotationResumed() | events.RotationStopped():
                self.tell_turn(at, event)
            case events.ChatSent() if event.message.to is None:
                self.messages += 1
                self.note(at, "chat", event.message.text, person=event.message.name)
            case events.LightReported():
                self.tell_light(at, event)

    def tell_person(self, at: float, event: events.PersonEntered | events.PersonLeft | events.PersonRemoved) -> None:
        """Comings and goings; a lost connection that came back is neither."""
        if isinstance(event, events.PersonEntered):
            self.names[event.person_id] = event.name
            if event.person_id not in self.inside:
                self.note(at, "entered", person=event.name)
            self.inside[event.person_id] = event.role
        elif self.inside.pop(event.person_id, None) is not None:
            self.note(at, "left", person=self.names[event.person_id])

    def tell_turn(
        self,
        at: float,
        event: events.TurnStarted | events.RotationPaused | events.RotationResumed | events.RotationStopped,
    ) -> None:
        """The keyboard moves, and its clock."""
        self.stop(at)
        if isinstance(event, events.TurnStarted):
            self.driver = event.driver
            self.turns[event.driver] = self.turns.get(event.driver, 0) + 1
            self.note(at, "turn", event.reason, person=self.names.get(event.driver))
        if isinstance(event, events.RotationStopped):
            self.driver = None
        elif not isinstance(event, events.RotationPaused):
            self.since = at

    def tell_light(self, at: float, event: events.LightReported) -> None:
        """A test run."""
        light = event.light
        self.lights += 1
        self.greens += light.colour == "green"
        text = f"{light.passed} passed, {light.failed} failed"
        entry = TimelineEntry(
            at=at, kind="light", person=self.names.get(light.by), text=text, light_id=light.id, colour=light.colour
        )
        self.timeline.append(entry)

    def stop(self, at: float) -> None:
        """Count the driver's time until now."""
        if self.driver is not None and self.since is not None:
            self.seconds[self.driver] = self.seconds.get(self.driver, 0) + max(0.0, at - self.since)
        self.since = None

    def note(self, at: float, kind: str, text: str = "", *, person: str | None = None) -> None:
        """A line of the time line."""
        self.timeline.append(TimelineEntry.model_validate({"at": at, "kind": kind, "person": person, "text": text}))

    def shares(self) -> tuple[DriverShare, ...]:
        """Who drove how long, longest first."""
        found = [
            DriverShare(user_id=user_id, name=self.names.get(user_id, "?"), seconds=round(seconds, 3), turns=turns)
            for user_id, turns in self.turns.items()
            for seconds in [self.seconds.get(user_id, 0.0)]
        ]
        return tuple(sorted(found, key=lambda share: (-share.seconds, share.name)))


def summarise(session: SessionRow, told: Sequence[tuple[float, RoomEvent]], now: float) -> SessionSummary:
    """The summary of a session whose events are ``told`` with their times; of one that is held, until ``now``."""
    story = Story()
    for at, event in told:
        story.tell(at, event)
    if story.opened is None:
        raise ValueError("a session begins with being opened")
    if story.ended_at is None:
        story.stop(now)
    return SessionSummary(
        session_id=session.id,
        room_id=session.room_id,
        name=story.opened.name,
        kata=story.opened.kata,
        language=story.opened.language,
        started_at=story.opened.at,
        ended_at=story.ended_at,
        people=tuple(dict.fromkeys(story.names.values())),
        drivers=story.shares(),
        timeline=tuple(story.timeline[:TIMELINE_MAX]),
        lights=story.lights,
        greens=story.greens,
        messages=story.messages,
    )
