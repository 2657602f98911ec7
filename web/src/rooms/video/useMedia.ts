/** Audio and video of a dojo, for as long as the component is shown. */

import { useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { api, Problem } from "../../kit/api";
import type { MediaToken } from "../../wire.gen";
import { serverConfig } from "../config";
import { MediaLink } from "./link";
import { EMPTY_VIEW, type MediaView } from "./view";

export interface Media extends MediaView {
  toggleMicrophone: () => void;
  toggleCamera: () => void;
  choose: (kind: "microphone" | "camera" | "speaker", id: string) => void;
  shareScreen: () => Promise<void>;
  stopScreens: (id?: string) => void;
  hear: () => void;
  /** After another tab of the same person took over: use this one again. */
  takeBack: () => void;
}

const nothing = (): void => undefined;
const noSubscription = (): (() => void) => nothing;
const emptyView = (): MediaView => EMPTY_VIEW;

/** Where there is no audio and video, nobody is asked for it. */
async function mediaToken(roomId: string): Promise<MediaToken> {
  if (!(await serverConfig()).livekit) throw new Problem({ code: "no-media", status: 503 });
  return api.post<MediaToken>(`/rooms/${roomId}/media-token`);
}

/** One link per dojo; it starts when `active` (in the dojo) and stops with the component. */
export function useMedia(roomId: string, active: boolean): Media {
  const [link, setLink] = useState<MediaLink | null>(null);
  useEffect(() => {
    if (!active) return undefined;
    const next = new MediaLink(() => mediaToken(roomId));
    setLink(next);
    void next.start();
    return () => {
      next.stop();
      setLink(null);
    };
  }, [roomId, active]);
  const view = useSyncExternalStore(link?.subscribe ?? noSubscription, link?.look ?? emptyView);
  return useMemo(
    () => ({
      ...view,
      toggleMicrophone: () => void link?.switchOn("microphone", !view.microphone.on),
      toggleCamera: () => void link?.switchOn("camera", !view.camera.on),
      choose: (kind, id) => void link?.choose(kind, id),
      shareScreen: () => link?.shareScreen() ?? Promise.resolve(),
      stopScreens: (id) => void link?.stopScreens(id),
      hear: () => void link?.hear(),
      takeBack: () => link?.takeBack(),
    }),
    [view, link],
  );
}
