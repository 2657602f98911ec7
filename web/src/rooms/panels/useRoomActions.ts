/** What I can do in the room, for the buttons, the keys and the palette alike. */

import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useCommands } from "../../kit/commands";
import type { Dojo } from "../protocol";
import type { Runner } from "../run/useRunner";
import { isHost } from "../state";
import type { Media } from "../video/useMedia";
import type { Ask } from "./useAsk";

export interface RoomActions {
  toggleHand: () => void;
  react: (value: string) => void;
  run: () => void;
  askKeyboard: () => void;
  passKeyboard: () => void;
  leave: () => void;
}

export function useRoomActions(dojo: Dojo, ask: Ask, runner: Runner): RoomActions {
  const navigate = useNavigate();
  const { me, command, leave } = dojo;
  const run = runner.run;
  return useMemo(
    () => ({
      toggleHand: () => void ask("hand:set", { raised: me?.hand_at == null, person_id: null }),
      react: (value) => void command("signal:send", { kind: "reaction", value }),
      run: () => void run(),
      askKeyboard: () => void ask("keyboard:ask", {}),
      passKeyboard: () => void ask("rotation:control", { action: "skip" }),
      leave: () => {
        void leave();
        void navigate("/");
      },
    }),
    [ask, command, leave, me?.hand_at, navigate, run],
  );
}

export interface RoomPlaces {
  focusEditor: () => void;
  focusChat: () => void;
  showPeople: () => void;
  toggleKata: () => void;
}

/** Registers the room's keys; `?` lists them and the palette finds them. */
export function useRoomCommands(dojo: Dojo, media: Media, actions: RoomActions, places: RoomPlaces, ask: Ask): void {
  const { t } = useTranslation("rooms");
  const status = dojo.state?.rotation.status ?? "idle";
  const control = (action: "pause" | "resume" | "skip") => () => void ask("rotation:control", { action });
  const hostCommands =
    isHost(dojo.me) && status !== "idle"
      ? [
          {
            id: "room-pause",
            label: t(status === "paused" ? "keys.resume" : "keys.pause"),
            keys: "alt+p",
            run: control(status === "paused" ? "resume" : "pause"),
          },
          { id: "room-skip", label: t("keys.skip"), keys: "alt+s", run: control("skip") },
          {
            id: "room-extend",
            label: t("keys.extend"),
            keys: "alt+x",
            run: () => void ask("rotation:extend", { seconds: 60 }),
          },
        ]
      : [];
  useCommands([
    { id: "room-run", label: t("keys.run"), keys: "mod+Enter", run: actions.run },
    { id: "room-microphone", label: t("keys.microphone"), keys: "alt+m", run: media.toggleMicrophone },
    { id: "room-camera", label: t("keys.camera"), keys: "alt+v", run: media.toggleCamera },
    { id: "room-hand", label: t("keys.hand"), keys: "alt+h", run: actions.toggleHand },
    { id: "room-keyboard", label: t("keys.keyboard"), keys: "alt+k", run: actions.askKeyboard },
    { id: "room-editor", label: t("keys.editor"), keys: "alt+e", run: places.focusEditor },
    { id: "room-chat", label: t("keys.chat"), keys: "alt+c", run: places.focusChat },
    { id: "room-kata", label: t("keys.kata"), keys: "alt+t", run: places.toggleKata },
    { id: "room-people", label: t("keys.people"), keys: "alt+o", run: places.showPeople },
    ...hostCommands,
    { id: "room-leave", label: t("keys.leave"), run: actions.leave },
  ]);
}
