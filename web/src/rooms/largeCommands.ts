/** Commands that may not fit the socket, whose gateway closes it above 64 kB: they go over HTTP. */
import { api, Problem } from "../kit/api";
import type { ProblemBody } from "../wire.gen";
import type { Waiting } from "./outbox";
import type { Ack } from "./protocol";

/** Bytes of JSON from which a command does not go through the socket. */
export const SOCKET_BOUND = 48_000;
/** Where HTTP takes them. Only lights carry files. */
const PATHS: Partial<Record<Waiting["name"], string>> = { "light:report": "lights" };

export type Post = (waiting: Waiting) => Promise<Ack>;

export function isTooLargeForSocket({ name, body }: Waiting): boolean {
  return PATHS[name] !== undefined && new TextEncoder().encode(JSON.stringify(body)).length > SOCKET_BOUND;
}

/** Whether another try may go better. */
export function passes({ status }: ProblemBody): boolean {
  return status === 0 || status === 429 || status >= 500;
}

/** The server does each `op_id` once, whichever way it comes. */
export const post: Post = async ({ name, body }) => {
  try {
    const path = `/rooms/${body.room_id}/${PATHS[name] ?? ""}`;
    return { ok: true, data: await api.post<{ seq: number }>(path, body) };
  } catch (error) {
    const { code, status, message, detail, retry_after, errors } = error instanceof Problem ? error : new Problem({ code: "internal" });
    return { ok: false, problem: { type: `/problems/${code}`, title: message, status, code, detail, retry_after, errors: [...errors] } };
  }
};
