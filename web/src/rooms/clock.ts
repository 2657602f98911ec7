/** The turn's clock, by the server's time. Sounds are in `bell.ts`, title and icon in `pageSigns.ts`. */
import { useEffect, useReducer } from "react";
import type { RoomState } from "../wire.gen";
import { nextDriver, timeLeft } from "./selectors";

/** What the turn ring shows. */
export interface TurnClock {
  status: "idle" | "running" | "paused";
  /** Seconds left, not negative; null while idle. */
  left: number | null;
  /** 1 at the start of the turn, 0 at the bell; null while idle. */
  fraction: number | null;
  /** "4:00", "0:07"; "" while idle. */
  text: string;
  /** True in the last 30 seconds (a quarter of a turn that is shorter than two minutes). */
  isSoon: boolean;
  /** True when it is soon, and the next turn is mine. */
  amNext: boolean;
}

const SOON = 30;
const TICK_MS = 250;
const IDLE: TurnClock = { status: "idle", left: null, fraction: null, text: "", isSoon: false, amNext: false };

/** The clock at one moment of the server's time. */
export function turnClock(state: RoomState | null, myId: string | null, serverNow: number): TurnClock {
  const left = state === null ? null : timeLeft(state, serverNow);
  if (state === null || left === null || state.rotation.status === "idle") return IDLE;
  const { status, turn_seconds: turnSeconds } = state.rotation;
  const isSoon = status === "running" && left <= Math.min(SOON, turnSeconds / 4);
  return {
    status,
    left,
    fraction: Math.min(1, left / turnSeconds),
    text: clockText(left),
    isSoon,
    amNext: isSoon && myId !== null && nextDriver(state)?.id === myId,
  };
}

/** Seconds as on a clock that reaches 0:00 at the bell: "4:00", "0:07", "1:02:03". */
export function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The turn's clock, ticking. */
export function useTurnClock(state: RoomState | null, myId: string | null, serverNow: () => number): TurnClock {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  const isRunning = state?.rotation.status === "running";
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(tick, TICK_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  return turnClock(state, myId, serverNow());
}
