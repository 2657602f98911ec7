"""The channels that someone on this node hears: entries of their logs in the order of ``seq``, and passing signals.

The bus brings the newest entries, which are delivered at once where they follow what was delivered. Whatever leaves a
gap is read from the log; a slow look at the heads of all channels heals a hint that was lost. One reader serves all
channels, and reads again as soon as the former read returned, so its batches grow with the load.
"""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from core.bus import Bus
from core.db import Database
from core.errors import Unavailable
from core.eventlog import EVERYBODY, NO_LOG, Head, heads
from core.model import UserId
from core.sockets import Channel, LogHint, Signal, Told, decode_hint
from realtime import queries
from realtime.batches import Batches
from realtime.frames import Frame
from realtime.metrics import CHANNELS, DELIVERIES, DROPPED, RESUMES

log = structlog.get_logger()

PAGE = 200
STREAMS = 500
AGAIN = 0.5
HEADS = 5_000
EVENTS = DELIVERIES.labels("event")
SIGNALS = DELIVERIES.labels("signal")


class Listener(Protocol):
    """A socket or a shared document: hears channels."""

    @property
    def user_id(self) -> UserId | None:
        """Who it belongs to; None sees everything."""

    def hear(self, channel: Channel, entry: Told, frame: Frame) -> None:
        """An entry came; ``frame`` is what may be shown."""

    def pass_on(self, channel: Channel, frame: Frame) -> None:
        """A signal came."""

    def expelled(self, channel: Channel, entry: Told) -> None:
        """It does not hear the channel any more."""

    def restart(self, channel: Channel) -> None:
        """The channel's log is another one now: begin anew."""


class Feed:
    """One channel on this node."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._event = f"{channel.kind}:event"
        self.listeners: dict[Listener, int] = {}
        """Each with the number of the last entry before it came."""
        self.seq = 0
        self.epoch = 0
        self.unsubscribe: Callable[[], None] = lambda: None
        self.opening: asyncio.Future[None] | None = None

    @property
    def has_log(self) -> bool:
        """Whether there is a stream of the channel's id."""
        return self.epoch > 0

    def deliver(self, entry: Told) -> None:
        """Hand one entry to all listeners."""
        self.seq = entry.seq
        frame = Frame(self._event, entry.body)
        heard = 0
        if entry.audience is None and entry.expels is None:
            for listener, since in tuple(self.listeners.items()):
                if entry.seq > since:
                    try:
                        listener.hear(self.channel, entry, frame)
                        heard += 1
                    except Exception:  # of one listener, which must not keep it from the others
                        log.exception("hearing_failed", channel=self.channel.name())
        else:
            heard = self._deliver_to_some(entry, frame)
        EVENTS.inc(heard)

    def _deliver_to_some(self, entry: Told, frame: Frame) -> int:
        """Show an entry to its audience, its number to the others, and the door to who is put out."""
        hidden = Frame(self._event, self.channel.hidden(self.epoch, entry))
        heard = 0
        for listener, since in tuple(self.listeners.items()):
            if entry.seq <= since:
                continue
            shown = entry.audience is None or listener.user_id is None or listener.user_id in entry.audience
            is_put_out = listener.user_id is not None and entry.expels in (listener.user_id, EVERYBODY)
            if is_put_out:
                self.listeners.pop(listener, None)
            try:
                listener.hear(self.channel, entry, frame if shown else hidden)
                heard += 1
                if is_put_out:
                    listener.expelled(self.channel, entry)
            except Exception:  # of one listener, which must not keep it from the others
                log.exception("hearing_failed", channel=self.channel.name())
        return heard

    def signal(self, signal: Signal) -> None:
        """Hand a signal to those it is for."""
        frame = Frame(signal.event, signal.body)
        to = signal.to
        heard = [each for each in self.listeners if to is None or each.user_id in to]
        for listener in heard:
            listener.pass_on(self.channel, frame)
        SIGNALS.inc(len(heard))


