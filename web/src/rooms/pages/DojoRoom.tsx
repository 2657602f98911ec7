/** The room itself: one screen, nothing important behind a menu; on the phone one column. */

import { useQuery } from "@tanstack/react-query";
import { Suspense, useCallback, useEffect, useRef, useState, type ReactElement } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../kit/api";
import { Skeleton } from "../../kit/Bits";
import { notify } from "../../kit/notices";
import type { Room, RoomState } from "../../wire.gen";
import { useBellSounds } from "../bell";
import { useDocument } from "../document";
import { Editor } from "../editor";
import { usePageSigns } from "../pageSigns";
import { Bell } from "../panels/Bell";
import { BottomBar } from "../panels/BottomBar";
import { ConnectionBar } from "../panels/ConnectionBar";
import { Invite } from "../panels/Invite";
import { Lobby } from "../panels/Lobby";
import { Output } from "../panels/Output";
import { People } from "../panels/People";
import { PhoneTabs } from "../panels/PhoneTabs";
import { Reactions } from "../panels/Reactions";
import { RotationControls } from "../panels/RotationControls";
import { Side } from "../panels/Side";
import { TopBar } from "../panels/TopBar";
import { useAsk } from "../panels/useAsk";
import { useIsPhone } from "../panels/useIsPhone";
import { useRemembered } from "../panels/useRemembered";
import { useRoomActions, useRoomCommands } from "../panels/useRoomActions";
import { useRoomNotices } from "../panels/useRoomNotices";
import { useRoomPlaces } from "../panels/useRoomPlaces";
import type { Dojo } from "../protocol";
import { useRunner } from "../run/useRunner";
import { lastLight } from "../state";
import { ScreenStage } from "../video/ScreenStage";
import { useMedia } from "../video/useMedia";
import { VideoStrip } from "../video/VideoStrip";
import css from "./DojoRoom.module.css";

const SAID = (words: string): void => void notify({ kind: "info", text: words });
const FOLD = ["open", "folded"] as const;

export function DojoRoom({ dojo, state }: { dojo: Dojo; state: RoomState }): ReactElement {
  const { t } = useTranslation("rooms");
  const ask = useAsk(dojo);
  const document = useDocument(dojo.roomId, state.document_id);
  const runner = useRunner(dojo, document);
  const media = useMedia(dojo.roomId, true);
  const actions = useRoomActions(dojo, ask, runner);
  const places = useRoomPlaces(state);
  const isPhone = useIsPhone();
  const [strip, setStrip] = useRemembered("strip", FOLD, "open");
  const [output, setOutput] = useRemembered("output", FOLD, "open");
  const [to, setTo] = useState<string | null>(null);
  const link = useShareLink(dojo.roomId);
  useWarmUp(runner.warmUp);
  useRoomCommands(dojo, media, actions, places, ask);
  useRoomNotices({ dojo, ask, isChatShown: places.isChatShown, showChat: places.focusChat });
  const write = (id: string): void => {
    setTo(id);
    places.focusChat();
  };
  return (
    <div className={css.room} data-view={places.view}>
      <TopBar dojo={dojo} state={state} ask={ask} quality={media.quality} link={link} />
      <ConnectionBar dojo={dojo} document={document} />
      <VideoStrip
        state={state}
        myId={dojo.myId}
        media={media}
        folded={strip === "folded"}
        onFold={(folded) => setStrip(folded ? "folded" : "open")}
      />
      {isPhone ? <Lobby dojo={dojo} ask={ask} /> : null}
      <PhoneTabs places={places} waits={waitingCount(state)} />
      <main className={css.main}>
        <aside className={css.people} aria-label={t("people.title")} ref={places.people} tabIndex={-1}>
          {isPhone ? null : <Lobby dojo={dojo} ask={ask} />}
          <People dojo={dojo} ask={ask} onWrite={write} />
          {link !== null && isAlone(state) ? <Invite link={link} /> : null}
          <RotationControls dojo={dojo} ask={ask} />
        </aside>
        <div className={css.centre} data-light={lastLight(state)?.colour} data-sharing={media.screens.length > 0 || undefined}>
          <section className={css.code} aria-label={t("code.title")} ref={places.code}>
            <div className={css.editor}>
              <Suspense fallback={<Skeleton count={12} />}>
                <Editor dojo={dojo} document={document} runner={runner} onNotice={SAID} />
              </Suspense>
            </div>
            <Output
              state={state}
              running={runner.words}
              folded={output === "folded"}
              onFold={(folded) => setOutput(folded ? "folded" : "open")}
            />
          </section>
          <ScreenStage media={media} nameOf={(id) => state.people[id]?.name ?? ""} />
        </div>
        <Side dojo={dojo} ask={ask} state={state} places={places} to={to} onTo={setTo} />
      </main>
      <BottomBar dojo={dojo} state={state} media={media} runner={runner} actions={actions} />
      <Bell dojo={dojo} state={state} onMyTurn={places.focusEditor} />
      <Reactions dojo={dojo} />
      <Signs dojo={dojo} />
    </div>
  );
}

/** Bell and page title look at the clock four times a second; nothing else renders again for them. */
function Signs({ dojo }: { dojo: Dojo }): null {
  useBellSounds(dojo);
  usePageSigns(dojo);
  return null;
}

const isAlone = (state: RoomState): boolean => !Object.values(state.people).some((person) => person.id !== state.owner_id);

const waitingCount = (state: RoomState): number =>
  Object.values(state.people).filter((person) => person.presence === "waiting").length;

/** The address that lets others in; null where the person may not see it. */
function useShareLink(roomId: string): string | null {
  const room = useQuery({
    queryKey: ["room", roomId],
    queryFn: ({ signal }) => api.get<Room>(`/rooms/${roomId}`, { signal }),
    staleTime: 60_000,
    retry: false,
  });
  return room.data === undefined ? null : `${window.location.origin}/j/${room.data.code}`;
}

/** Loads the language's runtime a moment after the room is there, so that the first run does not wait. */
function useWarmUp(warmUp: () => void): void {
  const latest = useRef(warmUp);
  useEffect(() => {
    latest.current = warmUp;
  });
  const start = useCallback(() => latest.current(), []);
  useEffect(() => {
    const timer = window.setTimeout(start, 2_500);
    return () => window.clearTimeout(timer);
  }, [start]);
}
