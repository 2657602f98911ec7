/** Runs the dojo's tests and reports the light. */
import { useCallback, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { SourceFile } from "../../wire.gen";
import type { SharedDocument } from "../document";
import { newId } from "../ids";
import type { Dojo } from "../protocol";
import { mayAct } from "../state";
import type { RuntimeStatus } from "./pythonRuntime";
import { python, run, type RunResult } from "./run";

/** The run button's view. */
export interface Runner {
  isRunning: boolean;
  /** The last result on this machine; null before the first. */
  result: RunResult | null;
  /** The last result went to nobody: it was not this person's turn, or the server refused it. */
  isPrivate: boolean;
  runtime: RuntimeStatus;
  /** Words for the present step ("Loading Python… 40 %"), or "". */
  words: string;
  /** Runs the tests of the dojo's files and reports the light to everybody (where it is not one's turn, to oneself); null when it cannot run now. */
  run: () => Promise<RunResult | null>;
  /** Loads the runtime ahead of the first run. */
  warmUp: () => void;
}

const READY: RuntimeStatus = { phase: "ready", progress: 1 };

export function useRunner(dojo: Dojo, document: SharedDocument | null): Runner {
  const { t } = useTranslation("rooms");
  const [isRunning, setRunning] = useState(false);
  const [result, setResult] = useState<RunResult | null>(null);
  const [isPrivate, setPrivate] = useState(false);
  const pythonStatus = useSyncExternalStore(python.subscribe, python.snapshot);
  const { command, state } = dojo;
  const language = state?.language ?? "python";
  const runtime = language === "python" ? pythonStatus : READY;
  const busy = useRef(false);
  const doc = document?.doc ?? null;
  const files = state?.files;
  const mayReport = state !== null && mayAct(state, dojo.myId);

  const start = useCallback(async (): Promise<RunResult | null> => {
    if (busy.current || doc === null || files === undefined) return null;
    busy.current = true;
    setRunning(true);
    const sources: SourceFile[] = files.map(({ id, name }) => ({ name, text: doc.getText(id).toString() }));
    try {
      const ended = await run(language, sources).catch((): RunResult => {
        const output = t("run.not_loaded");
        return { colour: "amber", seconds: 0, passed: 0, failed: 0, output };
      });
      setResult(ended);
      setPrivate(!mayReport);
      const isLoaded = language !== "python" || python.snapshot().phase !== "failed";
      if (mayReport && isLoaded) {
        void command("light:report", { light_id: newId(), ...ended, files: sources }).then((ack) => setPrivate(!ack.ok));
      }
      return ended;
    } finally {
      busy.current = false;
      setRunning(false);
    }
  }, [command, doc, files, language, mayReport, t]);

  const warmUp = useCallback(() => {
    if (language === "python") python.load().catch(() => undefined);
  }, [language]);

  const percent = Math.round(runtime.progress * 100);
  const words =
    runtime.phase === "loading" ? t("run.loading", { percent })
    : runtime.phase === "failed" ? t("run.not_loaded")
    : isRunning ? t("run.running")
    : isPrivate && result !== null ? t(`run.private.${result.colour}`, { passed: result.passed, failed: result.failed })
    : "";
  return { isRunning, result, isPrivate, runtime, words, run: start, warmUp };
}