class Channels:
    """All channels of this node."""

    def __init__(self, database: Database, bus: Bus, poll_interval: float) -> None:
        self._database = database
        self._bus = bus
        self._poll_interval = poll_interval
        self._feeds: dict[str, Feed] = {}
        self._opening = Batches(self._open, STREAMS)
        self._dirty: dict[str, Feed] = {}
        self._wake = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Channels"]:
        """Deliver while the block runs."""
        tasks = [asyncio.create_task(self._read(), name="channels"), asyncio.create_task(self._poll())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def join(self, channel: Channel, listener: Listener, entered: Head | None = None) -> Head:
        """Let ``listener`` hear the channel from now on: what is behind the answer, which is not before ``entered``.

        Raises:
            Unavailable: where its log stands cannot be read now.
        """
        feed = self._feeds.get(channel.name())
        if feed is None:
            feed = self._feeds[channel.name()] = Feed(channel)
            feed.unsubscribe = self._bus.subscribe(channel.name(), functools.partial(self._hinted, feed))
            feed.opening = self._opening.ask(feed)
            CHANNELS.set(len(self._feeds))
        if feed.opening is not None:
            try:
                await asyncio.shield(feed.opening)
            except BaseException:  # also when who asked has gone: nobody may come again
                self._close_unheard(feed)
                raise
        if self._feeds.get(channel.name()) is not feed:
            return await self.join(channel, listener, entered)
        seq = feed.seq
        if entered is not None and entered.epoch == feed.epoch:
            seq = feed.listeners[listener] = max(seq, entered.seq)
        feed.listeners.setdefault(listener, seq)
        return Head(seq, feed.epoch)

    def leave(self, channel: Channel, listener: Listener) -> None:
        """Let ``listener`` hear the channel no longer."""
        feed = self._feeds.get(channel.name())
        if feed is not None:
            feed.listeners.pop(listener, None)
            self._close_unheard(feed)

    def listeners(self, channel: Channel) -> tuple[Listener, ...]:
        """Who hears the channel here."""
        feed = self._feeds.get(channel.name())
        return () if feed is None else tuple(feed.listeners)

    async def _open(self, feeds: Sequence[Feed]) -> None:
        async with self._database.statements() as db:
            found = await heads(db, [feed.channel.id for feed in feeds])
        for feed in feeds:
            head = found.get(feed.channel.id)
            if head is not None:
                feed.seq, feed.epoch = head.seq, head.epoch
            feed.opening = None
            if feed.channel.name() in self._dirty:  # it grew while we asked
                self._wake.set()

    def _close_unheard(self, feed: Feed) -> None:
        if not feed.listeners and self._feeds.get(feed.channel.name()) is feed:
            del self._feeds[feed.channel.name()]
            self._dirty.pop(feed.channel.name(), None)
            feed.unsubscribe()
            CHANNELS.set(len(self._feeds))

    def _hinted(self, feed: Feed, message: LogHint | Signal | bytes) -> None:
        """A hint: as it is from this process, in bytes from another."""
        try:
            hint = decode_hint(message) if isinstance(message, bytes) else message
        except (ValueError, TypeError):  # another version's
            DROPPED.labels("unknown-hint").inc()
            return
        if isinstance(hint, Signal):
            feed.signal(hint)
        else:
            self._grown(feed, hint)

    def _grown(self, feed: Feed, hint: LogHint) -> None:
        """Deliver what follows at once; what leaves a gap, or belongs to another epoch, is read from the log."""
        if feed.opening is None and feed.epoch == hint.epoch:
            for entry in hint.entries:
                if entry.seq == feed.seq + 1:
                    feed.deliver(entry)
            self._close_unheard(feed)
        if hint.seq > feed.seq or feed.epoch != hint.epoch:
            self._mark(feed, "hint")

    def _mark(self, feed: Feed, cause: str) -> None:
        RESUMES.labels(cause).inc()
        self._soil(feed)

    def _soil(self, feed: Feed) -> None:
        """Have a channel read, unless it was closed meanwhile; a new feed may have its name by now."""
        if self._feeds.get(feed.channel.name()) is feed:
            self._dirty[feed.channel.name()] = feed
            self._wake.set()

    async def _read(self) -> None:
        """Read and deliver what is new, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._grown_ones():
                try:
                    await self._deliver(batch)
                except Unavailable:
                    for feed in batch.values():
                        self._soil(feed)
                    await asyncio.sleep(AGAIN)
                except Exception:
                    log.exception("delivery_failed", channels=len(batch))
                    await asyncio.sleep(AGAIN)

    def _grown_ones(self) -> dict[UUID, Feed]:
        """The next ones that are to be read; who is being opened comes after that."""
        opened = (feed for feed in self._dirty.values() if feed.opening is None)
        batch = {feed.channel.id: feed for feed in itertools.islice(opened, STREAMS)}
        for feed in batch.values():
            del self._dirty[feed.channel.name()]
        return batch

    async def _deliver(self, batch: dict[UUID, Feed]) -> None:
        wanted = [(feed.channel.tenant_id, feed.channel.id, feed.seq) for feed in batch.values()]
        async with self._database.system() as db:
            tails = await queries.tails(db, wanted, PAGE)
            silent = batch.keys() - {tail.stream_id for tail in tails}
            found = await heads(db, list(silent)) if silent else {}
        for stream_id in silent:
            feed, head = batch[stream_id], found.get(stream_id, NO_LOG)
            if feed.epoch != head.epoch:  # restored, and shorter than it was, or not there at all
                self._restart(feed, head.epoch, head.seq if feed.has_log else feed.seq)  # a log may begin just now
        counts: dict[UUID, int] = {}
        for stream_id, epoch, entry in tails:
            feed = batch[stream_id]
            if feed.epoch != epoch:
                self._restart(feed, epoch, entry.seq - 1)
            if entry.seq == feed.seq + 1:
                feed.deliver(feed.channel.told(epoch, entry))
            counts[stream_id] = counts.get(stream_id, 0) + 1
        for stream_id, feed in batch.items():
            if counts.get(stream_id) == PAGE:
                self._soil(feed)
            self._close_unheard(feed)

    @staticmethod
    def _restart(feed: Feed, epoch: int, seq: int) -> None:
        began = feed.has_log
        feed.epoch, feed.seq = epoch, seq
        if began:
            for listener in tuple(feed.listeners):
                listener.restart(feed.channel)

    async def _poll(self) -> None:
        """Look at the heads of all channels, for hints that were lost."""
        while True:
            await asyncio.sleep(self._poll_interval)
            feeds = {feed.channel.id: feed for feed in self._feeds.values() if feed.opening is None}
            ids = list(feeds)
            try:
                for start in range(0, len(ids), HEADS):
                    async with self._database.system() as db:
                        found = await heads(db, ids[start : start + HEADS])
                    for stream_id in ids[start : start + HEADS]:
                        feed, head = feeds[stream_id], found.get(stream_id, NO_LOG)
                        if head.seq > feed.seq or head.epoch != feed.epoch:
                            self._mark(feed, "poll")
            except Unavailable:
                continue
            except Exception:
                log.exception("poll_failed")
