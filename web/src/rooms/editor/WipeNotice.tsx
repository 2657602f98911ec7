/** Most of a file is gone: who did it, and one click that brings it back. */
import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import type { DojoFile } from "../../wire.gen";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import { whyNot } from "./StatusLine";
import { useWipes } from "./useWipes";
import type { Wipe } from "./wipes";
import css from "./Editor.module.css";

export interface WipeNoticeProps {
  dojo: Dojo;
  document: SharedDocument | null;
  files: readonly DojoFile[];
}

export function WipeNotice({ dojo, document, files }: WipeNoticeProps): ReactElement | null {
  const { t } = useTranslation("rooms");
  // What comes while the document is opened was deleted long ago.
  const [wipes, forget] = useWipes(document === null || document.status === "connecting" ? null : document.doc, files);
  const nameOf = ({ fileId }: Wipe): string | undefined => files.find(({ id }) => id === fileId)?.name;
  const wipe = wipes.filter(nameOf).at(-1);
  if (wipe === undefined) return null;
  const file = nameOf(wipe);
  const holder = dojo.state?.lease.holder;
  const driver = holder == null || holder === dojo.myId ? undefined : dojo.state?.people[holder]?.name;
  const words =
    wipe.isMine ? t("editor.wipe.mine", { file })
    : driver === undefined ? t("editor.wipe.somebody", { file })
    : t("editor.wipe.theirs", { file, name: driver });
  return (
    <div className={css.why} role="status" data-testid="wipe">
      <Icon name="alert" size={16} />
      <span>
        {words} {whyNot(dojo, document) === "turn" && driver !== undefined ? t("editor.wipe.ask", { name: driver }) : null}
      </span>
      {whyNot(dojo, document) === null ? (
        <Button
          size="s"
          onPress={() => {
            wipe.undo();
            forget(wipe);
          }}
        >
          {t("editor.wipe.undo")}
        </Button>
      ) : null}
      <Button size="s" onPress={() => forget(wipe)}>
        {t("editor.dismiss")}
      </Button>
    </div>
  );
}
