import { useEffect } from "react";
import type { ReactNode } from "react";
import styles from "./Page.module.css";

interface Props {
  /** The level-one heading, and the window's title. */
  title: string;
  /** Next to the heading. */
  actions?: ReactNode;
  intro?: ReactNode;
  /** A narrow column, for forms. */
  narrow?: boolean;
  children: ReactNode;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "Live Dojo" ? title : `${title} · Live Dojo`;
  }, [title]);
}

export function Page({ title, actions, intro, narrow, children }: Props) {
  useTitle(title);
  return (
    <div className={`${styles.page ?? ""} ${narrow ? (styles.narrow ?? "") : ""}`}>
      <div className={styles.head}>
        <h1>{title}</h1>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {intro && <div className={styles.intro}>{intro}</div>}
      {children}
    </div>
  );
}
