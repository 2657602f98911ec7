/** What the room is doing now: name, phase, turn, light, line; and the way to invite or to end. */

import { useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { LightChip } from "../../kit/Bits";
import { Button, IconButton } from "../../kit/Button";
import { Dialog, DialogActions } from "../../kit/Dialog";
import { Icon, type IconName } from "../../kit/Icon";
import { notify } from "../../kit/notices";
import type { RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { isHost, lastLight } from "../state";
import type { Quality } from "../video/view";
import { TurnRing } from "./TurnRing";
import type { Ask } from "./useAsk";
import { useIsPhone } from "./useIsPhone";
import css from "./TopBar.module.css";

export interface TopBarProps {
  dojo: Dojo;
  state: RoomState;
  ask: Ask;
  quality: Quality;
  /** The address to share; null until it is known. */
  link: string | null;
}

export function TopBar({ dojo, state, ask, quality, link }: TopBarProps): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <header className={css.bar}>
      <div className={css.name}>
        <h1>{state.name}</h1>
        <span className={css.phase} data-phase={state.phase}>
          <Icon name={PHASE_ICONS[state.phase]} size={16} />
          {t(`phase.${state.phase}`)}
        </span>
      </div>
      <TurnRing state={state} myId={dojo.myId} serverNow={dojo.serverNow} />
      <span role="status" className={css.light} aria-label={t("light.title")} data-testid="light">
        <LightChip colour={lastLight(state)?.colour ?? null} size="l" />
      </span>
      <div className={css.tools}>
        <LineQuality dojo={dojo} quality={quality} />
        {link === null ? null : <CopyLink link={link} />}
        {isHost(dojo.me) ? <EndDojo ask={ask} /> : null}
      </div>
    </header>
  );
}

/** On the phone the name of the dojo needs the room. */
function CopyLink({ link }: { link: string }): ReactElement {
  const { t } = useTranslation("rooms");
  const copy = (): void => void copyLink(link, t);
  if (useIsPhone()) return <IconButton icon="link" label={t("bar.copyLink")} onPress={copy} />;
  return (
    <Button size="s" icon="link" onPress={copy}>
      {t("bar.copyLink")}
    </Button>
  );
}

const PHASE_ICONS: Record<RoomState["phase"], IconName> = { code: "code", break: "coffee", retro: "notes" };

async function copyLink(link: string, t: (key: "bar.copied" | "bar.copyByHand", options: { link: string }) => string): Promise<void> {
  try {
    await navigator.clipboard.writeText(link);
    notify({ kind: "success", text: t("bar.copied", { link }) });
  } catch {
    // a page that may not write the clipboard shows the address instead
    notify({ kind: "info", text: t("bar.copyByHand", { link }) });
  }
}

const SLOW_SECONDS = 0.4;

/** The worse of the two lines: to the room, and to LiveKit. */
function LineQuality({ dojo, quality }: { dojo: Dojo; quality: Quality }): ReactElement {
  const { t } = useTranslation("rooms");
  const slow = dojo.roundTrip !== null && dojo.roundTrip > SLOW_SECONDS;
  const lost = dojo.status === "reconnecting";
  const level = lost ? "lost" : slow || quality === "poor" || quality === "lost" ? "weak" : "good";
  return (
    <span className={css.quality} data-level={level} title={t(`line.quality.${level}`)}>
      <Icon name={lost ? "wifiOff" : "signal"} size={18} />
      <span>{t(`line.quality.${level}`)}</span>
    </span>
  );
}

function EndDojo({ ask }: { ask: Ask }): ReactElement {
  const { t } = useTranslation("rooms");
  const [asks, setAsks] = useState(false);
  return (
    <>
      <Button size="s" icon="stop" onPress={() => setAsks(true)}>
        {t("end.button")}
      </Button>
      <Dialog role="alertdialog" size="s" isOpen={asks} onClose={() => setAsks(false)} title={t("end.title")}>
        <p>{t("end.words")}</p>
        <DialogActions>
          <Button onPress={() => setAsks(false)}>{t("end.stay")}</Button>
          <Button
            variant="danger"
            onPress={() => {
              setAsks(false);
              void ask("session:close", {});
            }}
          >
            {t("end.confirm")}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}
