"""Counters without a lock are shown as those with one."""

from prometheus_client import REGISTRY

from core.telemetry import Tallies


def test_tallies_are_shown_by_their_label() -> None:
    tallies = Tallies("dojo_test_tallies", "Of a test.", "kind")
    tallies.labels("a").inc()
    tallies.labels("a").inc(2)
    tallies.labels("b").value += 4
    shown = {kind: REGISTRY.get_sample_value("dojo_test_tallies_total", {"kind": kind}) for kind in ("a", "b")}
    REGISTRY.unregister(tallies)
    assert shown == {"a": 3, "b": 4}
