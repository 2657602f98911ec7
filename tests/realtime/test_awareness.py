"""What a document remembers of everybody's awareness, and what it believes."""

import json

import pytest

from core.model import new_id
from realtime.awareness import CHANGE_AFTER, KNOWN_KEPT, Presences, Said, stamped
from realtime.ysync import AwarenessEntry


def test_clocks_of_a_bounded_number_of_clients_are_remembered() -> None:
    presences, state = Presences(), stamped({}, new_id(), "Ana")
    assert presences.hear([(0, 5, state)])
    assert not presences.hear([(0, 4, state)])
    for client in range(1, KNOWN_KEPT + 1):
        presences.hear([(client, 1, state)])
    assert presences.hear([(0, 4, state)])


def shown(said: list[Said]) -> list[tuple[int, int | None]]:
    """Who is where, as it is passed on; None for who is gone."""
    states = [(client, json.loads(state)) for client, _, state in said]
    return [(client, state and state["at"]) for client, state in states]


def entries(*places: tuple[int, int]) -> list[AwarenessEntry]:
    """What clients say of where they are."""
    return [AwarenessEntry(client, 1, json.dumps({"at": at})) for client, at in places]


def test_last_own_entry_of_a_message_counts_and_the_others_are_not_passed_on() -> None:
    presences, ana, eve = Presences(), (new_id(), new_id(), "Ana"), (new_id(), new_id(), "Eve")
    assert shown(presences.say(*ana, entries((7, 1)))) == [(7, 1)]
    said = entries((7, 2), *((8, at) for at in range(900)), *((client, 3) for client in range(9, 99)))
    assert shown(presences.say(*eve, said)) == [(8, 899)]
    assert shown(presences.all()) == [(7, 1), (8, 899)]


def test_connection_does_not_go_from_one_client_id_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would be everybody's, and nobody would remember whose the others are."""
    presences, eve = Presences(), (new_id(), new_id(), "Eve")
    assert shown(presences.say(*eve, entries((1, 0)))) == [(1, 0)]
    assert not presences.say(*eve, entries((2, 0), (3, 0)))
    assert shown(presences.say(*eve, entries((2, 0), (1, 1)))) == [(1, 1)]
    monkeypatch.setattr("realtime.awareness.CHANGE_AFTER", -CHANGE_AFTER)
    assert shown(presences.say(*eve, entries((2, 0), (1, 2)))) == [(1, 2)]
    assert shown(presences.say(*eve, entries((2, 0), (3, 0)))) == [(1, None), (2, 0)]
