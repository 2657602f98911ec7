"""What a document remembers of everybody's awareness."""

from core.model import new_id
from realtime.awareness import KNOWN_KEPT, Presences, stamped


def test_clocks_of_a_bounded_number_of_clients_are_remembered() -> None:
    presences, state = Presences(), stamped({}, new_id(), "Ana")
    assert presences.hear([(0, 5, state)])
    assert not presences.hear([(0, 4, state)])
    for client in range(1, KNOWN_KEPT + 1):
        presences.hear([(client, 1, state)])
    assert presences.hear([(0, 4, state)])
