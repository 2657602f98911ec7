import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { Keys } from "../kit/Bits";
import { useAllCommands } from "../kit/commands";
import { Dialog } from "../kit/Dialog";
import styles from "./Palette.module.css";

/** The keys that do something on the page that is shown now. */
export function KeysDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("app");
  const commands = useAllCommands().filter(({ keys }) => keys !== undefined);
  return (
    <Dialog title={t("keys.title")} isOpen onClose={onClose}>
      <dl className={styles.keyList}>
        {commands.map(({ id, label, keys }) => (
          <Fragment key={id}>
            <dt>{label}</dt>
            <dd>{keys && <Keys keys={keys} />}</dd>
          </Fragment>
        ))}
      </dl>
    </Dialog>
  );
}
