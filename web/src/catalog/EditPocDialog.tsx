import { useState } from "react";
import { Form } from "react-aria-components";
import { useTranslation } from "react-i18next";
import { Button } from "../kit/Button";
import { Dialog, DialogActions } from "../kit/Dialog";
import { FormError } from "../kit/Field";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { Poc } from "../wire.gen";
import styles from "./Catalogue.module.css";
import { checkWords, splitTags } from "./form";
import type { PocWords, WordsProblem } from "./form";
import { PocFields } from "./PocFields";
import { useChangePoc } from "./pocs";

export function EditPocDialog({ poc, onClose }: { poc: Poc; onClose: () => void }) {
  const { t } = useTranslation(["catalog", "app"]);
  const [words, setWords] = useState<PocWords>({
    name: poc.name,
    description: poc.description,
    languages: poc.languages.join(", "),
    tags: poc.tags.join(", "),
    visibility: poc.visibility,
  });
  const [problem, setProblem] = useState<WordsProblem | null>(null);
  const change = useChangePoc(poc.id);
  const submit = () => {
    const wrong = checkWords(words);
    setProblem(wrong);
    if (wrong !== null || change.isPending) return;
    const { name, description, visibility } = words;
    const next = { revision: poc.revision, name: name.trim(), description, visibility };
    change.mutate(
      { ...next, languages: splitTags(words.languages), tags: splitTags(words.tags) },
      {
        onSuccess: () => {
          onClose();
          notify({ kind: "success", text: t("poc.saved") });
        },
      },
    );
  };
  return (
    <Dialog title={t("edit.title")} isOpen onClose={onClose}>
      <Form
        className={styles.form ?? ""}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <PocFields words={words} problem={problem} onChange={setWords} />
        <FormError>{change.error && problemText(change.error)}</FormError>
        <DialogActions>
          <Button onPress={onClose}>{t("app:kit.cancel")}</Button>
          <Button type="submit" variant="primary" isPending={change.isPending}>
            {t("app:kit.save")}
          </Button>
        </DialogActions>
      </Form>
    </Dialog>
  );
}
