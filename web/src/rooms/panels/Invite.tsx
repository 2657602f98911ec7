/** For who is alone in the room: how the others come in. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { CopyField } from "../../kit/Bits";
import css from "./Lobby.module.css";

export function Invite({ link }: { link: string }): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <section className={css.invite} aria-label={t("invite.title")}>
      <p className={css.head}>{t("invite.title")}</p>
      <p>{t("invite.words")}</p>
      <CopyField label={t("invite.link")} value={link} />
    </section>
  );
}
