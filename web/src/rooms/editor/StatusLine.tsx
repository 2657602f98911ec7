/** In words: whether all is saved, and why one may not type. */
import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Button, ToggleIconButton } from "../../kit/Button";
import { Icon } from "../../kit/Icon";
import type { SharedDocument } from "../document";
import type { Dojo } from "../protocol";
import { mayType, type NoTyping } from "../state";
import type { Follow } from "./useFollow";
import css from "./Editor.module.css";

/** Why I may not type here and now, or null. */
export type WhyNot = NoTyping | "connecting" | "read_only";

export function whyNot(dojo: Dojo, document: SharedDocument | null): WhyNot | null {
  if (dojo.state === null || document === null || document.status === "connecting") return "connecting";
  const may = mayType(dojo.state, dojo.myId);
  if (!may.may) return may.why;
  return document.status === "read-only" ? "read_only" : null;
}

export function SavedWords({ document }: { document: SharedDocument | null }): ReactElement {
  const { t } = useTranslation("rooms");
  const status = document?.status ?? "connecting";
  const count = document?.unsaved ?? 0;
  const words = {
    connecting: () => t("editor.status.connecting"),
    "read-only": () => t("editor.status.read_only"),
    offline: () => (count > 0 ? t("editor.status.offline_count", { count }) : t("editor.status.offline")),
    synced: () => (count > 0 ? t("editor.status.saving", { count }) : t("editor.status.saved")),
  }[status];
  const icon = { connecting: "sync", "read-only": "eye", offline: "wifiOff", synced: count > 0 ? "sync" : "check" } as const;
  return (
    <span className={css.saved} data-status={status} data-unsaved={count > 0 || undefined} data-testid="saved">
      <Icon name={icon[status]} size={16} />
      <span className={css.words}>{words()}</span>
    </span>
  );
}

export interface WhyLineProps {
  dojo: Dojo;
  why: WhyNot;
  onNotice: (words: string) => void;
}

/** The reason, and what one can do about it. */
export function WhyLine({ dojo, why, onNotice }: WhyLineProps): ReactElement {
  const { t } = useTranslation("rooms");
  const { state, myId, command } = dojo;
  const driver = state?.lease.holder == null ? undefined : state.people[state.lease.holder];
  const hasAsked = myId !== null && (state?.keyboard_asked.includes(myId) ?? false);
  const ask = (): void =>
    void command("keyboard:ask", {}).then((ack) => {
      if (!ack.ok) onNotice(ack.problem.title);
    });
  const words =
    why !== "turn" ? t(`editor.why.${why}`)
    : driver === undefined ? t("editor.why.turn_nobody")
    : t("editor.why.turn", { name: driver.name });
  return (
    <div className={css.why} role="status" data-testid="why">
      <Icon name="lock" size={16} />
      <span>{words}</span>
      {why === "turn" ? (
        <Button size="s" icon="keyboard" isDisabled={hasAsked} onPress={ask}>
          {hasAsked ? t("editor.asked") : t("editor.ask")}
        </Button>
      ) : null}
    </div>
  );
}

/** Switches following on and off; nothing when there is nobody to follow. */
export function FollowButton({ name, follow }: { name: string | null; follow: Follow }): ReactElement | null {
  const { t } = useTranslation("rooms");
  if (name === null) return null;
  return (
    <>
      {follow.isOn ? <span className={css.following}>{t("editor.following", { name })}</span> : null}
      <ToggleIconButton icon="eye" label={t("editor.follow")} isSelected={follow.isOn} onChange={follow.set} />
    </>
  );
}
