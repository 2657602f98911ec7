/** Commands with words: what the server refuses becomes a notice. */

import { useCallback } from "react";
import { Problem } from "../../kit/api";
import { notify } from "../../kit/notices";
import { problemText } from "../../kit/problems";
import type { CommandName, CommandPayload, Dojo } from "../protocol";

/** Asks the server; true when it did it. */
export type Ask = <N extends CommandName>(name: N, payload: CommandPayload<N>) => Promise<boolean>;

export function useAsk(dojo: Dojo): Ask {
  const { command } = dojo;
  return useCallback(
    async (name, payload) => {
      const ack = await command(name, payload);
      if (!ack.ok) notify({ kind: "error", text: problemText(new Problem(ack.problem)) });
      return ack.ok;
    },
    [command],
  );
}
