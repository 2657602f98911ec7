import { useState } from "react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Bits.module.css";
import { Button } from "./Button";
import { colourOf } from "./colours";
import { Icon } from "./Icon";
import type { IconName } from "./Icon";

export function Card({ children, as: Tag = "div" }: { children: ReactNode; as?: "div" | "section" | "article" | "li" }) {
  return <Tag className={styles.card}>{children}</Tag>;
}

interface EmptyStateProps {
  icon: IconName;
  title: string;
  /** The page's own heading, where nothing else is on it. */
  isHeading?: boolean;
  /** What will be here and how it gets here. */
  children: ReactNode;
  action?: ReactNode;
}

export function EmptyState({ icon, title, isHeading = false, children, action }: EmptyStateProps) {
  const Title = isHeading ? "h1" : "p";
  return (
    <div className={styles.empty}>
      <span className={styles.emptyIcon}>
        <Icon name={icon} size={28} />
      </span>
      <Title className={styles.emptyTitle}>{title}</Title>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Initials on the person's colour. The name is next to it or given as `label`. */
export function Avatar({ id, name, size = 36, label }: { id: string; name: string; size?: number; label?: string }) {
  const words = name.trim().split(/\s+/);
  const initials = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "").join("");
  return (
    <span
      className={styles.avatar}
      style={{ width: size, height: size, fontSize: size * 0.4, background: colourOf(id) }}
      data-initials={initials.toUpperCase()}
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    />
  );
}

export function Spinner({ label }: { label?: string }) {
  const { t } = useTranslation("app");
  return (
    <span role="status" className={styles.spinnerBox}>
      <span className={styles.spinner} aria-hidden="true" />
      <span className="visually-hidden">{label ?? t("kit.loading")}</span>
    </span>
  );
}

/** Keeps the place of what is being loaded, so that nothing jumps when it comes. */
export function Skeleton({ height = 20, width = "100%", count = 1 }: { height?: number; width?: number | string; count?: number }) {
  return (
    <div aria-hidden="true" className={styles.skeletons}>
      {Array.from({ length: count }, (_, index) => (
        <span key={index} className={styles.skeleton} style={{ height, width }} />
      ))}
    </div>
  );
}

export type LightColour = "red" | "amber" | "green" | "timeout";

const LIGHT_ICONS: Record<LightColour, IconName> = { red: "close", amber: "alert", green: "check", timeout: "clock" };

/** Colour, icon and word: a light is never colour alone. No colour: no light yet. */
export function LightChip({ colour, size = "m" }: { colour: LightColour | null; size?: "m" | "l" }) {
  const { t } = useTranslation("app");
  return (
    <span className={`${styles.chip ?? ""} ${styles[colour ?? "none"] ?? ""} ${size === "l" ? (styles.chipLarge ?? "") : ""}`} data-colour={colour ?? "none"}>
      <Icon name={colour === null ? "minus" : LIGHT_ICONS[colour]} size={size === "l" ? 22 : 16} />
      <span>{t(`kit.light.${colour ?? "none"}`)}</span>
    </span>
  );
}

/** A value to share, with a button that copies it and says so. */
export function CopyField({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation("app");
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
      setSaid(t("kit.copied"));
    } catch {
      setSaid(t("kit.copyByHand"));
    }
  };
  return (
    <div className={styles.copy}>
      <input
        readOnly
        aria-label={label}
        value={value}
        onFocus={(event) => {
          event.target.select();
        }}
      />
      <Button icon="copy" onPress={() => void copy()}>
        {t("kit.copy")}
      </Button>
      <span role="status" className={styles.said}>
        {said}
      </span>
    </div>
  );
}

/** A key or a chord, as it is printed on this machine's keyboard. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className={styles.keys}>
      {keysAsPrinted(keys).map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}

function keysAsPrinted(keys: string): string[] {
  const mac = /Mac|iP(hone|ad)/.test(navigator.userAgent);
  return keys.split("+").map((key) => {
    if (key === "mod") return mac ? "⌘" : "Ctrl";
    if (key === "alt") return mac ? "⌥" : "Alt";
    return key.length === 1 ? key.toUpperCase() : key.charAt(0).toUpperCase() + key.slice(1);
  });
}

export function TagList({ tags, label }: { tags: readonly string[]; label: string }) {
  if (tags.length === 0) return null;
  return (
    <ul className={styles.tags} aria-label={label}>
      {tags.map((tag) => (
        <li key={tag}>{tag}</li>
      ))}
    </ul>
  );
}
