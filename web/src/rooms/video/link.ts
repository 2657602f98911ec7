/**
 * The line to LiveKit: joins with a fresh token, comes back by itself, and tells the screen.
 *
 * LiveKit hands a connected client refreshed tokens; only a new connection needs a new one of ours.
 */

import type { Room } from "livekit-client";
import type { MediaToken } from "../../wire.gen";
import { problemOf, type DeviceProblem } from "./capture";
import { readChoices, writeChoices } from "./choices";
import { EMPTY_VIEW, viewOf, type MediaStatus, type MediaView } from "./view";

type LiveKit = typeof import("livekit-client");
type Source = "microphone" | "camera";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;
const NO_MEDIA_WAIT_MS = 30_000;
const GATHER_MS = 30;

const wait = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = window.setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      resolve();
    });
  });

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "unreachable";

/** One person's audio and video in one dojo, from `start` to `stop`. */
export class MediaLink {
  private room: Room | null = null;
  private kit: LiveKit | null = null;
  private view: MediaView = EMPTY_VIEW;
  private status: MediaStatus = "connecting";
  private busy = new Set<Source>();
  private problems: Record<Source, DeviceProblem | null> = { microphone: null, camera: null };
  private readonly listeners = new Set<() => void>();
  private readonly life = new AbortController();
  private gathering: number | null = null;

  constructor(private readonly askToken: () => Promise<MediaToken>) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly look = (): MediaView => this.view;

  /** Keep a connection until stopped; each failure waits longer, and never gives up. */
  async start(): Promise<void> {
    let ms = FIRST_WAIT_MS;
    while (this.goesOn()) {
      try {
        await this.connect();
        ms = FIRST_WAIT_MS;
        await this.untilDisconnected();
      } catch (error) {
        this.fail(codeOf(error));
        ms = codeOf(error) === "no-media" ? NO_MEDIA_WAIT_MS : Math.min(ms * 2, LONGEST_WAIT_MS);
      }
      if (this.goesOn()) await wait(ms, this.life.signal);
    }
  }

  private goesOn(): boolean {
    return !this.life.signal.aborted && this.status !== "elsewhere";
  }

  stop(): void {
    this.life.abort();
    if (this.gathering !== null) window.clearTimeout(this.gathering);
    void this.room?.disconnect();
    this.room = null;
  }

  /** Take audio and video back from another tab. */
  takeBack(): void {
    this.setStatus("connecting");
    void this.start();
  }

  /** Turn the microphone or camera on or off, and remember it. */
  async switchOn(source: Source, on: boolean): Promise<void> {
    writeChoices({ [source]: on });
    await this.publish(source, on);
  }

  /** Use another device from now on; for the speaker nothing is published. */
  async choose(kind: "microphone" | "camera" | "speaker", id: string): Promise<void> {
    writeChoices({ [`${kind}Id`]: id });
    const kinds = { microphone: "audioinput", camera: "videoinput", speaker: "audiooutput" } as const;
    try {
      await this.room?.switchActiveDevice(kinds[kind], id);
    } catch (error) {
      if (kind !== "speaker") this.problems[kind] = problemOf(error);
    }
    this.gather();
  }

  /** Share a screen, in addition to those already shared. Closing the browser's own question shares nothing. */
  async shareScreen(): Promise<void> {
    const me = this.room?.localParticipant;
    if (me === undefined) return;
    try {
      const tracks = await me.createScreenTracks({ audio: true });
      for (const track of tracks) await me.publishTrack(track);
    } catch (error) {
      if (problemOf(error) !== "refused") throw error;
    }
    this.gather();
  }

  /** Stop one shared screen, or all of one's own. */
  async stopScreens(id?: string): Promise<void> {
    const me = this.room?.localParticipant;
    if (me === undefined) return;
    for (const publication of [...me.trackPublications.values()]) {
      const isScreen = publication.source.startsWith("screen_share");
      const asked = id === undefined || publication.trackSid === id;
      if (isScreen && asked && publication.track !== undefined) await me.unpublishTrack(publication.track, true);
    }
    this.gather();
  }

