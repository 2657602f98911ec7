"""The worker process: Celery's main process with health and metrics, and children that run listeners and jobs."""

import ctypes
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from celery.signals import worker_ready
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.packages import installed
from app.processes import handlers_of, read_settings
from core.jobs import Queue
from core.outbox import Delivery
from core.process import Process, resources_of
from core.settings import CoreSettings

PR_SET_PDEATHSIG = 1


def worker(processes: int, host: str, port: int) -> int:
    """Run jobs and listeners until told to stop; the exit code."""
    settings = read_settings()
    ready = threading.Event()
    worker_ready.connect(lambda **_: ready.set(), weak=False)
    health = ThreadingHTTPServer((host, port), health_handler(ready))
    threading.Thread(target=health.serve_forever, name="health", daemon=True).start()
    child = Child(settings)
    Queue(settings.queue_url or settings.redis_url).work(child.open, child.close, processes=processes)
    health.shutdown()
    return 0


class Child:
    """What one child process holds: the clients of all packages, opened in its own event loop."""

    def __init__(self, settings: CoreSettings) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()

    async def open(self) -> Callable[[dict[str, Any]], Coroutine[Any, Any, None]]:
        """Open the clients; the function that handles one delivery."""
        die_with_main_process()
        packages = installed()
        resources = await self._stack.enter_async_context(resources_of(Process(self._settings, packages, frozenset())))
        handlers = handlers_of(packages)

        async def handle(delivery: dict[str, Any]) -> None:
            await handlers.deliver(resources, Delivery.model_validate(delivery))

        return handle

    async def close(self) -> None:
        """Close the clients."""
        await self._stack.aclose()


def die_with_main_process() -> None:
    """Celery's children outlive a main process that is killed, and keep its queue; ask the kernel to end them."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def health_handler(ready: threading.Event) -> type[BaseHTTPRequestHandler]:
    """Answers health and metrics; the metrics are the sum over the children."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/health/live":
                    self._answer(HTTPStatus.OK, b'{"status": "alive"}')
                case "/health/ready" if ready.is_set():
                    self._answer(HTTPStatus.OK, b'{"status": "ready"}')
                case "/health/ready":
                    self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b'{"status": "starting"}')
                case "/metrics":
                    registry = CollectorRegistry()
                    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library has no types here
                    self._answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST)
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"{}")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str = "application/json") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Probes are not worth a line."""

    return Handler
