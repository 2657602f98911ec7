import { useTranslation } from "react-i18next";
import type { LightChoice } from "../../catalog/KeepAsPocDialog";
import { formatTime } from "../../i18n/format";
import { LightChip } from "../../kit/Bits";
import { Button } from "../../kit/Button";
import styles from "./Summary.module.css";

interface Props {
  lights: readonly LightChoice[];
  /** The light that a POC's page links to. */
  marked: string;
  onKeep: (lightId: string) => void;
}

/** Every light in order: how the dojo went, in one line; each can be kept. */
export function LightStrip({ lights, marked, onKeep }: Props) {
  const { t } = useTranslation(["dojos", "app", "catalog"]);
  if (lights.length === 0) return <p className={styles.noLights}>{t("catalog:keep.noLights")}</p>;
  return (
    <section aria-label={t("summary.strip")}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it */}
      <ol className={styles.strip} tabIndex={0} aria-label={t("summary.strip")}>
        {lights.map(({ id, colour, at }) => {
          const time = formatTime(at);
          return (
            <li key={id} id={`light-${id}`} data-marked={id === marked || undefined}>
              <LightChip colour={colour} />
              <time>{time}</time>
              <Button
                size="s"
                variant="quiet"
                icon="star"
                aria-label={t("summary.keepAt", { time, colour: t(`app:kit.light.${colour}`) })}
                onPress={() => onKeep(id)}
              >
                {t("catalog:keep.submit")}
              </Button>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
