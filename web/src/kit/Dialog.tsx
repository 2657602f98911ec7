import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { IconButton } from "./Button";
import styles from "./Dialog.module.css";

interface Props {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** `alertdialog` asks before something that is hard to undo, and closes only by its buttons. */
  role?: "dialog" | "alertdialog";
  size?: "s" | "m" | "l";
}

/** A modal dialog. Actions go last, in `<DialogActions>`. */
export function Dialog({ title, isOpen, onClose, children, role = "dialog", size = "m" }: Props) {
  const { t } = useTranslation("app");
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      isDismissable={role === "dialog"}
      className={styles.overlay ?? ""}
    >
      <Modal className={`${styles.modal ?? ""} ${styles[size] ?? ""}`}>
        <AriaDialog role={role} className={styles.dialog ?? ""}>
          <header className={styles.header}>
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {role === "dialog" && <IconButton icon="close" label={t("kit.close")} onPress={onClose} />}
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className={styles.actions}>{children}</div>;
}
