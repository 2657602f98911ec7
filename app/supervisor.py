"""Keeps the parts of an installation running, and ends all of them with itself.

A part that ends is started again after a pause that doubles up to ten seconds and is forgotten once the part
has run for half a minute. Every part is a process group of its own and dies with us, however we die (``leash.py``).
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from app.folder import Folder
from app.installation import Installation
from app.livekit_binary import VERSION, NoLiveKit, find, usable_go
from app.parts import Part, PartFailed, kill_group, never
from app.settings import InstallationSettings

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0
STEADY_AFTER = 30.0
ASK_EVERY = 0.05


class Keeper:
    """Runs one part until told to stop."""

    def __init__(self, part: Part, say: Callable[[str], None]) -> None:
        self.part = part
        self._say = say
        self._ready = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._task = asyncio.create_task(self._keep())

    async def ready(self) -> None:
        """Wait for the part's first readiness.

        Raises:
            PartFailed: it was not ready within its patience.
        """
        waiting = asyncio.create_task(self._ready.wait())
        done, _ = await asyncio.wait({waiting, self._task}, timeout=self.part.patience, return_when="FIRST_COMPLETED")
        waiting.cancel()
        if self._task in done:
            self._task.result()
        if waiting not in done:
            raise PartFailed(f"{self.part.name} did not start: see {self.part.log}")

    async def stop(self) -> None:
        """Ask the part to end, kill what is left of its group after its grace, and wait for it."""
        self._stopping = True
        self._task.cancel()
        process = self._process
        if process is not None:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(self.part.stop_signal)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.part.grace):
                        await process.wait()
            kill_group(process.pid, signal.SIGKILL)
            await process.wait()
        with suppress(asyncio.CancelledError):
            await self._task

    def kill(self) -> None:
        """End the part and its group without asking."""
        if self._process is not None:
            kill_group(self._process.pid, signal.SIGKILL)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping:
            started = time.monotonic()
            await self._run_once()
            if time.monotonic() - started > STEADY_AFTER:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run_once(self) -> None:
        try:
            await asyncio.to_thread(self.part.prepare)
            self._process = process = await launch(self.part)
        except (OSError, PartFailed) as error:
            self._say(f"{self.part.name}: {error}")
            return
        watching = asyncio.create_task(self._watch())
        try:
            code = await process.wait()
        finally:
            watching.cancel()
        kill_group(process.pid, signal.SIGKILL)
        if not self._stopping:
            self._say(f"{self.part.name} ended ({describe(code)}); starting it again, see {self.part.log}")

    async def _watch(self) -> None:
        while not await asyncio.to_thread(self.part.ready):
            await asyncio.sleep(ASK_EVERY)
        if self._ready.is_set():
            self._say(f"{self.part.name} is back")
        self._ready.set()


async def launch(part: Part) -> asyncio.subprocess.Process:
    """Start ``part`` from this thread, which must live as long as we do: the leash is tied to it."""
    log = part.open_log()
    try:
        return await asyncio.create_subprocess_exec(
            *part.argv(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=part.environ(),
            start_new_session=True,
        )
    finally:
        os.close(log)


async def run_to_end(part: Part) -> int:
    """The exit code of a program that ends by itself; it and its group are killed when we are cancelled."""
    process = await launch(part)
    try:
        return await process.wait()
    finally:
        kill_group(process.pid, signal.SIGKILL)


def describe(code: int) -> str:
    """A process's end in words."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


async def start_all(parts: Sequence[Part], kept: list[Keeper], say: Callable[[str], None]) -> None:
    """Start ``parts`` side by side and wait until all are ready; they are added to ``kept`` at once."""
    keepers = [Keeper(part, say) for part in parts]
    kept.extend(keepers)
    await asyncio.gather(*(keeper.ready() for keeper in keepers))


async def stop_all(kept: Sequence[Keeper]) -> None:
    """End our processes side by side, then the servers that they use."""
    servers = [keeper for keeper in kept if keeper.part.name in {"postgres", "redis", "livekit"}]
    ours = [keeper for keeper in kept if keeper not in servers]
    for keepers in (ours, servers):
        await asyncio.gather(*(keeper.stop() for keeper in keepers))


async def up(settings: InstallationSettings, folder: Folder, gateways: int, say: Callable[[str], None]) -> None:
    """Run everything until SIGINT, SIGTERM or SIGHUP; a second one kills what still stops."""
    kept: list[Keeper] = []
    asked = asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            for keeper in kept:
                keeper.kill()
        asked.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, ask)
    loop.add_signal_handler(signal.SIGTERM, ask)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks to stay when the terminal goes
        loop.add_signal_handler(signal.SIGHUP, ask)
    starting = asyncio.create_task(bring_up(settings, folder, gateways, kept, say))
    stopping = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when="FIRST_COMPLETED")
        if starting.done():
            say(f"ready: {starting.result()}   (Ctrl-C stops everything)")
            await stopping
        say("stopping")
    finally:
        starting.cancel()
        stopping.cancel()
        await asyncio.wait({starting, stopping})
        await stop_all(kept)
        folder.running.unlink(missing_ok=True)
    say("stopped")


async def bring_up(
    settings: InstallationSettings, folder: Folder, gateways: int, kept: list[Keeper], say: Callable[[str], None]
) -> str:
    """Start everything in its order; the address that people open."""
    program = await livekit_program(settings, folder, say)
    installation = Installation(settings, folder, gateways=gateways, program=program, say=say)
    servers = installation.servers()
    if servers:
        say("starting " + ", ".join(part.name for part in servers))
    await start_all(servers, kept, say)
    await asyncio.to_thread(installation.prepare_database)
    processes = installation.processes()
    say("starting " + ", ".join(part.name for part in processes))
    await start_all(processes, kept, say)
    installation.note()
    return installation.address


async def livekit_program(settings: InstallationSettings, folder: Folder, say: Callable[[str], None]) -> Path | None:
    """The LiveKit server to run, built if need be; None, after saying why, for an installation without one."""
    if settings.livekit_url is not None or not settings.livekit:
        return None
    try:
        return find(settings.livekit_server) or await build_livekit(folder, say)
    except NoLiveKit as error:
        say(f"no audio and video: {error}")
        return None


async def build_livekit(folder: Folder, say: Callable[[str], None]) -> Path | None:
    """Build the LiveKit server in a process that can be ended.

    Raises:
        NoLiveKit: there is no Go that is new enough, or the build failed.
    """
    usable_go()
    say(f"building the LiveKit server {VERSION} (about two minutes, once)")
    log = folder.logs / "livekit-build.log"
    if await run_to_end(Part("build", (sys.executable, "-m", "app", "livekit"), log, ready=never)) != 0:
        raise NoLiveKit(f"the build failed: see {log}")
    return find()
