/** Problems that this side finds by itself, in the shape that the server uses. */
import i18next from "i18next";
import type { ProblemBody } from "../wire.gen";

/** What the connection can say on its own; the words are `rooms:connection.problem.*`. */
export type OwnProblem =
  | "offline"
  | "too-many-waiting"
  | "too-many-windows"
  | "signed-out"
  | "removed"
  | "banned"
  | "left"
  | "no-answer";

const STATUS: Record<OwnProblem, number> = {
  offline: 503,
  "too-many-waiting": 429,
  "too-many-windows": 429,
  "signed-out": 401,
  removed: 403,
  banned: 403,
  left: 410,
  "no-answer": 504,
};

/** The problem with its words in the person's language. */
export function ownProblem(code: OwnProblem): ProblemBody {
  return {
    type: `/problems/${code}`,
    title: i18next.t(`rooms:connection.problem.${code}`),
    status: STATUS[code],
    code,
    detail: "",
    retry_after: null,
    errors: [],
  };
}
