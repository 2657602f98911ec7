/** A number that waits to be looked at: messages not seen yet, or what `words` say. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import css from "./Side.module.css";

const MOST = 99;

export function Unread({ count, words }: { count: number; words?: string }): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (count <= 0) return null;
  return (
    <span className={css.unread}>
      <span aria-hidden="true">{count > MOST ? `${String(MOST)}+` : count}</span>
      <span className="visually-hidden">{words ?? t("chat.unread", { count })}</span>
    </span>
  );
}
