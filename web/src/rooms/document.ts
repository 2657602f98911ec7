/** The shared document of the session: `useDocument`. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { session } from "../identity/session";
import { api } from "../kit/api";
import { colourOf } from "../kit/colours";
import type { EditorPass } from "../wire.gen";
import { gateways } from "./config";
import { EditorProvider, type SharedDocument } from "./provider";

export type { Refusal, SharedDocument } from "./provider";

interface Shared {
  provider: EditorProvider;
  users: number;
}
/** One line per document and person that this page has seen; unsaved edits stay in it. */
const providers = new Map<string, Shared>();

function sharedOf(roomId: string, documentId: string): Shared {
  const me = session.get().signedIn?.me;
  const id = me?.user_id ?? "";
  const key = `${documentId} ${id}`;
  let shared = providers.get(key);
  if (shared === undefined) {
    const provider = new EditorProvider({
      documentId,
      pass: () => api.post<EditorPass>(`/rooms/${roomId}/editor-pass`),
      gateways,
      origin: location.origin,
      user: { id, name: me?.name ?? "", color: colourOf(id) },
    });
    shared = { provider, users: 0 };
    providers.set(key, shared);
  }
  return shared;
}

/** Opens the line with the first user, and closes it a moment after the last: pages come and go. */
function hold(shared: Shared): () => void {
  const { provider } = shared;
  shared.users += 1;
  provider.start();
  window.addEventListener("online", provider.hurry);
  window.addEventListener("offline", provider.drop);
  return () => {
    shared.users -= 1;
    window.removeEventListener("online", provider.hurry);
    window.removeEventListener("offline", provider.drop);
    setTimeout(() => {
      if (shared.users === 0) provider.stop();
    }, 500);
  };
}

const NOTHING = { subscribe: () => () => undefined, snapshot: () => null };

/**
 * The session's document, or null while there is none (`documentId` null). Ask for it once the
 * dojo says `in`: the pass is given to those inside only.
 */
export function useDocument(roomId: string, documentId: string | null): SharedDocument | null {
  const shared = useMemo(() => (documentId === null ? null : sharedOf(roomId, documentId)), [roomId, documentId]);
  useEffect(() => (shared === null ? undefined : hold(shared)), [shared]);
  const store = shared?.provider ?? NOTHING;
  return useSyncExternalStore<SharedDocument | null>(store.subscribe, store.snapshot);
}
