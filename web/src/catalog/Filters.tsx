import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../kit/Button";
import { Choice, Select } from "../kit/Field";
import type { Facet } from "../wire.gen";
import styles from "./Catalogue.module.css";
import { EVERYTHING, isEverything, toggleTag } from "./query";
import type { Query } from "./query";
import { languageName } from "./languages";

interface Props {
  query: Query;
  change: (next: Query) => void;
  languages: readonly Facet[];
  tags: readonly Facet[];
}

/** A chosen value stays in the list even when nothing found has it, so that it can be taken away. */
function withChosen(facets: readonly Facet[], chosen: readonly string[]): Facet[] {
  const missing = chosen.filter((value) => !facets.some((facet) => facet.value === value));
  return [...facets, ...missing.map((value) => ({ value, count: 0 }))];
}

export function Filters({ query, change, languages, tags }: Props) {
  const { t } = useTranslation("catalog");
  const [open, setOpen] = useState(false);
  const chosen = query.tags.length + (query.language === null ? 0 : 1);
  const offered = withChosen(tags, query.tags);
  const spoken = withChosen(languages, query.language ? [query.language] : []);
  return (
    <section aria-label={t("filters")} className={styles.filters} data-open={open || undefined}>
      <Choice<Query["only"]>
        label={t("only")}
        name="only"
        value={query.only}
        onChange={(only) => change({ ...query, only })}
        options={(["all", "favourites", "mine"] as const).map((value) => ({ value, label: t(value) }))}
      />
      <div className={styles.moreFilters}>
        <Button icon="settings" aria-expanded={open} onPress={() => setOpen(!open)}>
          {chosen > 0 ? t("filtersOn", { count: chosen }) : t("filters")}
        </Button>
      </div>
      <div className={styles.foldable}>
        <Select
          label={t("language")}
          value={query.language ?? ""}
          onChange={(language) => change({ ...query, language: language || null })}
          options={[
            { value: "", label: t("anyLanguage") },
            ...spoken.map(({ value, count }) => ({ value, label: `${languageName(value)} (${String(count)})` })),
          ]}
        />
      </div>
      {offered.length > 0 && (
        <fieldset className={styles.foldable}>
          <legend className={styles.legend}>{t("tags")}</legend>
          <div className={styles.tags}>
            {offered.map(({ value, count }) => (
              <label key={value} className={styles.tag}>
                <input type="checkbox" checked={query.tags.includes(value)} onChange={() => change(toggleTag(query, value))} />
                <span>{value}</span>
                <span className={styles.tagCount}>{count}</span>
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {!isEverything(query) && (
        <Button icon="close" onPress={() => change(EVERYTHING)}>
          {t("clear")}
        </Button>
      )}
    </section>
  );
}
