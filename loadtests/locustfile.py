"""What Locust runs: ``locust -f loadtests/locustfile.py`` with its own page, or ``make swarm`` without one.

Settings: ``SWARM_FOLDER`` takes what is kept, ``SWARM_ROOMS`` is the number of hosts, ``SWARM_SECONDS`` how long to go
on once everybody is in (0: until SIGUSR1).
"""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from loadtests.desk import SETTLE, Desk
from loadtests.people import Guest, Host, Person

__all__ = ["Guest", "Host"]

FOLDER = Path(os.environ.get("SWARM_FOLDER", ".dojo/swarm/by-hand"))
SECONDS = float(os.environ.get("SWARM_SECONDS", "0"))
ARRIVING = float(os.environ.get("SWARM_ARRIVING", "150"))
"""Seconds in which everybody must have come in."""
Host.fixed_count = int(os.environ.get("SWARM_ROOMS", "4"))


@events.test_start.add_listener
def begin(environment: Environment, **_: Any) -> None:
    """A new run: find the gateways, and end it in time."""
    desk = Person.desk = Desk(FOLDER, Host.fixed_count)
    host = environment.host.rstrip("/")
    desk.gateways = find_gateways(host)
    environment.stop_timeout = SETTLE + 15
    gevent.signal_handler(signal.SIGUSR1, environment.runner.quit)
    gevent.spawn(conduct, environment, desk)


def find_gateways(host: str) -> list[str]:
    """Where the gateways are, as the installation says."""
    import requests

    answer = requests.get(f"{host}/api/config", timeout=10)
    answer.raise_for_status()
    return list(answer.json()["gateways"]) or [host]


def conduct(environment: Environment, desk: Desk) -> None:
    """Say when everybody is in; where there is a time, end it then."""
    runner = environment.runner
    latest = time.monotonic() + ARRIVING
    while time.monotonic() < latest and (runner.state != "running" or desk.people_in < runner.target_user_count):
        gevent.sleep(0.1)
    (desk.folder / "in").write_text(str(desk.people_in))
    if SECONDS:
        gevent.sleep(SECONDS)
        environment.runner.quit()


@events.test_stopping.add_listener
def rest(**_: Any) -> None:
    """However it is stopped: nothing new from now on."""
    Person.desk.rest()


@events.quit.add_listener
def keep(**_: Any) -> None:
    """Nothing more is noted."""
    Person.desk.recorder.close()


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Keep the figures where the judge finds them."""
    environment.events.quit.add_listener(lambda **_: write_figures(environment))


def write_figures(environment: Environment) -> None:
    """The figures of each kind of request, and what went wrong."""
    runner, desk = environment.runner, Person.desk
    requests = [
        {
            "kind": entry.method,
            "name": entry.name,
            "count": entry.num_requests,
            "failures": entry.num_failures,
            "p50": entry.get_response_time_percentile(0.5),
            "p95": entry.get_response_time_percentile(0.95),
            "p99": entry.get_response_time_percentile(0.99),
        }
        for entry in environment.stats.entries.values()
    ]
    figures = {
        "wanted": runner.target_user_count,
        "came_in": desk.people_in,
        "rooms": [table.room_id for table in desk.tables],
        "requests": requests,
        "errors": [
            [error.method, error.name, str(error.error), error.occurrences]
            for error in environment.stats.errors.values()
        ],
        "exceptions": [each["traceback"] for each in runner.exceptions.values()],
    }
    (desk.folder / "figures.json").write_text(json.dumps(figures, indent=1))
