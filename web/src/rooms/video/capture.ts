/** Opens microphone and camera for a look, each on its own, and says in one word why one did not open. */

import type { DeviceChoices } from "./choices";

/** refused: the person or the browser said no; none: no such device; busy: another program holds it. */
export type DeviceProblem = "refused" | "none" | "busy" | "unsupported";

export interface Capture {
  readonly track: MediaStreamTrack | null;
  readonly problem: DeviceProblem | null;
}

export interface Captured {
  readonly microphone: Capture;
  readonly camera: Capture;
}

export const NOTHING: Capture = { track: null, problem: null };

/** The one word for what getUserMedia threw. */
export function problemOf(error: unknown): DeviceProblem {
  const name = typeof error === "object" && error !== null && "name" in error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError" || name === "DevicesNotFoundError") return "none";
  return "busy";
}

const wanted = (id: string | null): MediaTrackConstraints | true => (id === null ? true : { deviceId: { ideal: id } });

const cameraWanted = (id: string | null): MediaTrackConstraints => ({
  width: { ideal: 1280 },
  height: { ideal: 720 },
  ...(id === null ? {} : { deviceId: { ideal: id } }),
});

async function openOne(constraints: MediaStreamConstraints): Promise<Capture> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return { track: stream.getTracks()[0] ?? null, problem: null };
  } catch (error) {
    return { track: null, problem: problemOf(error) };
  }
}

async function openBoth(choices: DeviceChoices): Promise<Captured | null> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: wanted(choices.microphoneId),
      video: cameraWanted(choices.cameraId),
    });
    return {
      microphone: { track: stream.getAudioTracks()[0] ?? null, problem: null },
      camera: { track: stream.getVideoTracks()[0] ?? null, problem: null },
    };
  } catch {
    return null;
  }
}

/** Whether this browser can open devices at all: it needs a secure page. */
export function canCapture(): boolean {
  return typeof navigator.mediaDevices?.getUserMedia === "function";
}

/** Open what the choices want. Both are asked in one question first; then each alone, so that a missing camera does not cost the voice. */
export async function openDevices(choices: DeviceChoices): Promise<Captured> {
  if (!canCapture()) {
    const unsupported: Capture = { track: null, problem: "unsupported" };
    return { microphone: unsupported, camera: unsupported };
  }
  if (choices.microphone && choices.camera) {
    const both = await openBoth(choices);
    if (both !== null) return both;
  }
  const microphone = choices.microphone ? await openOne({ audio: wanted(choices.microphoneId) }) : NOTHING;
  const camera = choices.camera ? await openOne({ video: cameraWanted(choices.cameraId) }) : NOTHING;
  return { microphone, camera };
}
