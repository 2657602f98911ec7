/** Asks for a file's name, and says at once why a name cannot be. */
import { useState, type FormEvent, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../kit/Button";
import { Dialog, DialogActions } from "../../kit/Dialog";
import { TextField } from "../../kit/TextField";
import type { DojoFile } from "../../wire.gen";
import css from "./Editor.module.css";
import { badName } from "./fileName";

export interface FileNameDialogProps {
  files: readonly DojoFile[];
  /** The file that gets another name; null for a new one. */
  renamed: DojoFile | null;
  onName: (name: string) => void;
  onClose: () => void;
}

export function FileNameDialog({ files, renamed, onName, onClose }: FileNameDialogProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [name, setName] = useState(renamed?.name ?? "");
  const [isTried, setTried] = useState(false);
  const bad = badName(name, files, renamed?.id ?? null);
  // An empty field is not a mistake until one goes on with it.
  const error = bad !== null && (isTried || bad !== "empty") ? t(`editor.name.${bad}`) : undefined;
  const send = (event: FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (bad === null) onName(name);
  };
  return (
    <Dialog title={renamed === null ? t("editor.add_file") : t("editor.rename_file", { file: renamed.name })} isOpen onClose={onClose} size="s">
      <form className={css.form} onSubmit={send} noValidate>
        <TextField
          label={renamed === null ? t("editor.new_name") : t("editor.name_of", { file: renamed.name })}
          value={name}
          onChange={(value) => setName(value.trim())}
          error={error}
          autoFocus
          autoComplete="off"
          spellCheck="false"
        />
        <DialogActions>
          <Button onPress={onClose}>{t("editor.cancel")}</Button>
          <Button type="submit" variant="primary">
            {renamed === null ? t("editor.add") : t("editor.save_name")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
