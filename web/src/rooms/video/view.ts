/** What the screen shows of a LiveKit room: plain values, read from the room in one go. */

import type { Participant, Room, Track, TrackPublication } from "livekit-client";
import type { DeviceProblem } from "./capture";

/** off: no LiveKit can be reached; elsewhere: another tab of the same person took audio and video over. */
export type MediaStatus = "connecting" | "on" | "reconnecting" | "off" | "elsewhere";
export type Quality = "excellent" | "good" | "poor" | "lost" | "unknown";
/** What shows or sounds a track on an element. */
export type Playable = Pick<Track, "attach" | "detach" | "mediaStreamTrack">;

export interface Face {
  readonly id: string;
  readonly name: string;
  readonly isMe: boolean;
  readonly camera: Playable | null;
  readonly microphone: boolean;
  readonly speaking: boolean;
  /** 0 to 1, as the server last said. */
  readonly loudness: number;
  readonly quality: Quality;
}

export interface Screen {
  readonly id: string;
  readonly by: string;
  readonly name: string;
  readonly isMe: boolean;
  readonly track: Playable;
}

export interface Voice {
  readonly id: string;
  readonly track: Playable;
}

export interface OwnDevice {
  readonly on: boolean;
  readonly busy: boolean;
  readonly allowed: boolean;
  readonly problem: DeviceProblem | null;
  readonly track: MediaStreamTrack | null;
}

export interface MediaView {
  readonly status: MediaStatus;
  /** The problem code when off, for its words. */
  readonly reason: string | null;
  readonly faces: readonly Face[];
  readonly screens: readonly Screen[];
  readonly voices: readonly Voice[];
  readonly microphone: OwnDevice;
  readonly camera: OwnDevice;
  readonly maySpeak: boolean;
  readonly audioBlocked: boolean;
  readonly quality: Quality;
}

export interface OwnTrouble {
  readonly busy: ReadonlySet<"microphone" | "camera">;
  readonly microphone: DeviceProblem | null;
  readonly camera: DeviceProblem | null;
}

// LiveKit's names and numbers; literal here so that looking at a room does not load the library
const MICROPHONE = "microphone";
const CAMERA = "camera";
const SCREEN = "screen_share";
const SOURCE_NUMBER = { [CAMERA]: 1, [MICROPHONE]: 2, [SCREEN]: 3 } as const;

const DEVICE_OFF: OwnDevice = { on: false, busy: false, allowed: true, problem: null, track: null };

export const EMPTY_VIEW: MediaView = {
  status: "connecting",
  reason: null,
  faces: [],
  screens: [],
  voices: [],
  microphone: DEVICE_OFF,
  camera: DEVICE_OFF,
  maySpeak: true,
  audioBlocked: false,
  quality: "unknown",
};

const publications = (person: Participant): TrackPublication[] => [...person.trackPublications.values()];

const shown = (publication: TrackPublication | undefined): Playable | null =>
  publication?.track !== undefined && !publication.isMuted ? publication.track : null;

function bySource(person: Participant, source: string): TrackPublication | undefined {
  return publications(person).find((publication) => publication.source === source);
}

function faceOf(person: Participant): Face {
  const voice = bySource(person, MICROPHONE);
  return {
    id: person.identity,
    name: person.name ?? "",
    isMe: person.isLocal,
    camera: shown(bySource(person, CAMERA)),
    microphone: voice !== undefined && !voice.isMuted,
    speaking: person.isSpeaking,
    loudness: person.audioLevel,
    quality: person.connectionQuality,
  };
}

function screensOf(person: Participant): Screen[] {
  return publications(person).flatMap((publication) =>
    publication.source === SCREEN && publication.track !== undefined
      ? [
          {
            id: publication.trackSid,
            by: person.identity,
            name: person.name ?? "",
            isMe: person.isLocal,
            track: publication.track,
          },
        ]
      : [],
  );
}

function voicesOf(person: Participant): Voice[] {
  return publications(person).flatMap((publication) =>
    publication.kind === "audio" && publication.track !== undefined
      ? [{ id: publication.trackSid, track: publication.track }]
      : [],
  );
}

/** Whether the token lets this person publish the source; LiveKit reads an empty list as all. */
export function mayPublish(person: Participant, source: keyof typeof SOURCE_NUMBER): boolean {
  const rights = person.permissions;
  if (rights === undefined) return true;
  if (!rights.canPublish) return false;
  const sources: readonly number[] = rights.canPublishSources;
  return sources.length === 0 || sources.includes(SOURCE_NUMBER[source]);
}

function ownDevice(room: Room, source: "microphone" | "camera", trouble: OwnTrouble): OwnDevice {
  const publication = bySource(room.localParticipant, source);
  const track = shown(publication);
  return {
    on: track !== null,
    busy: trouble.busy.has(source),
    allowed: mayPublish(room.localParticipant, source),
    problem: trouble[source],
    track: track?.mediaStreamTrack ?? null,
  };
}

/** Everything the screen needs, freshly read. */
export function viewOf(room: Room, status: MediaStatus, trouble: OwnTrouble): MediaView {
  const others = [...room.remoteParticipants.values()];
  const everybody: Participant[] = [room.localParticipant, ...others];
  return {
    status,
    reason: null,
    faces: everybody.map(faceOf),
    screens: everybody.flatMap(screensOf),
    voices: others.flatMap(voicesOf),
    microphone: ownDevice(room, MICROPHONE, trouble),
    camera: ownDevice(room, CAMERA, trouble),
    maySpeak: mayPublish(room.localParticipant, MICROPHONE),
    audioBlocked: !room.canPlaybackAudio,
    quality: room.localParticipant.connectionQuality,
  };
}
