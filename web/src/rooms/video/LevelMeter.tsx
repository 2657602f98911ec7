/** How loud the microphone is: a bar that says its value in words too. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { useLevel } from "./level";
import css from "./LevelMeter.module.css";

const STEPS = 12;

export function LevelMeter({ track, compact = false }: { track: MediaStreamTrack | null; compact?: boolean }): ReactElement {
  const { t } = useTranslation("rooms");
  const level = useLevel(track);
  const lit = Math.round(level * STEPS);
  return (
    <div
      className={compact ? `${css.meter} ${css.compact}` : css.meter}
      role="meter"
      aria-label={t("media.level")}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(level * 100)}
    >
      {Array.from({ length: STEPS }, (_, step) => (
        <span key={step} className={css.step} data-lit={step < lit || undefined} />
      ))}
    </div>
  );
}
