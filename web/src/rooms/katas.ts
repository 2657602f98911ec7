import { useQuery } from "@tanstack/react-query";
import { api } from "../kit/api";
import type { Kata, KataSummary } from "../wire.gen";

const HOUR_MS = 3_600_000;

/** The built-in library; it changes with a new version only. */
export function useKatas() {
  return useQuery({
    queryKey: ["kata"],
    queryFn: ({ signal }) => api.get<readonly KataSummary[]>("/kata", { signal }),
    staleTime: HOUR_MS,
  });
}

export function useKata(slug: string | null) {
  return useQuery({
    queryKey: ["kata", slug],
    queryFn: ({ signal }) => api.get<Kata>(`/kata/${encodeURIComponent(slug ?? "")}`, { signal }),
    staleTime: HOUR_MS,
    enabled: slug !== null,
  });
}
