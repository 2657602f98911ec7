import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { languageName } from "../catalog/languages";
import { formatAgo } from "../i18n/format";
import { api } from "../kit/api";
import { EmptyState, Skeleton } from "../kit/Bits";
import type { PocPage } from "../wire.gen";
import { Failed } from "./Failed";
import styles from "./Home.module.css";

const SHOWN = 5;

export function LastPocs() {
  const { t } = useTranslation("app");
  const pocs = useQuery({
    queryKey: ["pocs", "last"],
    queryFn: ({ signal }) => api.get<PocPage>("/pocs", { query: { limit: SHOWN }, signal }),
  });
  return (
    <section aria-labelledby="pocs" className={styles.column}>
      <div className={styles.columnHead}>
        <h2 id="pocs">{t("home.pocs")}</h2>
        <Link to="/pocs">{t("home.allPocs")}</Link>
      </div>
      {pocs.isPending && <Skeleton height={64} count={3} />}
      {pocs.error && <Failed error={pocs.error} onRetry={() => void pocs.refetch()} />}
      {pocs.data?.items.length === 0 && (
        <EmptyState icon="code" title={t("home.noPocs")}>
          {t("home.noPocsText")}
        </EmptyState>
      )}
      {pocs.data && pocs.data.items.length > 0 && (
        <ul className={styles.rows}>
          {pocs.data.items.map((poc) => (
            <li key={poc.id} className={styles.row}>
              <div className={styles.rowWords}>
                <h3>
                  <Link to={`/pocs/${poc.id}`}>{poc.name}</Link>
                </h3>
                <p>
                  {[...poc.languages.map(languageName), formatAgo(poc.created_at), ...(poc.authors.length > 0 ? [t("home.by", { authors: poc.authors.join(", ") })] : [])].join(" · ")}
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
