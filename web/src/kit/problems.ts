import i18next from "i18next";
import { Problem } from "./api";

/** What happened and what to do next, in the person's language, by the problem's code. */
export function problemText(error: unknown): string {
  const t = i18next.t as (key: string, options: object) => string;
  const known = (code: string) => i18next.exists(code, { ns: "problems" });
  const say = (code: string) => t(code, { ns: "problems" });
  if (!(error instanceof Problem)) return say("internal");
  const main = known(error.code) ? say(error.code) : known(`status-${String(error.status)}`) ? say(`status-${String(error.status)}`) : error.message;
  const wait = error.retry_after;
  return wait === null ? main : `${main} ${i18next.t("problems:retryAfter", { count: Math.ceil(wait) })}`;
}
