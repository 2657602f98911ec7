/** Lengths of turns as people write them. */

export const SHORTEST_TURN = 5;
export const LONGEST_TURN = 3600;
export const USUAL_TURNS = [120, 180, 240, 300, 420, 600] as const;

/** Seconds from "4", "4:30", "4m", "45s" or "1m 30s"; a bare number is minutes. Null when it is none of these, or out of bounds. */
export function parseTurn(words: string): number | null {
  const text = words.trim().toLowerCase().replace(",", ".");
  const seconds = clockSeconds(text) ?? unitSeconds(text);
  if (seconds === null || seconds < SHORTEST_TURN || seconds > LONGEST_TURN) return null;
  return Math.round(seconds);
}

function clockSeconds(text: string): number | null {
  const clock = /^(\d{1,2}):([0-5]\d)$/.exec(text);
  return clock === null ? null : Number(clock[1]) * 60 + Number(clock[2]);
}

function unitSeconds(text: string): number | null {
  const bare = /^\d+(\.\d+)?$/.test(text);
  if (bare) return Number(text) * 60;
  const parts = /^(?:(\d+(?:\.\d+)?)\s*m(?:in)?)?\s*(?:(\d+)\s*s(?:ec|eg)?)?$/.exec(text);
  if (parts === null || (parts[1] === undefined && parts[2] === undefined)) return null;
  return Number(parts[1] ?? 0) * 60 + Number(parts[2] ?? 0);
}

/** "4:00", "0:45". */
export function writeTurn(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
