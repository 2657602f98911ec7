/** Asks before someone is removed, or kept out for good. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../kit/Button";
import { Dialog, DialogActions } from "../../kit/Dialog";
import type { Person } from "../../wire.gen";
import type { Ask } from "./useAsk";

export interface Removal {
  readonly person: Person;
  readonly ban: boolean;
}

interface Props {
  removal: Removal | null;
  onClose: () => void;
  ask: Ask;
}

export function ConfirmRemoval({ removal, onClose, ask }: Props): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (removal === null) return null;
  const { person, ban } = removal;
  const name = person.name;
  return (
    <Dialog
      role="alertdialog"
      size="s"
      isOpen
      onClose={onClose}
      title={ban ? t("removal.banTitle", { name }) : t("removal.removeTitle", { name })}
    >
      <p>{ban ? t("removal.banWords", { name }) : t("removal.removeWords", { name })}</p>
      <DialogActions>
        <Button onPress={onClose}>{t("removal.keep")}</Button>
        <Button
          variant="danger"
          onPress={() => {
            onClose();
            void ask("person:remove", { person_id: person.id, ban });
          }}
        >
          {ban ? t("removal.ban") : t("removal.remove")}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
