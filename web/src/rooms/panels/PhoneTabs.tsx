/** On the phone the room is one column; these choose which. */

import type { ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { Icon, type IconName } from "../../kit/Icon";
import css from "./PhoneTabs.module.css";
import { Unread } from "./Unread";
import type { Places, View } from "./useRoomPlaces";

const VIEWS: readonly { view: View; icon: IconName }[] = [
  { view: "code", icon: "code" },
  { view: "people", icon: "people" },
  { view: "chat", icon: "chat" },
  { view: "kata", icon: "notes" },
];

export function PhoneTabs({ places, waits }: { places: Places; waits: number }): ReactElement {
  const { t } = useTranslation("rooms");
  return (
    <nav className={css.tabs} aria-label={t("side.views")}>
      {VIEWS.map(({ view, icon }) => (
        <button
          key={view}
          type="button"
          className={css.tab}
          aria-current={places.view === view}
          onClick={() => places.show(view)}
        >
          <Icon name={icon} size={18} />
          {t(`${view}.title`)}
          <span className={css.count}>
            {view === "chat" ? <Unread count={places.unread} /> : null}
            {view === "people" ? <Unread count={waits} words={t("lobby.knocks", { count: waits })} /> : null}
          </span>
        </button>
      ))}
    </nav>
  );
}
