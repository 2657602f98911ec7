import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Failed } from "../../app/Failed";
import { Skeleton } from "../../kit/Bits";
import { Button } from "../../kit/Button";
import { Dialog } from "../../kit/Dialog";
import { Markdown } from "../../kit/Markdown";
import type { KataSummary } from "../../wire.gen";
import { useKata } from "../katas";
import styles from "./Start.module.css";

const LEVELS = 5;
/** The text's own heading, which the dialog says already. */
const TITLE = /^\s*# .*\n/;

interface Props {
  katas: readonly KataSummary[];
  chosen: string | null;
  onChoose: (slug: string) => void;
}

/** The library as one group of radio buttons: arrow keys move, the text can be read before choosing. */
export function KataChoice({ katas, chosen, onChoose }: Props) {
  const { t } = useTranslation("dojos");
  const [reading, setReading] = useState<KataSummary | null>(null);
  return (
    <fieldset className={styles.katas}>
      <legend>{t("start.kata")}</legend>
      <div className={styles.grid}>
        {katas.map((kata) => (
          <div key={kata.slug} className={styles.kata}>
            <label>
              <input type="radio" name="kata" value={kata.slug} checked={kata.slug === chosen} onChange={() => onChoose(kata.slug)} />
              <span className={styles.kataWords}>
                <strong>{kata.title}</strong>
                <Difficulty level={kata.difficulty} />
                <span className={styles.kataText}>{kata.summary}</span>
              </span>
            </label>
            <Button size="s" variant="quiet" aria-label={`${t("start.preview")}: ${kata.title}`} onPress={() => setReading(kata)}>
              {t("start.preview")}
            </Button>
          </div>
        ))}
      </div>
      {reading && <ReadKata kata={reading} onClose={() => setReading(null)} />}
    </fieldset>
  );
}

function Difficulty({ level }: { level: number }) {
  const { t } = useTranslation("dojos");
  return (
    <span className={styles.difficulty} role="img" aria-label={t("start.difficulty", { level })}>
      {Array.from({ length: LEVELS }, (_, at) => (
        <span key={at} data-on={at < level || undefined} />
      ))}
    </span>
  );
}

function ReadKata({ kata, onClose }: { kata: KataSummary; onClose: () => void }) {
  const whole = useKata(kata.slug);
  return (
    <Dialog title={kata.title} size="l" isOpen onClose={onClose}>
      {whole.isPending && <Skeleton count={6} />}
      {whole.error && <Failed error={whole.error} onRetry={() => void whole.refetch()} />}
      {whole.data && <Markdown text={whole.data.text.replace(TITLE, "")} />}
    </Dialog>
  );
}
