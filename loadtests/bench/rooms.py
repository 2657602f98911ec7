"""The scenarios of rooms, with the goals that ``docs/operations/capacity.md`` gives."""

import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

from loadtests.bench import peers, table
from loadtests.bench.generator import Seat
from loadtests.bench.hubs import Bench, Load, Outcomes, alternated, measure
from loadtests.bench.machine import cpu_seconds, resident
from loadtests.bench.peers import HUBS, NODE_SOCKETIO, OURS, Server
from loadtests.bench.table import Goal

ADAPTED = tuple(peer for peer in HUBS if peer.needs_redis)
"""Those that know of other nodes."""
PEOPLE = 2_000


def against_node(outcomes: Outcomes, bound: float) -> Goal:
    """The cost of a delivery, socket.io's being 1."""
    return Goal("cost × socket.io", bound, table.ratio(outcomes, OURS, [NODE_SOCKETIO]))


def p99(outcomes: Outcomes, bound: float) -> Goal:
    """The slowest hundredth of the deliveries."""
    return Goal("delivery p99 ms", bound, table.delivery(outcomes, OURS, 0.99))


def _measured(bench: Bench, name: str, title: str, load: Load) -> Outcomes:
    table.heading(title)
    outcomes = measure(bench, load, name)
    table.show(outcomes, [NODE_SOCKETIO])
    bench.keep(name, outcomes)
    return outcomes


def ephemeral(bench: Bench) -> None:
    """Cursors and typing marks, one node and two."""
    title = "ephemeral: 200 rooms × 5, 5 messages/s each"
    one = _measured(bench, "ephemeral", f"{title}, one node", Load(rate=1000))
    table.goals([against_node(one, 0.45), p99(one, 1.0)])
    two = _measured(bench, "ephemeral-2", f"{title}, two nodes over Redis", Load(rate=1000, nodes=2, rivals=ADAPTED))
    table.goals([against_node(two, 0.50), p99(two, 1.5)])


def crowd(bench: Bench) -> None:
    """One room of 200."""
    found = _measured(bench, "crowd", "one room of 200, 25 messages/s", Load(rooms=1, people=200, rate=25))
    table.goals([against_node(found, 0.5)])


def flood(bench: Bench) -> None:
    """The same, saturated."""
    load = Load(rooms=1, people=200, senders=64)
    found = _measured(bench, "flood", "one room of 200, as fast as it goes (64 people, each one on the way)", load)
    table.goals([against_node(found, 0.28)])


def deflate(bench: Bench) -> None:
    """The same with clients like browsers."""
    load = Load(rooms=1, people=200, rate=25, deflate=True)
    found = _measured(bench, "deflate", "one room of 200, 25 messages/s, clients offer permessage-deflate", load)
    table.goals([against_node(found, 0.5)])


def durable(bench: Bench) -> None:
    """Chat: stored before it is acknowledged; nobody else stores anything."""
    title = "durable: 200 rooms × 5, chat, ours stored before the ack"
    found = _measured(bench, "durable", f"{title}, 1,000 events/s", Load(event="chat:send", rate=1000))
    table.goals(
        [
            against_node(found, 1.0),
            *(
                Goal(f"delivery p{share * 100:.0f} ms", bound, table.delivery(found, OURS, share))
                for share, bound in ((0.5, 1.5), (0.95, 3), (0.99, 6))
            ),
        ]
    )
    same_order(found)
    most = _measured(
        bench, "durable-most", f"{title}, as many as go (each person one on the way)", Load(event="chat:send")
    )
    events = statistics.median(each.run.sent / each.run.seconds for each in most[OURS])
    table.goals([Goal("events/s", 15_000, events, at_least=True)])
    same_order(most)


def same_order(outcomes: Outcomes) -> None:
    """What is stored has one order, for everybody."""
    differing = sum(each.run.differing for each in outcomes[OURS])
    print(f"  everybody heard the same order: {'yes' if not differing else f'no, {differing} did not'}")


