/** The sounds of the bell: two soft tones when the keyboard moves, one for who is next. */
import { useEffect, useRef } from "react";
import { useTurnClock } from "./clock";
import type { Dojo } from "./protocol";

const TONES = { bell: [659.25, 880], next: [523.25] } as const;
const LENGTH = 0.35;
const LOUDNESS = 0.09;

let context: AudioContext | null = null;

/** Browsers let a page sound only after the person did something on it. */
function wake(): void {
  if (typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
}

/** Plays it, if the browser lets us; a bell that cannot be heard is still seen. */
export function sound(kind: keyof typeof TONES): void {
  const audio = context;
  if (audio === null || audio.state !== "running") return;
  TONES[kind].forEach((pitch, index) => {
    const start = audio.currentTime + index * LENGTH * 0.6;
    const tone = new OscillatorNode(audio, { type: "sine", frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + LENGTH);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + LENGTH);
  });
}

/** Sounds the bell for everybody at each turn, and "you are next" for the one who is. */
export function useBellSounds(dojo: Dojo): void {
  const { state, myId, serverNow } = dojo;
  const { amNext } = useTurnClock(state, myId, serverNow);
  const turn = state?.rotation.turn ?? 0;
  const heard = useRef<number | null>(null);

  useEffect(() => {
    wake();
    window.addEventListener("pointerdown", wake);
    window.addEventListener("keydown", wake);
    return () => {
      window.removeEventListener("pointerdown", wake);
      window.removeEventListener("keydown", wake);
    };
  }, []);
  useEffect(() => {
    // The first turn that one sees is not news: it began before one came.
    if (heard.current !== null && turn > heard.current) sound("bell");
    heard.current = turn;
  }, [turn]);
  useEffect(() => {
    if (amNext) sound("next");
  }, [amNext]);
}
