import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { InfiniteData } from "@tanstack/react-query";
import { api } from "../kit/api";
import { notify } from "../kit/notices";
import { problemText } from "../kit/problems";
import type { NewPoc, Poc, PocChange, PocPage, PocSummary } from "../wire.gen";
import { writeQuery } from "./query";
import type { Query } from "./query";

const PAGE = 30;

export function usePocs(query: Query) {
  return useInfiniteQuery({
    queryKey: ["pocs", "search", writeQuery(query).toString()],
    queryFn: ({ pageParam, signal }) => {
      const { q, language, tags, only } = query;
      return api.get<PocPage>("/pocs", { query: { q, language, tag: tags, only, limit: PAGE, cursor: pageParam }, signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.cursor,
    // While the next letters are looked up, what was found stays where it is.
    placeholderData: keepPreviousData,
  });
}

export function usePoc(id: string) {
  return useQuery({ queryKey: ["pocs", "one", id], queryFn: ({ signal }) => api.get<Poc>(`/pocs/${id}`, { signal }) });
}

export function useKeepPoc() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (poc: NewPoc) => api.post<Poc>("/pocs", poc),
    onSuccess: (poc) => {
      client.setQueryData(["pocs", "one", poc.id], poc);
      return client.invalidateQueries({ queryKey: ["pocs"] });
    },
  });
}

export function useChangePoc(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: PocChange) => api.patch<Poc>(`/pocs/${id}`, change),
    onSuccess: (poc) => {
      client.setQueryData(["pocs", "one", id], poc);
      return client.invalidateQueries({ queryKey: ["pocs"] });
    },
  });
}

type Found = InfiniteData<PocPage> | PocPage | Poc | undefined;

/** The star as pressed, in whatever list or page holds the POC. */
export function withFavourite(found: Found, id: string, favourite: boolean): Found {
  if (found === undefined) return found;
  const star = <T extends PocSummary>(poc: T): T => (poc.id === id ? { ...poc, favourite } : poc);
  const page = (one: PocPage): PocPage => ({ ...one, items: one.items.map(star) });
  if ("pages" in found) return { ...found, pages: found.pages.map(page) };
  return "items" in found ? page(found) : star(found);
}

/** Answers at once, and takes it back when the server refuses. */
export function useFavourite() {
  const client = useQueryClient();
  const paint = (id: string, favourite: boolean) => {
    client.setQueriesData<Found>({ queryKey: ["pocs"] }, (found) => withFavourite(found, id, favourite));
  };
  return useMutation({
    mutationFn: ({ id, favourite }: { id: string; favourite: boolean }) =>
      favourite ? api.put(`/pocs/${id}/favourite`) : api.delete(`/pocs/${id}/favourite`),
    onMutate: async ({ id, favourite }) => {
      await client.cancelQueries({ queryKey: ["pocs"] });
      paint(id, favourite);
    },
    onError: (error, { id, favourite }) => {
      paint(id, !favourite);
      notify({ kind: "error", text: problemText(error) });
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["pocs"], refetchType: "none" }),
  });
}
