import { useTranslation } from "react-i18next";
import { Choice } from "../kit/Field";
import { TextField } from "../kit/TextField";
import styles from "./Catalogue.module.css";
import type { PocWords, WordsProblem } from "./form";
import type { Visibility } from "./types";

interface Props {
  words: PocWords;
  problem: WordsProblem | null;
  onChange: (words: PocWords) => void;
}

/** The fields of keeping and of editing a POC. */
export function PocFields({ words, problem, onChange }: Props) {
  const { t } = useTranslation("catalog");
  const wrong = (field: "tags" | "languages") => {
    if (problem?.field !== field) return undefined;
    return problem.bad === null ? t("form.manyTags") : t("form.badTag", { tag: problem.bad });
  };
  return (
    <>
      <TextField
        label={t("form.name")}
        maxLength={80}
        autoFocus
        value={words.name}
        error={problem?.field === "name" ? t("form.nameMissing") : undefined}
        onChange={(name) => onChange({ ...words, name })}
      />
      <TextField
        label={t("form.description")}
        hint={t("form.descriptionHint")}
        rows={3}
        maxLength={4000}
        value={words.description}
        onChange={(description) => onChange({ ...words, description })}
      />
      <div className={styles.pair}>
        <TextField
          label={t("form.tags")}
          hint={t("form.tagsHint")}
          error={wrong("tags")}
          value={words.tags}
          onChange={(tags) => onChange({ ...words, tags })}
        />
        <TextField
          label={t("form.languages")}
          hint={t("form.tagsHint")}
          error={wrong("languages")}
          value={words.languages}
          onChange={(languages) => onChange({ ...words, languages })}
        />
      </div>
      <Choice<Visibility>
        label={t("form.visibility")}
        name="visibility"
        value={words.visibility}
        onChange={(visibility) => onChange({ ...words, visibility })}
        options={(["tenant", "private"] as const).map((value) => ({ value, label: t(`form.${value}`) }))}
      />
    </>
  );
}
