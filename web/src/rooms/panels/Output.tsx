/** The last test run's output, and the lights before it. */

import { useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { formatTime } from "../../i18n/format";
import { LightChip } from "../../kit/Bits";
import { IconButton } from "../../kit/Button";
import { Icon, type IconName } from "../../kit/Icon";
import type { Light, RoomState } from "../../wire.gen";
import { lastLight } from "../state";
import css from "./Output.module.css";

export interface OutputProps {
  state: RoomState;
  /** Words of the run on this machine ("Loading Python…"), or "". */
  running: string;
  folded: boolean;
  onFold: (folded: boolean) => void;
}

export function Output({ state, running, folded, onFold }: OutputProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [chosen, setChosen] = useState<string | null>(null);
  const last = lastLight(state);
  const shown = state.lights.find((light) => light.id === chosen) ?? last;
  const isOld = shown !== null && shown.id !== last?.id;
  return (
    <section className={css.output} aria-label={t("output.title")} data-folded={folded || undefined}>
      <header className={css.head}>
        <h2 className={css.title}>{t("output.title")}</h2>
        <span className={css.run}>{running}</span>
        <IconButton
          icon={folded ? "chevronUp" : "chevronDown"}
          size="s"
          label={t(folded ? "output.show" : "output.hide")}
          aria-expanded={!folded}
          onPress={() => onFold(!folded)}
        />
        {shown === null ? null : <RunWords light={shown} state={state} />}
      </header>
      {folded ? null : (
        <>
          <History lights={state.lights} shown={shown} onChoose={setChosen} />
          {shown === null ? (
            <p className={css.empty}>{t("output.empty")}</p>
          ) : (
            <pre className={css.text} data-old={isOld || undefined} tabIndex={0} role="region" aria-label={t("output.text")}>
              {shown.output === "" ? t("output.nothing") : shown.output}
            </pre>
          )}
        </>
      )}
    </section>
  );
}

function RunWords({ light, state }: { light: Light; state: RoomState }): ReactElement {
  const { t } = useTranslation("rooms");
  const counted = light.passed + light.failed > 0;
  return (
    <span className={css.words}>
      <LightChip colour={light.colour} />
      {counted ? <span>{t("output.counts", { passed: light.passed, failed: light.failed })}</span> : null}
      <span className={css.quiet}>
        {t("output.by", {
          name: state.people[light.by]?.name ?? t("output.someone"),
          time: formatTime(light.at),
          seconds: light.seconds.toFixed(1),
        })}
      </span>
    </span>
  );
}

interface HistoryProps {
  lights: readonly Light[];
  shown: Light | null;
  onChoose: (id: string) => void;
}

/** Oldest first, as time goes; each tells its colour by shape and words too. */
function History({ lights, shown, onChoose }: HistoryProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  const { t: app } = useTranslation("app");
  if (lights.length < 2) return null;
  return (
    <ol className={css.history} aria-label={t("output.history")}>
      {lights.map((light) => {
        const words = t("output.one", { colour: app(`kit.light.${light.colour}`), time: formatTime(light.at) });
        return (
          <li key={light.id}>
            <button
              type="button"
              className={css.light}
              data-colour={light.colour}
              aria-pressed={light.id === shown?.id}
              aria-label={words}
              title={words}
              onClick={() => onChoose(light.id)}
            >
              <Icon name={SHAPES[light.colour]} size={16} />
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** The same shapes as the light chip's. */
const SHAPES: Record<Light["colour"], IconName> = { red: "close", amber: "alert", green: "check", timeout: "clock" };
