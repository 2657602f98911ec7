/** Edits that the server did not take: why, and the words themselves, so that nothing typed is lost. */
import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { CopyField } from "../../kit/Bits";
import { Button } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import type { DojoFile } from "../../wire.gen";
import type { Refusal } from "../document";
import css from "./Editor.module.css";

export interface RefusedNoticeProps {
  refused: Refusal;
  files: readonly DojoFile[];
  onDismiss: () => void;
}

export function RefusedNotice({ refused, files, onDismiss }: RefusedNoticeProps): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <section className={css.refused} role="alert" data-testid="refused">
      <p>
        <Icon name="alert" size={18} />
        <strong>{t("editor.refused.title")}</strong> {t(`editor.refused.${refused.code}`)}
      </p>
      {refused.texts.map(({ fileId, text }) => {
        const label = t("editor.refused.yours", { file: files.find(({ id }) => id === fileId)?.name ?? fileId });
        return (
          <details key={fileId}>
            <summary>{label}</summary>
            <pre>{text}</pre>
            <CopyField label={label} value={text} />
          </details>
        );
      })}
      <Button size="s" onPress={onDismiss}>
        {t("editor.dismiss")}
      </Button>
    </section>
  );
}
