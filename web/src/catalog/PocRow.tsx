import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { formatAgo } from "../i18n/format";
import { TagList } from "../kit/Bits";
import { ToggleIconButton } from "../kit/Button";
import { Icon } from "../kit/Icon";
import type { PocSummary } from "../wire.gen";
import styles from "./Catalogue.module.css";
import { Cover } from "./Cover";
import { languageName } from "./languages";
import { useFavourite } from "./pocs";

/** The first lines of a description without its Markdown marks. */
function plainText(markdown: string): string {
  return markdown.replace(/```[\s\S]*?```/g, " ").replace(/[#*_`>]/g, "").replace(/\[(.*?)\]\(.*?\)/g, "$1").trim();
}

export function PocRow({ poc }: { poc: PocSummary }) {
  const { t } = useTranslation("catalog");
  const favourite = useFavourite();
  const facts = [...poc.languages.map(languageName), formatAgo(poc.created_at)];
  if (poc.authors.length > 0) facts.push(t("by", { authors: poc.authors.join(", ") }));
  return (
    <li className={styles.poc}>
      <div className={styles.pocCover}>
        <Cover poc={poc} />
      </div>
      <div className={styles.pocWords}>
        <h2>
          <Link to={`/pocs/${poc.id}`} data-poc-link>
            {poc.name}
          </Link>
        </h2>
        {poc.description && <p className={styles.pocText}>{plainText(poc.description)}</p>}
        <p className={styles.facts}>
          {poc.visibility === "private" && (
            <span className={styles.private}>
              <Icon name="lock" size={14} /> {t("private")} ·{" "}
            </span>
          )}
          {facts.join(" · ")}
        </p>
        <TagList tags={poc.tags} label={t("tags")} />
      </div>
      <ToggleIconButton
        icon="star"
        label={t("favouriteOf", { name: poc.name })}
        isSelected={poc.favourite}
        onChange={(on) => {
          favourite.mutate({ id: poc.id, favourite: on });
        }}
      />
    </li>
  );
}
