import { useTranslation } from "react-i18next";
import { EmptyState, Skeleton } from "../kit/Bits";
import { useSession } from "../identity/session";
import styles from "./Layout.module.css";

/** While we ask who is here; when the server does not answer, it says so and goes on asking. */
export function StartingPage() {
  const { t } = useTranslation("app");
  const { status } = useSession();
  return (
    <div className={styles.starting} role="status">
      {status === "unreachable" ? (
        <EmptyState icon="wifiOff" title={t("unreachable.title")} isHeading>
          {t("unreachable.words")}
        </EmptyState>
      ) : (
        <>
          <span className="visually-hidden">{t("kit.loading")}</span>
          <Skeleton height={36} width="min(320px, 60%)" />
          <Skeleton height={120} count={2} />
        </>
      )}
    </div>
  );
}
