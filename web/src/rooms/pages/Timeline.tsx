import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatClock, formatTime } from "../../i18n/format";
import { LightChip } from "../../kit/Bits";
import { Select } from "../../kit/Field";
import { Icon } from "../../kit/Icon";
import type { IconName } from "../../kit/Icon";
import type { TimelineEntry } from "../../wire.gen";
import { ChatWords } from "../panels/ChatWords";
import { entryWords } from "./entryWords";
import styles from "./Summary.module.css";

type Show = "all" | "lights" | "chat" | "retro";
type Kind = TimelineEntry["kind"];

const ICONS: Record<Kind, IconName> = {
  opened: "door",
  ended: "stop",
  entered: "person",
  left: "leave",
  turn: "wheel",
  light: "code",
  chat: "chat",
  phase: "skip",
};

const SHOWN: Record<Exclude<Show, "retro">, ReadonlySet<Kind> | null> = {
  all: null,
  lights: new Set<Kind>(["opened", "ended", "turn", "light", "phase"]),
  chat: new Set<Kind>(["chat"]),
};

/** The chat between the beginning of a retro and the next phase. */
export function saidInRetro(entries: readonly TimelineEntry[]): TimelineEntry[] {
  let isRetro = false;
  return entries.filter(({ kind, text }) => {
    if (kind === "phase") isRetro = text === "retro";
    return isRetro && kind === "chat";
  });
}

export function Timeline({ entries, startedAt }: { entries: readonly TimelineEntry[]; startedAt: number }) {
  const { t } = useTranslation("dojos");
  const [show, setShow] = useState<Show>("all");
  const retro = saidInRetro(entries);
  const shown = show === "retro" ? retro : entries.filter(({ kind }) => SHOWN[show]?.has(kind) ?? true);
  return (
    <section aria-labelledby="timeline" className={styles.timeline}>
      <div className={styles.timelineHead}>
        <h2 id="timeline">{t("summary.timeline")}</h2>
        <Select<Show>
          label={t("summary.show")}
          hideLabel
          value={show}
          onChange={setShow}
          options={[
            { value: "all", label: t("summary.showAll") },
            { value: "lights", label: t("summary.showLights") },
            { value: "chat", label: t("summary.showChat") },
            ...(retro.length > 0 ? [{ value: "retro" as const, label: t("summary.showRetro") }] : []),
          ]}
        />
      </div>
      {shown.length === 0 && <p className={styles.quiet}>{t("summary.empty")}</p>}
      <ol className={styles.entries}>
        {shown.map((entry, at) => (
          <Entry key={at} entry={entry} startedAt={startedAt} />
        ))}
      </ol>
    </section>
  );
}

function Entry({ entry, startedAt }: { entry: TimelineEntry; startedAt: number }) {
  const { t } = useTranslation("dojos");
  const { kind, colour } = entry;
  const { line, more } = entryWords(t, entry);
  return (
    <li className={styles.entry} data-kind={kind}>
      <time title={formatTime(entry.at)}>{formatClock(entry.at - startedAt)}</time>
      <span className={styles.entryIcon}>
        <Icon name={ICONS[kind]} size={18} />
      </span>
      <div className={styles.entryWords}>
        <p>
          {line} {colour !== null && <LightChip colour={colour} />}
        </p>
        {kind === "chat" ? (
          <div className={styles.chat}>
            <ChatWords text={more} />
          </div>
        ) : (
          more && <p className={styles.quiet}>{more}</p>
        )}
      </div>
    </li>
  );
}
