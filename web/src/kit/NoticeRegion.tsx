import { useTranslation } from "react-i18next";
import { Button, IconButton } from "./Button";
import { Icon } from "./Icon";
import { dismiss, useNotices } from "./notices";
import styles from "./NoticeRegion.module.css";

const ICONS = { info: "bell", success: "check", error: "alert" } as const;

/** The page's one notice region; it is always there, so that readers hear what is added. */
export function NoticeRegion() {
  const { t } = useTranslation("app");
  const notices = useNotices();
  return (
    // The attribute keeps the region heard and pressable while a modal dialog hides the rest of the page.
    <section className={styles.region} aria-label={t("kit.notices")} data-react-aria-top-layer="true">
      <div role="status" aria-live="polite" aria-relevant="additions" className={styles.list}>
        {notices.map((notice) => (
          <div key={notice.id} className={`${styles.notice ?? ""} ${styles[notice.kind] ?? ""}`}>
            <Icon name={ICONS[notice.kind]} />
            <p>{notice.text}</p>
            {notice.action && (
              <span className={styles.action}>
                <Button
                  size="s"
                  onPress={() => {
                    notice.action?.run();
                    dismiss(notice.id);
                  }}
                >
                  {notice.action.label}
                </Button>
              </span>
            )}
            <IconButton icon="close" size="s" label={t("kit.dismiss")} onPress={() => dismiss(notice.id)} />
          </div>
        ))}
      </div>
    </section>
  );
}
