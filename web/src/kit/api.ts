/** HTTP to our server: base `/api`, bearer token, one refresh on 401, errors as Problems. */

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  code: string;
  detail?: string;
  retry_after?: number | null;
  errors?: readonly Record<string, string>[];
}

/** What the server, or the way to it, refused. `code` chooses the words (catalogue `problems`). */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  /** Seconds to wait before another try, when the server said so. */
  readonly retry_after: number | null;
  readonly errors: readonly Record<string, string>[];

  constructor(body: Partial<ProblemBody> & { code: string }) {
    super(body.title ?? body.code);
    this.name = "Problem";
    this.code = body.code;
    this.status = body.status ?? 0;
    this.detail = body.detail ?? "";
    this.retry_after = body.retry_after ?? null;
    this.errors = body.errors ?? [];
  }
}

/** Who knows the access token; the session store registers itself as this. */
export interface Authority {
  token(): string | null;
  /** Gets a newer token than `stale`; true when there is one. Concurrent calls share one request. */
  refresh(stale: string | null): Promise<boolean>;
}

export type QueryValue = string | number | boolean | null | undefined | readonly string[];

export interface RequestOptions {
  query?: Record<string, QueryValue>;
  body?: unknown;
  signal?: AbortSignal;
  /** Neither sends a token nor refreshes: for signing in itself. */
  anonymous?: boolean;
  /** What the answer should be; JSON unless said. */
  accept?: string;
}

const TIMEOUT = 20_000;

let authority: Authority = { token: () => null, refresh: () => Promise.resolve(false) };

export function setAuthority(next: Authority): void {
  authority = next;
}

function address(path: string, query: Record<string, QueryValue> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === "") continue;
    if (Array.isArray(value)) value.forEach((one: string) => search.append(name, one));
    else search.append(name, String(value));
  }
  const text = search.toString();
  return `/api${path}${text ? `?${text}` : ""}`;
}

async function send(method: string, path: string, options: RequestOptions, token: string | null): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json", "X-Dojo": "1" };
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  const timeout = AbortSignal.timeout(TIMEOUT);
  try {
    return await fetch(address(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      body: options.body === undefined ? null : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem({ code: "unreachable", title: "The server did not answer." });
  }
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Partial<ProblemBody> = {};
  try {
    body = (await response.json()) as Partial<ProblemBody>;
  } catch {
    // Not ours (a proxy's page): the status speaks.
  }
  const header = Number(response.headers.get("Retry-After"));
  const code = body.code ?? (response.status >= 502 ? "unavailable" : response.status === 404 ? "not-found" : "internal");
  return new Problem({
    ...body,
    code,
    status: response.status,
    retry_after: body.retry_after ?? (header > 0 ? header : null),
  });
}

async function fetched(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const token = options.anonymous ? null : authority.token();
  let response = await send(method, path, options, token);
  if (response.status === 401 && !options.anonymous && (await authority.refresh(token))) {
    response = await send(method, path, options, authority.token());
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function request<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
  const response = await fetched(method, path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

type Options = Omit<RequestOptions, "body">;

export const api = {
  get: <T>(path: string, options?: Options) => request<T>("GET", path, options),
  /** A file as it is: pictures need our token, so the browser cannot fetch them by itself. */
  blob: async (path: string, options?: Options) => (await fetched("GET", path, { accept: "*/*", ...options })).blob(),
  post: <T>(path: string, body?: unknown, options?: Options) => request<T>("POST", path, { ...options, body }),
  patch: <T>(path: string, body: unknown, options?: Options) => request<T>("PATCH", path, { ...options, body }),
  put: <T = void>(path: string, body?: unknown, options?: Options) => request<T>("PUT", path, { ...options, body }),
  delete: <T = void>(path: string, options?: Options) => request<T>("DELETE", path, options),
};
