/** The sign-in as a line to a dojo needs it. */
import { session } from "../identity/session";

/** Who enters. The session store renews the token before it ends; the line then tells the gateway. */
export interface Credentials {
  /** The present token, once it is known; null when signed out. `stale` asks for a newer one than that. */
  token: (stale: string | null) => Promise<string | null>;
  /** Hears every new token, and null when signed out. */
  subscribe: (listener: (token: string | null) => void) => () => void;
  myId: () => string | null;
}

/** The page's own session store. */
export const credentials: Credentials = {
  token: async (stale) => {
    if (session.get().status === "starting") await known();
    if (session.token() === null || session.token() === stale) await session.refresh(session.token());
    if (session.get().status === "unreachable") throw new Error("The server does not answer.");
    return session.token();
  },
  subscribe: (listener) =>
    session.subscribe((state) => {
      if (state.status === "in" || state.status === "out") listener(session.token());
    }),
  myId: () => session.get().signedIn?.me.user_id ?? null,
};

function known(): Promise<void> {
  return new Promise((resolve) => {
    const unsubscribe = session.subscribe((state) => {
      if (state.status === "starting") return;
      unsubscribe();
      resolve();
    });
  });
}
