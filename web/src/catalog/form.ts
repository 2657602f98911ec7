import type { Visibility } from "./types";

/** What a person says about a POC, in the form in which it is typed. */
export interface PocWords {
  name: string;
  description: string;
  languages: string;
  tags: string;
  visibility: Visibility;
}

export type WordsProblem = { field: "name" } | { field: "tags" | "languages"; bad: string | null };

const TAG = /^[a-z0-9][a-z0-9+#.-]{0,31}$/;
const MOST_TAGS = 20;

/** `Python,  js ` → `["python", "js"]`; the same rules as the server's. */
export function splitTags(text: string): string[] {
  const tags = text.split(/[,;\n]/).map((tag) => tag.trim().toLowerCase().replace(/\s+/g, "-"));
  return [...new Set(tags.filter(Boolean))];
}

/** What cannot be sent as it is; null when all can. */
export function checkWords(words: PocWords): WordsProblem | null {
  if (!words.name.trim()) return { field: "name" };
  for (const field of ["languages", "tags"] as const) {
    const tags = splitTags(words[field]);
    const bad = tags.find((tag) => !TAG.test(tag));
    if (bad !== undefined) return { field, bad };
    if (tags.length > MOST_TAGS) return { field, bad: null };
  }
  return null;
}
