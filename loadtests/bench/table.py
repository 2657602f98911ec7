"""What is printed: a table of each scenario, and beneath it the goals and whether they were reached."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from loadtests.bench.generator import Pairs, pooled, quantile
from loadtests.bench.hubs import Measured, Outcomes


class Goal(NamedTuple):
    """A bound on something measured."""

    what: str
    bound: float
    value: float
    at_least: bool = False

    def line(self) -> str:
        """The goal, what was measured, and the verdict."""
        sign, good = ("≥", self.value >= self.bound) if self.at_least else ("≤", self.value <= self.bound)
        verdict = "reached" if good else "NOT REACHED"
        return f"  goal: {self.what} {sign} {_plain(self.bound)}: {_plain(self.value)} – {verdict}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def heading(title: str) -> None:
    """The title of a scenario."""
    print(f"\n{title}", flush=True)


def goals(lines: Sequence[Goal]) -> None:
    """The goals of a scenario."""
    for goal in lines:
        print(goal.line(), flush=True)


def milliseconds(pairs: Pairs) -> str:
    """Three quantiles."""
    if not pairs:
        return "–"
    return " / ".join(f"{quantile(pairs, share):.2f}" for share in (0.5, 0.95, 0.99))


def cost(runs: Sequence[Measured]) -> float:
    """The median of the processor's microseconds for a delivery."""
    return statistics.median(run.per_delivery for run in runs)


def ratios(runs: Sequence[Measured], references: Sequence[Sequence[Measured]]) -> list[float]:
    """Round by round, the cost in relation to the best of the references."""
    best = [min(each.per_delivery for each in round_) for round_ in zip(*references, strict=True)]
    return [run.per_delivery / base for run, base in zip(runs, best, strict=True)]


def ratio(outcomes: Outcomes, name: str, references: Sequence[str]) -> float:
    """The median of the ratios."""
    return statistics.median(ratios(outcomes[name], [outcomes[each] for each in references]))


def delivery(outcomes: Outcomes, name: str, share: float) -> float:
    """A quantile of the times to delivery in milliseconds, of all rounds."""
    return quantile(pooled([each.run.deliveries for each in outcomes[name]]), share)


def ack(outcomes: Outcomes, name: str, share: float) -> float:
    """A quantile of the times to the acknowledgement."""
    return quantile(pooled([each.run.acks for each in outcomes[name]]), share)


def spread(values: Sequence[float]) -> str:
    """The median, and the least and the most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def show(outcomes: Outcomes, references: Sequence[str]) -> None:
    """One line for each server."""
    print(
        f"  {'server':<26} {'µs/delivery':>11} {'ratio (min–max)':>18} {'deliveries/s':>12} {'delivery p50/p95/p99 ms':>24}"
        f" {'ack p50/p95/p99 ms':>24} {'cores':>9}"
    )
    for name, runs in outcomes.items():
        against = spread(ratios(runs, [outcomes[each] for each in references])) if references else ""
        deliveries = milliseconds(pooled([each.run.deliveries for each in runs]))
        acks = milliseconds(pooled([each.run.acks for each in runs]))
        rate = statistics.median(each.rate for each in runs)
        cores = [statistics.median(share) * 100 for share in zip(*(each[2:4] for each in runs), strict=True)]
        print(
            f"  {name:<26} {cost(runs):>11.1f} {against:>18} {rate:>12,.0f} {deliveries:>24} {acks:>24}"
            f" {cores[0]:>4.0f}/{cores[1]:.0f}%",
            flush=True,
        )
        for fault in dict.fromkeys(fault for each in runs for fault in each.run.faults()):
            print(f"    FAULT: {fault}", flush=True)
        if runs[0].parts:
            parts = {part: statistics.median(each.parts[part] for each in runs) for part in runs[0].parts}
            words = ", ".join(f"{part} {spent:.0f}" for part, spent in parts.items() if spent >= 0.5)
            print(f"    processor of our parts for a message sent, µs: {words}", flush=True)
    generator = statistics.median(each.run.own_cpu / each.run.seconds for runs in outcomes.values() for each in runs)
    late = quantile(pooled([each.run.lateness for runs in outcomes.values() for each in runs]), 0.99)
    print(
        f"  (the generator used {generator:.0%} of its core and sent with a delay of {late:.2f} ms at p99)", flush=True
    )
