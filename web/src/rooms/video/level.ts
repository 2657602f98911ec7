/** How loud a microphone track is, 0 to 1, for a meter. */

import { useEffect, useState } from "react";

const STEPS_PER_SECOND = 15;
const SPEECH_GAIN = 4;

/** Call `onLevel` about 15 times a second; the returned function stops it and frees the audio graph. */
export function watchLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  if (typeof AudioContext === "undefined") return () => undefined;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = window.setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    onLevel(Math.min(1, Math.sqrt(power) * SPEECH_GAIN));
  }, 1000 / STEPS_PER_SECOND);
  // a page that was not touched yet starts with the context suspended
  const wake = (): void => void context.resume().catch(() => undefined);
  wake();
  document.addEventListener("pointerdown", wake, { once: true });
  return () => {
    window.clearInterval(timer);
    document.removeEventListener("pointerdown", wake);
    void context.close().catch(() => undefined);
  };
}

/** The level of a track, 0 when there is none. */
export function useLevel(track: MediaStreamTrack | null): number {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    if (track === null) {
      setLevel(0);
      return undefined;
    }
    return watchLevel(track, setLevel);
  }, [track]);
  return level;
}
