"""Logs as JSON events with fields, and the numbers that every process shows at ``/metrics``."""

import asyncio
import logging
import sys

import structlog
from prometheus_client import Gauge, Histogram

REQUESTS = Histogram(
    "dojo_http_seconds",
    "Time in the server of one HTTP request, in seconds.",
    ["method", "route", "status"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
LOOP_LAG = Gauge("dojo_event_loop_lag_seconds", "How late the event loop woke up, in seconds.")
LAG_EVERY = 0.5


def configure_logs(*, json: bool) -> None:
    """Send all logs to standard error, one event a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if json else structlog.processors.StackInfoRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")


async def watch_loop() -> None:
    """Measure the event loop's lag, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        start = loop.time()
        await asyncio.sleep(LAG_EVERY)
        LOOP_LAG.set(max(0.0, loop.time() - start - LAG_EVERY))
