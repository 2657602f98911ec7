"""The stories whose golden files feed ``evolve`` and its TypeScript twin.

``python -m tests.rooms.golden`` writes ``tests/golden/rooms/*.json`` anew; look at the difference before keeping it.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from core.model import UserId
from rooms.events import RoomEvent, room_event
from rooms.models import RoomId
from rooms.state import RoomState, evolve

FOLDER = Path(__file__).parents[1] / "golden" / "rooms"


def uid(number: int) -> str:
    """A UUIDv7 that says which it is."""
    return f"01900000-0000-7000-8000-{number:012x}"


ROOM, SESSION, DOCUMENT, SESSION_2, DOCUMENT_2 = (uid(n) for n in range(1, 6))
ANA, BEA, CAI, DAN = (uid(n) for n in range(16, 20))
START = 1_790_000_000.0

Event = dict[str, Any]


def opened(**changes: Any) -> Event:
    """A session of FizzBuzz in Python, by Ana."""
    return {
        "kind": "session_opened", "session_id": SESSION, "document_id": DOCUMENT, "by": ANA, "owner_id": ANA,
        "name": "FizzBuzz on Friday", "kata": "fizzbuzz", "language": "python", "access": "link", "capacity": 30,
        "turn_seconds": 240, "at": START,
        "files": [{"id": "main", "name": "fizzbuzz.py"}, {"id": "test", "name": "test_fizzbuzz.py"}],
    } | changes  # fmt: skip


def knocked(person: str, name: str, at: float) -> Event:
    """A guest knocks."""
    return {"kind": "person_knocked", "person_id": person, "name": name, "guest": True, "device": "phone", "at": at}


def entered(person: str, name: str, role: str, at: float, **changes: Any) -> Event:
    """Someone comes in."""
    entry = {"kind": "person_entered", "person_id": person, "name": name, "guest": False, "role": role}
    return entry | {"device": "desktop", "at": at} | changes


def turn(number: int, driver: str, navigator: str | None, ends_at: float, reason: str, *skipped: str) -> Event:
    """The keyboard moves."""
    return {
        "kind": "turn_started", "turn": number, "driver": driver, "navigator": navigator, "lease_epoch": number,
        "ends_at": ends_at, "turn_seconds": 240, "reason": reason, "skipped": list(skipped),
    }  # fmt: skip


def chat(number: int, by: str, text: str, to: str | None = None) -> Event:
    """A line of chat."""
    message = {"id": uid(1000 + number), "by": by, "name": "Ana", "to": to, "text": text, "at": START + number}
    return {"kind": "chat_sent", "message": message}


def light(number: int, colour: str) -> Event:
    """A test run."""
    return {
        "kind": "light_reported",
        "light": {
            "id": uid(3000 + number), "colour": colour, "by": ANA, "at": START + number, "seconds": 0.25, "passed": 1,
            "failed": 2, "output": "FAILED test_fizzbuzz.py\n",
        },
    }  # fmt: skip


PEOPLE = [entered(ANA, "Ana", "host", START + 1), entered(BEA, "Bea", "participant", START + 2)]

STORIES: dict[str, list[Event]] = {
    "lobby": [
        opened(),
        entered(ANA, "Ana", "host", START + 1),
        knocked(BEA, "Bea", START + 2),
        knocked(CAI, "Caí", START + 3),
        knocked(DAN, "Dan", START + 4),
        {"kind": "person_admitted", "person_id": BEA, "by": ANA, "until": START + 35},
        {"kind": "person_denied", "person_id": CAI, "by": ANA},
        {"kind": "person_left", "person_id": DAN, "at": START + 6},
        entered(BEA, "Bea", "participant", START + 7, guest=True, device="phone"),
        {"kind": "person_admitted", "person_id": CAI, "by": ANA, "until": START + 40},
        {"kind": "person_denied", "person_id": CAI, "by": ANA},
    ],
    "presence": [
        opened(),
        *PEOPLE,
        {"kind": "away_changed", "person_id": BEA, "away": True},
        {"kind": "away_changed", "person_id": BEA, "away": False},
        {"kind": "hand_changed", "person_id": BEA, "raised": True, "at": START + 5},
        {"kind": "hand_changed", "person_id": ANA, "raised": True, "at": START + 6},
        {"kind": "hand_changed", "person_id": ANA, "raised": False, "at": START + 7},
        {"kind": "speech_changed", "person_id": BEA, "may_speak": False, "by": ANA},
        {"kind": "person_lost", "person_id": BEA, "until": START + 30},
        {"kind": "away_changed", "person_id": BEA, "away": True},
        entered(BEA, "Bea", "participant", START + 20),
        {"kind": "role_changed", "person_id": BEA, "role": "cohost", "by": ANA},
        {"kind": "person_left", "person_id": BEA, "at": START + 40},
        {"kind": "person_left", "person_id": ANA, "at": START + 50},
        {"kind": "person_left", "person_id": ANA, "at": START + 60},
        {"kind": "person_left", "person_id": DAN, "at": START + 61},
        entered(BEA, "Bea", "cohost", START + 70),
    ],
    "removal": [
        opened(),
        *PEOPLE,
        entered(CAI, "Caí", "participant", START + 3),
        {"kind": "rotation_ordered", "order": [ANA, BEA, CAI]},
        turn(1, ANA, BEA, START + 244, "start"),
        {"kind": "keyboard_asked", "person_id": BEA},
        {"kind": "person_removed", "person_id": BEA, "by": ANA, "banned": True, "at": START + 10},
        {"kind": "person_removed", "person_id": BEA, "by": ANA, "banned": True, "at": START + 11},
        {"kind": "person_removed", "person_id": CAI, "by": ANA, "banned": False, "at": START + 12},
        {"kind": "person_removed", "person_id": ANA, "by": ANA, "banned": False, "at": START + 13},
    ],
    "rotation": [
        opened(),
        *PEOPLE,
        entered(CAI, "Caí", "participant", START + 3),
        {"kind": "rotation_ordered", "order": [ANA, BEA, CAI]},
        turn(1, ANA, BEA, START + 244, "start"),
        {"kind": "keyboard_asked", "person_id": CAI},
        {"kind": "keyboard_asked", "person_id": BEA},
        {"kind": "keyboard_asked", "person_id": CAI},
        {"kind": "person_lost", "person_id": BEA, "until": START + 260},
        turn(2, CAI, ANA, START + 484, "bell", BEA),
        {"kind": "turn_extended", "ends_at": START + 544, "remaining": None},
        {"kind": "rotation_paused", "remaining": 100.5, "by": ANA},
        {"kind": "turn_extended", "ends_at": None, "remaining": 160.5},
        {"kind": "phase_changed", "phase": "break", "at": START + 450},
        {"kind": "phase_changed", "phase": "code", "at": START + 500},
        {"kind": "rotation_resumed", "ends_at": START + 660.5},
        {"kind": "person_left", "person_id": ANA, "at": START + 510},
        {"kind": "settings_changed", "name": "FizzBuzz", "access": "members", "capacity": 5, "turn_seconds": 120},
        turn(3, CAI, None, START + 700, "skip", ANA, BEA),
        {"kind": "rotation_stopped", "lease_epoch": 4, "reason": "host"},
    ],
    "files": [
        opened(),
        {"kind": "file_added", "file": {"id": "f1", "name": "helper.py"}, "by": ANA},
        {"kind": "file_renamed", "file": {"id": "test", "name": "test_all.py"}, "by": ANA},
        {"kind": "file_renamed", "file": {"id": "nope", "name": "nope.py"}, "by": ANA},
        {"kind": "file_removed", "file_id": "main", "by": ANA},
        {"kind": "file_removed", "file_id": "main", "by": ANA},
    ],
    "sessions": [
        opened(),
        *PEOPLE,
        knocked(CAI, "Caí", START + 3),
        {"kind": "hand_changed", "person_id": BEA, "raised": True, "at": START + 5},
        {"kind": "rotation_ordered", "order": [BEA, ANA]},
        turn(1, BEA, ANA, START + 244, "start"),
        chat(1, ANA, "hello"),
        light(1, "red"),
        {"kind": "person_removed", "person_id": CAI, "by": ANA, "banned": True, "at": START + 8},
        {"kind": "session_closed", "session_id": SESSION, "reason": "host", "at": START + 90},
        opened(session_id=SESSION_2, document_id=DOCUMENT_2, language="javascript", at=START + 9_000, by=BEA),
        entered(BEA, "Bea", "participant", START + 9_001),
        {"kind": "person_left", "person_id": BEA, "at": START + 9_010},
        {"kind": "session_closed", "session_id": SESSION_2, "reason": "empty", "at": START + 9_070},
    ],
    "chat_is_bounded": [opened(), chat(0, ANA, "psst", BEA), *(chat(n, ANA, f"line {n}") for n in range(1, 202))],
    "lights_are_bounded": [opened(), *(light(n, ["red", "amber", "green", "timeout"][n % 4]) for n in range(32))],
}
LONG = {"chat_is_bounded", "lights_are_bounded"}
"""Stories of which only the last state is kept."""


def initial() -> RoomState:
    """A dojo that was never held."""
    return RoomState(room_id=RoomId(UUID(ROOM)))


def fold(state: RoomState, events: list[tuple[int, RoomEvent]]) -> list[RoomState]:
    """The state after each event."""
    states = []
    for seq, event in events:
        state = evolve(state, seq, event)
        states.append(state)
    return states


def golden(name: str) -> dict[str, Any]:
    """The golden file of a story."""
    numbered = [(seq, room_event.validate_python(event, strict=False)) for seq, event in enumerate(STORIES[name], 1)]
    states = fold(initial(), numbered)
    return {
        "name": name,
        "initial": initial().model_dump(mode="json"),
        "events": [{"seq": seq, "event": event.model_dump(mode="json")} for seq, event in numbered],
        "states": [state.model_dump(mode="json") for state in (states[-1:] if name in LONG else states)],
    }


def main() -> None:
    """Write every golden file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in STORIES:
        text = json.dumps(golden(name), ensure_ascii=False, indent=1, sort_keys=True)
        (FOLDER / f"{name}.json").write_text(text + "\n")


def person(value: str) -> UserId:
    """An id of the stories as the code has it."""
    return UserId(UUID(value))


if __name__ == "__main__":
    main()
