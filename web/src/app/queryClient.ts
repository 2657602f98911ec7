import { QueryClient } from "@tanstack/react-query";
import { Problem } from "../kit/api";

const TRIES = 3;

/** What the server refused stays refused; only silence and overload are worth another try. */
function retry(failures: number, error: unknown): boolean {
  const passing = error instanceof Problem && (error.status === 0 || error.status === 503);
  return passing && failures < TRIES;
}

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { retry, staleTime: 15_000 },
      mutations: { retry: false },
    },
  });
}
