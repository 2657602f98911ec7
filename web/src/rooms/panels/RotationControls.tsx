/** The hosts' hands on the clock: start, pause, extend, skip, shuffle, stop; and the phases. */

import { useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../kit/Button";
import { isHost } from "../state";
import type { IconName } from "../../kit/Icon";
import type { RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { turnOrder } from "./rotationOrder";
import { parseTurn, USUAL_TURNS, writeTurn } from "./turnLength";
import type { Ask } from "./useAsk";
import css from "./RotationControls.module.css";

const EXTENSION = 60;
const LONGEST_ORDER = 500;

interface ControlsProps {
  dojo: Dojo;
  ask: Ask;
}

/** Nothing for those who do not host. */
export function RotationControls({ dojo, ask }: ControlsProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  const state = dojo.state;
  if (state === null || !isHost(dojo.me)) return null;
  const { status } = state.rotation;
  return (
    <div className={css.controls} role="group" aria-label={t("rotation.title")}>
      {status === "idle" ? <StartRotation seconds={state.rotation.turn_seconds} order={turnOrder(state)} ask={ask} /> : null}
      {status === "idle" ? null : <RunningRotation isPaused={status === "paused"} ask={ask} />}
      <Phases phase={state.phase} ask={ask} />
    </div>
  );
}

const PHASES = ["code", "break", "retro"] as const;
const PHASE_LOOKS: Record<RoomState["phase"], { icon: IconName; words: "phase.backToCode" | "phase.takeBreak" | "phase.holdRetro" }> = {
  code: { icon: "code", words: "phase.backToCode" },
  break: { icon: "coffee", words: "phase.takeBreak" },
  retro: { icon: "notes", words: "phase.holdRetro" },
};

/** The ways on from this phase; the clock runs only while there is code. */
function Phases({ phase, ask }: { phase: RoomState["phase"]; ask: Ask }): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <div className={css.grid} role="group" aria-label={t("phase.goTo")} data-paused={phase !== "code" || undefined}>
      {PHASES.filter((next) => next !== phase).map((next) => (
        <Button
          key={next}
          size="s"
          wide
          variant={next === "code" ? "primary" : "secondary"}
          icon={PHASE_LOOKS[next].icon}
          onPress={() => void ask("phase:set", { phase: next })}
        >
          {t(PHASE_LOOKS[next].words)}
        </Button>
      ))}
    </div>
  );
}

function RunningRotation({ isPaused, ask }: { isPaused: boolean; ask: Ask }): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <div className={css.grid}>
      <Button
        size="s"
        icon={isPaused ? "play" : "pause"}
        onPress={() => void ask("rotation:control", { action: isPaused ? "resume" : "pause" })}
      >
        {t(isPaused ? "rotation.resume" : "rotation.pause")}
      </Button>
      <Button
        size="s"
        icon="plus"
        aria-describedby="extension"
        onPress={() => void ask("rotation:extend", { seconds: EXTENSION })}
      >
        {t("rotation.extend")}
      </Button>
      <Button size="s" icon="skip" onPress={() => void ask("rotation:control", { action: "skip" })}>
        {t("rotation.skip")}
      </Button>
      <Button size="s" icon="shuffle" onPress={() => void ask("rotation:control", { action: "shuffle" })}>
        {t("rotation.shuffle")}
      </Button>
      <div className={css.wide}>
        <Button size="s" wide icon="stop" onPress={() => void ask("rotation:control", { action: "stop" })}>
          {t("rotation.stop")}
        </Button>
      </div>
      <span id="extension" hidden>
        {t("rotation.extendMore")}
      </span>
    </div>
  );
}

interface StartProps {
  seconds: number;
  order: readonly string[];
  ask: Ask;
}

function StartRotation({ seconds, order, ask }: StartProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [words, setWords] = useState<string | null>(null);
  const chosen = words === null ? Math.round(seconds) : parseTurn(words);
  const shown = words ?? writeTurn(seconds);
  return (
    <form
      className={css.start}
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen !== null) void ask("rotation:start", { turn_seconds: chosen, order: order.slice(0, LONGEST_ORDER) });
      }}
    >
      <label className={css.length}>
        <span>{t("rotation.turnLength")}</span>
        <input
          value={shown}
          onChange={(event) => setWords(event.target.value)}
          list="turn-lengths"
          inputMode="text"
          autoComplete="off"
          aria-invalid={chosen === null}
          aria-describedby="turn-length-help"
        />
      </label>
      <datalist id="turn-lengths">
        {USUAL_TURNS.map((usual) => (
          <option key={usual} value={writeTurn(usual)}>
            {t("rotation.minutes", { count: usual / 60 })}
          </option>
        ))}
      </datalist>
      <span id="turn-length-help" className={chosen === null ? css.wrong : css.help}>
        {t(chosen === null ? "rotation.lengthWrong" : "rotation.lengthHelp")}
      </span>
      <Button type="submit" variant="primary" icon="play" wide isDisabled={chosen === null}>
        {t("rotation.start")}
      </Button>
    </form>
  );
}
