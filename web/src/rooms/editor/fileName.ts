/** What a file may be called; the server checks the same. */
import type { DojoFile } from "../../wire.gen";

/** Why a name cannot be; the words are `rooms:editor.name.*`. */
export type BadName = "empty" | "folders" | "start" | "characters" | "long" | "taken";

/** What is wrong with a name for a new file, or for `renamed`; null when nothing is. */
export function badName(name: string, files: readonly DojoFile[], renamed: string | null = null): BadName | null {
  if (name === "") return "empty";
  if (/[/\\]/.test(name)) return "folders";
  if (name.length > 64) return "long";
  if (!/^[A-Za-z0-9_]/.test(name)) return "start";
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return "characters";
  const isTaken = files.some((file) => file.id !== renamed && file.name.toLowerCase() === name.toLowerCase());
  return isTaken ? "taken" : null;
}
