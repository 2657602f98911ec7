/** The line is lost: since when, and how many edits wait, or why. On return: what was merged. Or: others are heard late. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { formatShortTime } from "../../i18n/format";
import { Button, IconButton } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import css from "./ConnectionBar.module.css";

export function ConnectionBar({ dojo, document }: { dojo: Dojo; document: SharedDocument | null }): ReactElement {
  return (
    <div role="status" className={css.place} data-testid="connection">
      <Words dojo={dojo} document={document} />
    </div>
  );
}

function Words({ dojo, document }: { dojo: Dojo; document: SharedDocument | null }): ReactElement | null {
  const { t } = useTranslation("rooms");
  const edits = document?.unsaved ?? 0;
  if (dojo.problem?.code === "too-many-windows" || document?.isCrowded === true) {
    return (
      <p className={css.bar} data-lost>
        <Icon name="wifiOff" size={18} />
        <span>{t("connection.problem.too-many-windows")}</span>
      </p>
    );
  }
  if (dojo.status === "reconnecting" || document?.status === "offline") {
    const since = dojo.status === "reconnecting" ? dojo.since : (document?.since ?? dojo.since);
    return (
      <p className={css.bar} data-lost>
        <Icon name="wifiOff" size={18} />
        <span>
          {t("line.lost", { time: formatShortTime(since) })} {edits > 0 ? t("line.edits", { count: edits }) : null}{" "}
          {dojo.queued > 0 ? t("line.queued", { count: dojo.queued }) : null} {t("line.goOn")}
        </span>
        <Button size="s" onPress={dojo.knock}>
          {t("line.tryNow")}
        </Button>
      </p>
    );
  }
  if (dojo.isDegraded) {
    return (
      <p className={css.bar} data-quiet>
        <Icon name="clock" size={16} />
        <span>{t("line.degraded")}</span>
      </p>
    );
  }
  if (document !== null && document.merged !== null) {
    return (
      <p className={css.bar}>
        <Icon name="check" size={18} />
        <span>{t("line.merged", { count: document.merged })}</span>
        <IconButton icon="close" size="s" label={t("line.dismiss")} onPress={document.dismiss} />
      </p>
    );
  }
  return null;
}
