/** The look at oneself before going in: opens the chosen devices, and closes them on leaving. */

import { useCallback, useEffect, useRef, useState } from "react";
import { canCapture, NOTHING, openDevices, type Captured } from "./capture";
import { readChoices, writeChoices, type DeviceChoices } from "./choices";

export interface DeviceCheckState extends Captured {
  readonly choices: DeviceChoices;
  /** The browser is asking, or the devices are starting. */
  readonly asking: boolean;
  readonly change: (change: Partial<DeviceChoices>) => void;
  /** Ask once more, after a refusal or when a device was plugged in. */
  readonly again: () => void;
}

const CLOSED: Captured = { microphone: NOTHING, camera: NOTHING };

const closeAll = (captured: Captured): void => {
  captured.microphone.track?.stop();
  captured.camera.track?.stop();
};

export function useDeviceCheck(): DeviceCheckState {
  const [choices, setChoices] = useState(readChoices);
  const [captured, setCaptured] = useState(CLOSED);
  const [asking, setAsking] = useState(canCapture);
  const [round, setRound] = useState(0);
  const open = useRef(CLOSED);
  useEffect(() => {
    let gone = false;
    setAsking(true);
    void openDevices(choices).then((found) => {
      if (gone) return closeAll(found);
      open.current = found;
      setCaptured(found);
      setAsking(false);
    });
    return () => {
      gone = true;
      closeAll(open.current);
      open.current = CLOSED;
    };
  }, [choices, round]);
  const change = useCallback((part: Partial<DeviceChoices>) => setChoices(writeChoices(part)), []);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { ...captured, choices, asking, change, again };
}
