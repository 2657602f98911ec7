/** Reactions rise over the bottom bar and are gone. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import type { Dojo } from "../protocol";
import css from "./Reactions.module.css";

const SHOWN_SECONDS = 5;

export function Reactions({ dojo }: { dojo: Dojo }): ReactElement {
  const { t } = useTranslation("rooms");
  const since = dojo.serverNow() - SHOWN_SECONDS;
  const reactions = dojo.signals.filter((signal) => signal.kind === "reaction" && signal.at > since);
  const nameOf = (id: string): string => dojo.state?.people[id]?.name ?? t("chat.someone");
  return (
    <div className={css.reactions} role="log" aria-label={t("bar.reactions")}>
      {reactions.map((signal) => (
        <span key={signal.id} className={css.reaction}>
          <span className={css.picture}>{signal.value}</span> {nameOf(signal.by)}
        </span>
      ))}
    </div>
  );
}
