/** What changed for me, or asks something of me, becomes a notice. */

import { useTranslation } from "react-i18next";
import { notify } from "../../kit/notices";
import type { RoomEvent, RoomState } from "../../wire.gen";
import type { Dojo } from "../protocol";
import { isHost } from "../state";
import type { Ask } from "./useAsk";
import { useNews } from "./useNews";

export interface NoticeOptions {
  dojo: Dojo;
  ask: Ask;
  isChatShown: boolean;
  showChat: () => void;
}

export function useRoomNotices({ dojo, ask, isChatShown, showChat }: NoticeOptions): void {
  const { t } = useTranslation("rooms");
  useNews(dojo, ({ payload, actor_id: actor }) => {
    const state = dojo.state;
    if (payload === null || state === null) return;
    const nameOf = (id: string): string => state.people[id]?.name ?? "";
    const say = (text: string): void => void notify({ kind: "info", text });
    switch (payload.kind) {
      case "keyboard_asked":
        return keyboardAsked(payload, state);
      case "speech_changed":
        if (payload.person_id === dojo.myId) say(t(payload.may_speak ? "news.unmuted" : "news.muted"));
        return;
      case "role_changed":
        if (payload.person_id === dojo.myId) say(t(`news.role.${payload.role}`));
        return;
      case "chat_sent":
        if (payload.message.to === dojo.myId && !isChatShown) {
          const action = { label: t("news.read"), run: showChat };
          notify({ kind: "info", text: t("news.private", { name: payload.message.name }), action });
        }
        return;
      case "hand_changed":
        if (payload.raised && payload.person_id !== dojo.myId && isHost(dojo.me)) {
          say(t("news.hand", { name: nameOf(payload.person_id) }));
        }
        return;
      case "phase_changed":
        if (payload.phase !== "retro" || isChatShown) say(t(`news.phase.${payload.phase}`));
        else notify({ kind: "info", text: t("news.phase.retro"), action: { label: t("news.write"), run: showChat } });
        return;
      case "rotation_stopped":
        say(t(payload.reason === "host" ? "news.stopped" : "news.stoppedEmpty"));
        return;
      case "rotation_paused":
        if (state.phase === "code" && actor !== dojo.myId) say(t("news.paused"));
        return;
      default:
    }
  });

  function keyboardAsked({ person_id: id }: Extract<RoomEvent, { kind: "keyboard_asked" }>, state: RoomState): void {
    const text = t("news.asked", { name: state.people[id]?.name ?? "" });
    const drives = state.rotation.driver === dojo.myId;
    if (isHost(dojo.me)) {
      notify({ kind: "info", text, action: { label: t("news.give"), run: () => void giveKeyboard(state, id, ask) } });
    } else if (drives) {
      const pass = (): void => void ask("rotation:control", { action: "skip" });
      notify({ kind: "info", text, action: { label: t("news.pass"), run: pass } });
    }
  }
}

/** They drive next, and next is now. */
async function giveKeyboard(state: RoomState, id: string, ask: Ask): Promise<void> {
  const { order, driver } = state.rotation;
  const rest = order.filter((other) => other !== id);
  const place = driver === null ? 0 : rest.indexOf(driver) + 1;
  const next = [...rest.slice(0, place), id, ...rest.slice(place)];
  if (await ask("rotation:reorder", { order: next })) await ask("rotation:control", { action: "skip" });
}
