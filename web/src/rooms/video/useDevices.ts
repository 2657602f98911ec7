/** The microphones, cameras and speakers of this machine, as they come and go. */

import { useEffect, useState } from "react";

export interface Devices {
  readonly microphones: readonly MediaDeviceInfo[];
  readonly cameras: readonly MediaDeviceInfo[];
  readonly speakers: readonly MediaDeviceInfo[];
}

const NO_DEVICES: Devices = { microphones: [], cameras: [], speakers: [] };

async function listDevices(): Promise<Devices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const named = all.filter((device) => device.deviceId !== "");
  return {
    microphones: named.filter((device) => device.kind === "audioinput"),
    cameras: named.filter((device) => device.kind === "videoinput"),
    speakers: named.filter((device) => device.kind === "audiooutput"),
  };
}

/** Names are only told after the person allowed a device: pass `again` changed then, to look once more. */
export function useDevices(again: unknown): Devices {
  const [devices, setDevices] = useState(NO_DEVICES);
  useEffect(() => {
    const media = navigator.mediaDevices;
    if (typeof media?.enumerateDevices !== "function") return undefined;
    let gone = false;
    const look = (): void => {
      listDevices().then(
        (found) => {
          if (!gone) setDevices(found);
        },
        () => undefined,
      );
    };
    look();
    media.addEventListener("devicechange", look);
    return () => {
      gone = true;
      media.removeEventListener("devicechange", look);
    };
  }, [again]);
  return devices;
}
