"""The job door: work that takes longer than a request, run by Celery workers; the queue itself lives here.

A job is asked for with ``await tx.publish(TheInput(...))``: it exists only if that transaction committed. Celery on
Redis is the means of transport; the truth is the outbox row (``core/outbox.py``).
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, get_type_hints
from urllib.parse import quote

import celery
import structlog
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.call import Call
from core.errors import Unavailable
from core.model import Model
from core.redisplace import OnePlace, SentinelPlaces, queue_places

log = structlog.get_logger()

TASK = "dojo.deliver"
TIME_LIMIT = 300


@dataclass(frozen=True)
class Job:
    """One kind of long work: ``async def verb_noun(call, input: Model) -> None``."""

    name: str
    input: type[Model]
    handler: Callable[[Call, Any], Awaitable[None]]


class Jobs:
    """A package's jobs."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.items: list[Job] = []

    def on(
        self, kind: type[Model]
    ) -> Callable[[Callable[[Call, Any], Awaitable[None]]], Callable[[Call, Any], Awaitable[None]]]:
        """Register the decorated handler for the input ``kind``."""

        def register(handler: Callable[[Call, Any], Awaitable[None]]) -> Callable[[Call, Any], Awaitable[None]]:
            if get_type_hints(handler)["input"] is not kind:
                raise TypeError(f"{handler.__name__} takes another input than {kind.__name__}")
            self.items.append(Job(f"{self._tag}.{handler.__name__}", kind, handler))
            return handler

        return register


def broker_of(redis_url: str) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """An address in Celery's own words: its broker's URL, further options of the transport, and TLS, if any.

    Raises:
        ValueError: Celery cannot queue there.
    """
    found = queue_places(redis_url)
    if isinstance(found, SentinelPlaces):
        tls = found.tls_options if found.tls else None
        who = _sign_in(found.username, found.password)
        hosts = [f"sentinel://{who}{_bracketed(host)}:{port}/{found.db}" for host, port in found.hosts]
        once = {"socket_timeout": 2, "socket_connect_timeout": 2, "retry": Retry(NoBackoff(), 0)}
        asked = {**once, **found.sentinel_sign_in}
        return ";".join(hosts), {"master_name": found.service, "sentinel_kwargs": asked}, _verified(tls)
    return _one_broker(found)


def _one_broker(found: OnePlace) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    place = found.place
    who = _sign_in(place.username, place.password)
    if place.path is not None:
        return f"redis+socket://{who}{place.path}?virtual_host={found.db}", {}, None
    scheme, tls = ("rediss", found.tls_options) if place.tls else ("redis", None)
    return f"{scheme}://{who}{_bracketed(place.host)}:{place.port}/{found.db}", {}, _verified(tls)


def _sign_in(username: str | None, password: str | None) -> str:
    return "" if password is None else f"{quote(username or '', safe='')}:{quote(password, safe='')}@"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _verified(tls: dict[str, Any] | None) -> dict[str, Any] | None:
    """Unless the address says otherwise, the server must prove who it is; Celery itself would not ask."""
    return None if tls is None else {"ssl_cert_reqs": ssl.CERT_REQUIRED, **tls}


class Queue:
    """The Celery application over one Redis."""

    def __init__(self, redis_url: str) -> None:
        url, options, tls = broker_of(redis_url)
        self.celery = celery.Celery("dojo", broker=url)
        self.celery.conf.update(
            broker_use_ssl=tls,
            task_acks_late=True,
            task_reject_on_worker_lost=True,
            task_ignore_result=True,
            task_time_limit=TIME_LIMIT,
            worker_prefetch_multiplier=1,
            worker_hijack_root_logger=False,
            broker_connection_retry_on_startup=True,
            broker_transport_options={
                "visibility_timeout": TIME_LIMIT * 2,
                "socket_timeout": 5,
                "socket_connect_timeout": 2,
                **options,
            },
            task_publish_retry=False,
        )

    def send(self, delivery: Model) -> None:
        """Put one delivery into the queue; blocks for a round trip.

        Raises:
            Unavailable: Redis is not answering.
        """
        try:
            self.celery.send_task(TASK, args=[delivery.model_dump(mode="json")])
        except (OperationalError, OSError) as error:
            raise Unavailable("The queue is not answering.", retry_after=5) from error

    def work(
        self,
        start: Callable[[], Coroutine[Any, Any, Callable[[dict[str, Any]], Coroutine[Any, Any, None]]]],
        stop: Callable[[], Coroutine[Any, Any, None]],
        *,
        processes: int = 1,
    ) -> None:
        """Be a worker until told to stop.

        Args:
            start: run in each child's event loop; gives the coroutine function that handles one delivery.
            stop: run in the same loop at the child's end.
            processes: children, each with one delivery at a time.
        """
        child = _Child(start, stop)
        worker_process_init.connect(child.open, weak=False)
        worker_process_shutdown.connect(child.close, weak=False)
        setup_logging.connect(_keep_logging, weak=False)
        self.celery.task(name=TASK)(child.deliver)
        self.celery.worker_main(
            ["worker", "--loglevel=WARNING", f"--concurrency={processes}", "--without-gossip", "--without-mingle"]
        )


class _Child:
    """One worker process: an event loop that lives as long as the process."""

    def __init__(
        self,
        start: Callable[[], Coroutine[Any, Any, Callable[[dict[str, Any]], Coroutine[Any, Any, None]]]],
        stop: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._start = start
        self._stop = stop
        self._runner: asyncio.Runner | None = None
        self._handle: Callable[[dict[str, Any]], Coroutine[Any, Any, None]] | None = None

    def open(self, **_: Any) -> None:
        self._runner = asyncio.Runner()
        self._handle = self._runner.run(self._start())

    def close(self, **_: Any) -> None:
        if self._runner is not None:
            self._runner.run(self._stop())
            self._runner.close()

    def deliver(self, delivery: dict[str, Any]) -> None:
        """Handle one delivery; a failure is logged, and the relay sends it again in its time."""
        if self._runner is None or self._handle is None:
            raise RuntimeError("the worker process was not opened")
        try:
            self._runner.run(self._handle(delivery))
        except Exception:
            log.exception("delivery_failed", handler=delivery.get("handler"), id=delivery.get("id"))


def _keep_logging(**_: Any) -> None:
    """Celery leaves our logging as it is."""
