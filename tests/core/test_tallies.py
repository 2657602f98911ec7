"""Counters without a lock are shown as those with one."""

from prometheus_client import REGISTRY

from core.telemetry import Spread, Tallies


def test_tallies_are_shown_by_their_label() -> None:
    tallies = Tallies("dojo_test_tallies", "Of a test.", "kind")
    tallies.labels("a").inc()
    tallies.labels("a").inc(2)
    tallies.labels("b").value += 4
    shown = {kind: REGISTRY.get_sample_value("dojo_test_tallies_total", {"kind": kind}) for kind in ("a", "b")}
    REGISTRY.unregister(tallies)
    assert shown == {"a": 3, "b": 4}


def test_spread_is_shown_by_its_buckets() -> None:
    spread = Spread("dojo_test_spread", "Of a test.", (1, 5))
    for value in (0.5, 1, 3, 9):
        spread.observe(value)
    shown = {
        bound: REGISTRY.get_sample_value("dojo_test_spread_bucket", {"le": bound}) for bound in ("1.0", "5.0", "+Inf")
    }
    total = REGISTRY.get_sample_value("dojo_test_spread_sum")
    REGISTRY.unregister(spread)
    assert shown == {"1.0": 2, "5.0": 3, "+Inf": 4}
    assert total == 13.5
