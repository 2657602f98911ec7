import { useSyncExternalStore } from "react";
import { api, Problem, setAuthority } from "../kit/api";
import type { Me, SignedIn } from "../wire.gen";

/**
 * Whether somebody is signed in here. `starting`: the first refresh is under way;
 * `unreachable`: the server did not answer it, and we go on asking.
 */
export type SessionState =
  | { status: "starting" | "out" | "unreachable"; signedIn: null }
  | { status: "in"; signedIn: SignedIn };

type Message = { kind: "in"; signedIn: SignedIn } | { kind: "out" };

const EARLY = 60;
const RETRY = 4;
/** Seconds that a timer may wait: a longer one overflows, and rings at once. */
const LONGEST = 86_400;
const OUT: SessionState = { status: "out", signedIn: null };

/** Seconds the token lives, from the token itself where it says so: this machine's clock may be wrong. */
export function lifetime(signedIn: SignedIn): number {
  try {
    const part = signedIn.access_token.split(".")[1] ?? "";
    const claims = JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/"))) as { iat?: number; exp?: number };
    if (claims.iat !== undefined && claims.exp !== undefined) return claims.exp - claims.iat;
  } catch {
    // An opaque token: the wall clock decides.
  }
  return signedIn.expires_at - Date.now() / 1000;
}

/** One person's sign-in in this browser: the access token in memory, the refresh token in a cookie we cannot read. */
export class SessionStore {
  private state: SessionState = { status: "starting", signedIn: null };
  private readonly listeners = new Set<(state: SessionState) => void>();
  private readonly channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("dojo-session");
  private refreshing: Promise<boolean> | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private renewAt = 0;

  constructor() {
    if (this.channel) this.channel.onmessage = (event: MessageEvent<Message>) => this.hear(event.data);
  }

  get = (): SessionState => this.state;

  token = (): string | null => this.state.signedIn?.access_token ?? null;

  subscribe = (listener: (state: SessionState) => void): (() => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  /** Asks the cookie who we are. */
  async start(): Promise<void> {
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.renewAt > 0 && Date.now() > this.renewAt) void this.refresh(this.token());
    });
    await this.refresh(null);
  }

  /** Takes what signing up, signing in, accepting an invitation or joining as a guest gave. */
  accept = (signedIn: SignedIn): void => {
    this.settle({ status: "in", signedIn });
    this.channel?.postMessage({ kind: "in", signedIn } satisfies Message);
  };

  /** Ends the sign-in on the server too; here it ends whatever the server answers. */
  async signOut(): Promise<void> {
    try {
      await api.delete("/session");
    } finally {
      this.forget();
    }
  }

  /** The server says that this sign-in is over. */
  forget = (): void => {
    this.settle(OUT);
    this.channel?.postMessage({ kind: "out" } satisfies Message);
  };

  /** A newer token than `stale`: another tab's if it got one meanwhile, else from the cookie. */
  refresh = (stale: string | null): Promise<boolean> => {
    if (this.token() !== stale) return Promise.resolve(this.token() !== null);
    this.refreshing ??= this.locked(stale).finally(() => (this.refreshing = null));
    return this.refreshing;
  };

  private locked(stale: string | null): Promise<boolean> {
    const ask = () => (this.token() === stale ? this.ask(stale) : Promise.resolve(this.token() !== null));
    return "locks" in navigator ? navigator.locks.request("dojo-refresh", ask) : ask();
  }

  private async ask(stale: string | null): Promise<boolean> {
    try {
      // 204: nobody is signed in here.
      const signedIn = await api.post<SignedIn | undefined>("/session/refresh", undefined, { anonymous: true });
      if (signedIn) this.accept(signedIn);
      else this.lapse(stale);
      return signedIn !== undefined;
    } catch (error) {
      if (error instanceof Problem && (error.status === 401 || error.status === 403)) this.lapse(stale);
      else this.retryLater();
      return false;
    }
  }

  /** The cookie is no good. Other tabs are told only if this one knew a sign-in: one of them may just be making a new one. */
  private lapse(stale: string | null): void {
    if (this.token() !== stale) return;
    if (stale === null) this.settle(OUT);
    else this.forget();
  }

  private retryLater(): void {
    if (this.state.status !== "in") this.settle({ status: "unreachable", signedIn: null });
    this.schedule(RETRY);
  }

  private hear(message: Message): void {
    this.settle(message.kind === "in" ? { status: "in", signedIn: message.signedIn } : OUT);
  }

  private settle(next: SessionState): void {
    clearTimeout(this.timer);
    this.renewAt = 0;
    this.state = next;
    if (next.status === "in") {
      const life = lifetime(next.signedIn);
      this.schedule(Math.max(life - EARLY, life / 2, 1));
    }
    for (const listener of this.listeners) listener(next);
  }

  private schedule(seconds: number): void {
    clearTimeout(this.timer);
    const wait = Math.min(seconds, LONGEST) * 1000;
    this.renewAt = Date.now() + wait;
    this.timer = setTimeout(() => void this.refresh(this.token()), wait);
  }
}

export const session = new SessionStore();
setAuthority(session);

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.get);
}

/** The person who is signed in, or null. */
export function useMe(): Me | null {
  return useSession().signedIn?.me ?? null;
}
