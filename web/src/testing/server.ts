import { vi } from "vitest";

export interface Asked {
  method: string;
  path: string;
  headers: Headers;
  body: unknown;
}

export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> };

/** Stands for the server at the browser's edge: answers each request and remembers it. */
export function serve(answer: (asked: Asked) => Answer | Promise<Answer>): Asked[] {
  const log: Asked[] = [];
  vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    const asked = { method: init.method ?? "GET", path, headers: new Headers(init.headers), body };
    log.push(asked);
    const { status = 200, body: answered, headers = {} } = await answer(asked);
    return new Response(answered === undefined ? null : JSON.stringify(answered), { status, headers });
  });
  return log;
}

export function problem(status: number, code: string, more: object = {}): Answer {
  return { status, body: { type: `/problems/${code}`, title: code, status, code, ...more } };
}