  /** Sound was held back by the browser until a click: this is the click. */
  async hear(): Promise<void> {
    await this.room?.startAudio();
    this.gather();
  }

  private async connect(): Promise<void> {
    const token = await this.askToken();
    const kit = (this.kit ??= await import("livekit-client"));
    kit.setLogLevel("warn");
    const room = new kit.Room({ adaptiveStream: true, dynacast: true });
    this.listen(kit, room);
    await room.connect(token.url, token.token);
    if (this.life.signal.aborted) {
      await room.disconnect();
      return;
    }
    this.room = room;
    this.setStatus("on");
    const choices = readChoices();
    if (choices.speakerId !== null) await this.choose("speaker", choices.speakerId);
    // each by itself: one that fails must not hold the other back
    void this.publish("microphone", choices.microphone);
    void this.publish("camera", choices.camera);
  }

  private async publish(source: Source, on: boolean): Promise<void> {
    const me = this.room?.localParticipant;
    if (me === undefined || this.busy.has(source)) return;
    const choices = readChoices();
    this.busy.add(source);
    this.problems[source] = null;
    this.gather();
    try {
      if (source === "microphone") await me.setMicrophoneEnabled(on, deviceOption(choices.microphoneId));
      else await me.setCameraEnabled(on, deviceOption(choices.cameraId));
    } catch (error) {
      // without the right to publish the words are about the right, not about the device
      if (me.permissions?.canPublish !== false) this.problems[source] = problemOf(error);
    } finally {
      this.busy.delete(source);
      this.gather();
    }
  }

  private untilDisconnected(): Promise<void> {
    const { room, kit } = this;
    return new Promise((resolve) => {
      if (room === null || kit === null) return resolve();
      room.once(kit.RoomEvent.Disconnected, (reason) => {
        this.room = null;
        if (reason === kit.DisconnectReason.DUPLICATE_IDENTITY) this.setStatus("elsewhere");
        else if (!this.life.signal.aborted) this.setStatus("reconnecting");
        resolve();
      });
    });
  }

  private listen(kit: LiveKit, room: Room): void {
    const { RoomEvent } = kit;
    const changes = [
      RoomEvent.ParticipantConnected,
      RoomEvent.ParticipantDisconnected,
      RoomEvent.TrackSubscribed,
      RoomEvent.TrackUnsubscribed,
      RoomEvent.TrackPublished,
      RoomEvent.TrackUnpublished,
      RoomEvent.TrackMuted,
      RoomEvent.TrackUnmuted,
      RoomEvent.LocalTrackPublished,
      RoomEvent.LocalTrackUnpublished,
      RoomEvent.ActiveSpeakersChanged,
      RoomEvent.ConnectionQualityChanged,
      RoomEvent.AudioPlaybackStatusChanged,
      RoomEvent.ParticipantPermissionsChanged,
      RoomEvent.ParticipantNameChanged,
      RoomEvent.MediaDevicesChanged,
    ] as const;
    for (const change of changes) room.on(change, this.gather);
    room.on(RoomEvent.SignalReconnecting, () => this.setStatus("reconnecting"));
    room.on(RoomEvent.Reconnecting, () => this.setStatus("reconnecting"));
    room.on(RoomEvent.Reconnected, () => this.setStatus("on"));
  }

  private fail(reason: string): void {
    this.room = null;
    this.status = "off";
    this.show({ ...EMPTY_VIEW, status: "off", reason });
  }

  private setStatus(status: MediaStatus): void {
    this.status = status;
    if (this.room === null) this.show({ ...EMPTY_VIEW, status });
    else this.gather();
  }

  /** Events come in bursts: the screen hears of a burst once. */
  private readonly gather = (): void => {
    if (this.gathering !== null) return;
    this.gathering = window.setTimeout(() => {
      this.gathering = null;
      if (this.room !== null) this.show(viewOf(this.room, this.status, { busy: this.busy, ...this.problems }));
    }, GATHER_MS);
  };

  private show(view: MediaView): void {
    this.view = view;
    for (const listener of this.listeners) listener();
  }
}

const deviceOption = (id: string | null): { deviceId: string } | undefined => (id === null ? undefined : { deviceId: id });
