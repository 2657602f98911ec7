import { useEffect } from "react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { Icon } from "../kit/Icon";
import styles from "./Page.module.css";

interface Props {
  /** The level-one heading, and the window's title. */
  title: string;
  /** Next to the heading. */
  actions?: ReactNode;
  intro?: ReactNode;
  /** The list that this page is one of. */
  back?: { to: string; label: string };
  /** A narrow column, for forms. */
  narrow?: boolean;
  children: ReactNode;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "Live Dojo" ? title : `${title} · Live Dojo`;
  }, [title]);
}

export function Page({ title, actions, intro, back, narrow, children }: Props) {
  useTitle(title);
  return (
    <div className={`${styles.page ?? ""} ${narrow ? (styles.narrow ?? "") : ""}`}>
      <div className={styles.head}>
        <div className={styles.words}>
          {back && (
            <Link to={back.to} className={styles.back}>
              <Icon name="arrowLeft" size={16} />
              {back.label}
            </Link>
          )}
          <h1>{title}</h1>
          {intro && <div className={styles.intro}>{intro}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}
