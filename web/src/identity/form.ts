import type { FormEvent } from "react";

export type Values = Record<string, string>;

/** Reads a form's fields on submit, instead of the browser's own navigation. */
export function onSubmit(send: (values: Values) => void) {
  return (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values: Values = {};
    for (const [name, value] of new FormData(event.currentTarget)) values[name] = typeof value === "string" ? value : "";
    send(values);
  };
}

/** Where to go after signing in: only an address of ours, never `//elsewhere`. */
export function nextPath(search: URLSearchParams): string {
  const next = search.get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
}
