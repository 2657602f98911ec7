"""The history checker over what people without a browser noted."""

import asyncio
from collections.abc import Sequence

from loadtests.facts import Acked, Fact
from loadtests.history import check
from loadtests.stored import read_stored
from tests.realtime.conftest import until
from tests.scenarios.programs import Player
from tests.scenarios.typist import Typist

PATIENCE = 30.0


async def judge(admin_url: str, players: Sequence[Player], typists: Sequence[Typist] = ()) -> None:
    """Wait until everybody is back and has heard of all, and compare what they noted with the log.

    All of them are in one room, and stayed to the end.
    """
    newest = max(fact.seq for player in players for fact in player.facts if isinstance(fact, Acked))
    for player in players:
        await player.enter()

    def is_quiet() -> bool:
        seen = [player.stays(*players) for player in players]
        return len({each.seq for each in seen}) == 1 and all(
            each.seq >= newest and len(each.here) == len(players) for each in seen
        )

    await until(is_quiet, PATIENCE)
    facts: list[Fact] = [fact for typist in typists for fact in typist.facts]
    for player in players:
        facts += [*player.facts, player.stays(*players)]
    stored = await asyncio.to_thread(read_stored, admin_url, [players[0].room_id])
    assert check(facts, stored) == []