def growth(bench: Bench) -> None:
    """The cost of a delivery as rooms become more."""
    costs: dict[str, list[float]] = {}
    for rooms in (50, 200, 800):
        load = Load(rooms=rooms, rate=5 * rooms, rivals=ADAPTED[:1])
        outcomes = _measured(bench, f"growth-{rooms}", f"growth: {rooms} rooms × 5, 5 messages/s each", load)
        for name, runs in outcomes.items():
            costs.setdefault(name, []).append(table.cost(runs))
    ours = costs[OURS]
    table.goals([Goal("dearest size × the cheapest", 1.15, max(ours) / min(ours))])
    table.goals([Goal("800 rooms × 50 rooms", 1.15, ours[-1] / ours[0])])


class Joined(NamedTuple):
    """What it took until everybody was in."""

    connect_cpu: float
    enter_cpu: float
    wall: float
    memory: int

    def kept(self) -> dict[str, float]:
        """As it is written down: for one person."""
        return {
            "cpu_ms": (self.connect_cpu + self.enter_cpu) / PEOPLE * 1e3,
            "connect_cpu_ms": self.connect_cpu / PEOPLE * 1e3,
            "kilobytes": self.memory / PEOPLE / 1e3,
            "wall_s": self.wall,
        }


def joins(bench: Bench) -> None:
    """Two thousand people come."""
    table.heading(f"{PEOPLE} people connect, authenticate and join, 5 to a room")
    bench.dojo.renew()
    with ExitStack() as stack:
        rivals = [stack.enter_context(peers.running(peer, bench.dojo.redis_url, bench.folder)) for peer in HUBS]
        servers = [bench.dojo.server(), *rivals]
        found: dict[str, list[Joined]] = {server.name: [] for server in servers}
        for server in servers:
            _join(bench, server, bench.seats(server, 10, 5))
        seats = {server.name: bench.seats(server, PEOPLE // 5, 5) for server in servers}
        for number in range(max(2, bench.rounds)):
            for server in alternated(servers, number):
                bench.quieten()
                found[server.name].append(_join(bench, server, seats[server.name]))
    _show_joins(bench, found)


def _join(bench: Bench, server: Server, seats: Sequence[Seat]) -> Joined:
    memory, cpu, start = resident(server.pids), cpu_seconds(server.pids), time.monotonic()
    with bench.generator.people("socketio", seats):
        connected = cpu_seconds(server.pids)
        bench.generator.answer("enter", parallel=32)
        wall, entered = time.monotonic() - start, cpu_seconds(server.pids)
        bench.quieten()
        memory = resident(server.pids) - memory
    bench.left(server, seats)
    return Joined(connected - cpu, entered - connected, wall, memory)


def _show_joins(bench: Bench, found: dict[str, list[Joined]]) -> None:
    """The first time, when rooms learn who is there, apart from later ones."""
    print(
        f"  {'server':<18} {'':<6} {'connect':>9} {'join':>9} {'both, CPU ms/person':>20} {'ratio':>18} {'wall s':>7} {'kB each':>8}"
    )
    totals: dict[tuple[str, str], list[float]] = {}
    for name, rounds in found.items():
        for when, chosen, base in (
            ("first", rounds[:1], found[NODE_SOCKETIO][:1]),
            ("again", rounds[1:], found[NODE_SOCKETIO][1:]),
        ):
            both = [each.connect_cpu + each.enter_cpu for each in chosen]
            against = [mine / (other.connect_cpu + other.enter_cpu) for mine, other in zip(both, base, strict=True)]
            totals[name, when] = against
            parts = [statistics.median(each[place] for each in chosen) / PEOPLE * 1e3 for place in (0, 1)]
            wall = statistics.median(each.wall for each in chosen)
            memory = f"{chosen[0].memory / PEOPLE / 1000:.1f}" if when == "first" else ""
            print(
                f"  {name:<18} {when:<6} {parts[0]:>9.3f} {parts[1]:>9.3f} {statistics.median(both) / PEOPLE * 1e3:>20.3f}"
                f" {table.spread(against):>18} {wall:>7.2f} {memory:>8}",
                flush=True,
            )
    table.goals(
        [
            Goal("time of a first join × socket.io", 0.7, statistics.median(totals[OURS, "first"])),
            Goal("time of a join × socket.io", 0.7, statistics.median(totals[OURS, "again"])),
            Goal("kB per connection", 16, found[OURS][0].memory / PEOPLE / 1000),
        ]
    )
    bench.kept["joins"] = {name: [each.kept() for each in rounds] for name, rounds in found.items()}
