/** Which devices someone chose, and whether they came in with them on: remembered in this browser. */

export interface DeviceChoices {
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly microphoneId: string | null;
  readonly cameraId: string | null;
  readonly speakerId: string | null;
}

const KEY = "dojo.devices";

export const DEFAULT_CHOICES: DeviceChoices = {
  microphone: true,
  camera: true,
  microphoneId: null,
  cameraId: null,
  speakerId: null,
};

const textOrNull = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** What was chosen last time; the defaults where nothing (or nonsense) is stored. */
export function readChoices(): DeviceChoices {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
    if (typeof stored !== "object" || stored === null) return DEFAULT_CHOICES;
    const found = stored as Record<string, unknown>;
    return {
      microphone: found["microphone"] !== false,
      camera: found["camera"] !== false,
      microphoneId: textOrNull(found["microphoneId"]),
      cameraId: textOrNull(found["cameraId"]),
      speakerId: textOrNull(found["speakerId"]),
    };
  } catch {
    return DEFAULT_CHOICES;
  }
}

/** Remember a choice; a browser that refuses storage only forgets it. */
export function writeChoices(change: Partial<DeviceChoices>): DeviceChoices {
  const next = { ...readChoices(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // private windows may refuse storage: the choice then lasts for this page
  }
  return next;
}
