/** The right-hand panel: chat or kata, one at a time, remembered. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Tabs } from "../../kit/Tabs";
import type { RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { Chat } from "./Chat";
import { KataText } from "./KataText";
import css from "./Side.module.css";
import { Unread } from "./Unread";
import type { Ask } from "./useAsk";
import type { Places } from "./useRoomPlaces";

export interface SideProps {
  dojo: Dojo;
  ask: Ask;
  state: RoomState;
  places: Places;
  to: string | null;
  onTo: (id: string | null) => void;
}

export function Side({ dojo, ask, state, places, to, onTo }: SideProps): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <aside className={css.side} data-view={places.view} aria-label={t("side.title")}>
      <Tabs
        label={t("side.title")}
        selected={places.side}
        onSelect={places.show}
        tabs={[
          {
            id: "chat",
            label: (
              <>
                {t("chat.title")} <Unread count={places.unread} />
              </>
            ),
            content: <Chat dojo={dojo} ask={ask} to={to} onTo={onTo} field={places.field} />,
          },
          { id: "kata", label: t("kata.title"), content: <KataText slug={state.kata} /> },
        ]}
      />
    </aside>
  );
}
