/** The bell: who drives and navigates now, for everybody; "you are next", for one. */

import { useCallback, useEffect, useRef, useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "../../kit/Icon";
import type { RoomState } from "../../wire.gen";
import { useTurnClock } from "../clock";
import type { Dojo } from "../protocol";
import { useNews } from "./useNews";
import css from "./Bell.module.css";

const SHOWN_MS = 7_000;

interface Turn {
  readonly driver: string;
  readonly words: string;
  readonly missed: string;
}

export interface BellProps {
  dojo: Dojo;
  state: RoomState;
  /** Called when the keyboard came to me. */
  onMyTurn: () => void;
}

export function Bell({ dojo, state, onMyTurn }: BellProps): ReactElement {
  const { t } = useTranslation("rooms");
  const [turn, show] = useShownTurn();
  useNews(dojo, ({ payload }) => {
    if (payload?.kind !== "turn_started") return;
    const driver = state.people[payload.driver]?.name ?? "";
    const navigator = payload.navigator === null ? null : (state.people[payload.navigator]?.name ?? "");
    const words = navigator === null ? t("bell.drivesAlone", { driver }) : t("bell.drives", { driver, navigator });
    const skipped = payload.skipped.flatMap((id) => state.people[id]?.name ?? []);
    const missed = skipped.length === 0 ? "" : t("bell.skipped", { names: skipped.join(", ") });
    show({ driver: payload.driver, words, missed });
    if (payload.driver === dojo.myId) onMyTurn();
  });
  const mine = turn !== null && turn.driver === dojo.myId;
  return (
    <div className={css.bell}>
      <div role="status" className={css.place} data-testid="bell">
        {turn === null ? null : (
          <p className={css.banner} data-mine={mine || undefined}>
            <Icon name="bell" size={26} />
            <span>{turn.words}</span>
            {mine ? <span className={css.more}>{t("bell.yours")}</span> : null}
            {turn.missed === "" ? null : <span className={css.more}>{turn.missed}</span>}
          </p>
        )}
      </div>
      <NextNotice dojo={dojo} state={state} isHidden={turn !== null} />
    </div>
  );
}

function useShownTurn(): [Turn | null, (turn: Turn) => void] {
  const [turn, setTurn] = useState<Turn | null>(null);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const show = useCallback((next: Turn) => {
    window.clearTimeout(timer.current);
    setTurn(next);
    timer.current = window.setTimeout(() => setTurn(null), SHOWN_MS);
  }, []);
  return [turn, show];
}

/** Only the next driver sees and hears it. */
function NextNotice({ dojo, state, isHidden }: { dojo: Dojo; state: RoomState; isHidden: boolean }): ReactElement {
  const { t } = useTranslation("rooms");
  const clock = useTurnClock(state, dojo.myId, dojo.serverNow);
  return (
    <div role="status" className={css.place} data-testid="you-are-next">
      {clock.amNext && !isHidden ? (
        <p className={css.next}>
          <Icon name="keyboard" size={20} />
          {t("bell.next")}
        </p>
      ) : null}
    </div>
  );
}
