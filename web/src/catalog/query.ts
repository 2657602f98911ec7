/** What is looked for in the catalogue, and its form in the address. */
export interface Query {
  q: string;
  language: string | null;
  tags: readonly string[];
  only: "all" | "favourites" | "mine";
}

export const EVERYTHING: Query = { q: "", language: null, tags: [], only: "all" };

const MOST_WORDS = 200;

export function readQuery(search: URLSearchParams): Query {
  const only = search.get("only");
  return {
    q: (search.get("q") ?? "").slice(0, MOST_WORDS),
    language: search.get("language") || null,
    tags: [...new Set(search.getAll("tag").filter(Boolean))].sort(),
    only: only === "favourites" || only === "mine" ? only : "all",
  };
}

/** The shortest address that says the query; the same query always has the same one. */
export function writeQuery(query: Query): URLSearchParams {
  const search = new URLSearchParams();
  if (query.q.trim()) search.set("q", query.q.trim());
  if (query.language) search.set("language", query.language);
  for (const tag of [...new Set(query.tags)].sort()) search.append("tag", tag);
  if (query.only !== "all") search.set("only", query.only);
  return search;
}

export function isEverything(query: Query): boolean {
  return writeQuery(query).size === 0;
}

export function toggleTag(query: Query, tag: string): Query {
  const has = query.tags.includes(tag);
  return { ...query, tags: has ? query.tags.filter((one) => one !== tag) : [...query.tags, tag] };
}
