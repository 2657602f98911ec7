/** Which part of the room is shown where, and how to get the caret there. */

import { useCallback, useEffect, useMemo, useRef, useState, type RefObject } from "react";
import type { RoomState } from "../../wire.gen";
import { useIsPhone } from "./useIsPhone";
import type { RoomPlaces } from "./useRoomActions";
import { useRemembered } from "./useRemembered";

export type View = "code" | "people" | "chat" | "kata";
export type SideView = "chat" | "kata";

const SIDES = ["chat", "kata"] as const;

export interface Places extends RoomPlaces {
  /** The phone's one column. */
  view: View;
  /** The right-hand panel. */
  side: SideView;
  show: (view: View) => void;
  isChatShown: boolean;
  unread: number;
  people: RefObject<HTMLElement | null>;
  code: RefObject<HTMLElement | null>;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function useRoomPlaces(state: RoomState): Places {
  const isPhone = useIsPhone();
  const [side, setSide] = useRemembered<SideView>("side", SIDES, "chat");
  const [view, setView] = useState<View>("code");
  const people = useRef<HTMLElement>(null);
  const code = useRef<HTMLElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const show = useCallback(
    (next: View) => {
      setView(next);
      if (next === "chat" || next === "kata") setSide(next);
    },
    [setSide],
  );
  const isChatShown = side === "chat" && (!isPhone || view === "chat");
  const unread = useUnread(state, isChatShown);
  return useMemo(() => {
    const goto = (next: View, find: () => HTMLElement | null | undefined): void => {
      show(next);
      // the panel is there after the next paint
      requestAnimationFrame(() => find()?.focus());
    };
    return {
      view,
      side,
      show,
      isChatShown,
      unread,
      people,
      code,
      field,
      focusEditor: () => goto("code", () => code.current?.querySelector<HTMLElement>(".cm-content")),
      focusChat: () => goto("chat", () => field.current),
      showPeople: () => goto("people", () => people.current),
      toggleKata: () => show(side === "kata" ? "chat" : "kata"),
    };
  }, [view, side, show, isChatShown, unread]);
}

/** Messages that came while the chat was not in sight. */
function useUnread(state: RoomState, isShown: boolean): number {
  const newest = state.chat.at(-1)?.id ?? null;
  const [seen, setSeen] = useState(newest);
  useEffect(() => {
    if (isShown) setSeen(newest);
  }, [isShown, newest]);
  if (isShown) return 0;
  const place = state.chat.findIndex((message) => message.id === seen);
  return state.chat.length - 1 - place;
}
