/** What the time line says about an entry: the server's words for reasons are for programs. */
import type { TFunction } from "i18next";
import type { TimelineEntry } from "../../wire.gen";

type Words = TFunction<"dojos">;

const COUNTS = /^(\d+) passed, (\d+) failed$/;

const has = <K extends string>(known: readonly K[], word: string): K | undefined => known.find((one) => one === word);

/** The line itself, and what follows it in small letters, or "". */
export function entryWords(t: Words, entry: TimelineEntry): { line: string; more: string } {
  const { kind, text } = entry;
  const person = entry.person ?? t("summary.somebody");
  switch (kind) {
    case "phase": {
      const phase = has(["code", "break", "retro"], text);
      return { line: phase === undefined ? text : t(`summary.phase.${phase}`), more: "" };
    }
    case "turn": {
      const why = has(["start", "bell", "skip", "absent"], text);
      return { line: t("summary.turn", { person }), more: why === undefined ? "" : t(`summary.why.turn.${why}`) };
    }
    case "ended": {
      const why = has(["host", "empty"], text);
      return { line: t("summary.ended"), more: why === undefined ? "" : t(`summary.why.ended.${why}`) };
    }
    case "light": {
      const [, passed, failed] = COUNTS.exec(text) ?? [];
      // What did not run, or not to its end, has no counts.
      const more = passed === undefined ? text : passed === "0" && failed === "0" ? "" : t("summary.counts", { passed, failed });
      return { line: t("summary.light", { person }), more };
    }
    case "opened":
      return { line: t("summary.opened"), more: "" };
    case "entered":
    case "left":
    case "chat":
      return { line: t(`summary.${kind}`, { person }), more: text };
  }
}
