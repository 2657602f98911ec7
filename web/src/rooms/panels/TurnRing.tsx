/** The turn: who drives, how long still. Readable from the other end of the room. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Avatar } from "../../kit/Bits";
import type { RoomState } from "../../wire.gen";
import { useTurnClock } from "../clock";
import { nextDriver } from "../state";
import css from "./TurnRing.module.css";

const RADIUS = 26;
const AROUND = 2 * Math.PI * RADIUS;

export interface TurnRingProps {
  state: RoomState;
  myId: string | null;
  serverNow: () => number;
}

export function TurnRing({ state, myId, serverNow }: TurnRingProps): ReactElement {
  const { t } = useTranslation("rooms");
  const clock = useTurnClock(state, myId, serverNow);
  const { driver, navigator } = state.rotation;
  const driving = driver === null ? undefined : state.people[driver];
  const navigating = navigator === null ? undefined : state.people[navigator];
  if (clock.status === "idle" || driving === undefined) {
    return (
      <div className={css.turn} data-idle>
        <span className={css.words}>
          <span className={css.free}>{t("turn.free")}</span>
          <span className={css.more}>{t("turn.freeMore")}</span>
        </span>
      </div>
    );
  }
  const next = navigating ?? nextDriver(state);
  return (
    <div
      className={css.turn}
      role="timer"
      aria-label={t(clock.status === "paused" ? "turn.labelPaused" : "turn.label", { name: driving.name, time: clock.text })}
      data-soon={clock.isSoon || undefined}
      data-status={clock.status}
    >
      <span className={css.ring}>
        <svg viewBox="0 0 60 60" aria-hidden="true">
          <circle className={css.track} cx="30" cy="30" r={RADIUS} />
          <circle
            className={css.left}
            cx="30"
            cy="30"
            r={RADIUS}
            strokeDasharray={AROUND}
            strokeDashoffset={AROUND * (1 - (clock.fraction ?? 0))}
          />
        </svg>
        <span className={css.face}>
          <Avatar name={driving.name} id={driving.id} size={36} />
        </span>
      </span>
      <span className={css.time}>{clock.text}</span>
      <span className={css.words}>
        <span className={css.driver}>
          {driving.id === myId ? t("turn.youDrive") : t("turn.drives", { name: driving.name })}
        </span>
        <span className={css.more}>
          {clock.status === "paused"
            ? t("turn.paused")
            : next === null
              ? t("turn.nobodyNext")
              : t(navigating === undefined ? "turn.next" : "turn.navigates", { name: next.name })}
        </span>
      </span>
    </div>
  );
}
