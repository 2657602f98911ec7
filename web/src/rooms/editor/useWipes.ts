/** The wipes that everybody is told of. */
import { useCallback, useEffect, useState } from "react";
import type * as Y from "yjs";
import type { DojoFile } from "../../wire.gen";
import { Watch, type Wipe } from "./wipes";

/** At most one of each file, the last one at the end, and the means to put one out of sight. */
export function useWipes(doc: Y.Doc | null, files: readonly DojoFile[]): [readonly Wipe[], (wipe: Wipe) => void] {
  const [wipes, setWipes] = useState<readonly Wipe[]>([]);
  const forget = useCallback((wipe: Wipe) => {
    wipe.forget();
    setWipes((all) => all.filter((each) => each !== wipe));
  }, []);

  useEffect(() => () => setWipes([]), [doc]);

  useEffect(() => {
    if (doc === null) return undefined;
    const show = (found: Wipe): void => setWipes((all) => [...all.filter(({ fileId }) => fileId !== found.fileId), found]);
    const watches = files.map(({ id }) => new Watch(doc, id, show));
    return () => watches.forEach((watch) => watch.stop());
  }, [doc, files]);

  useEffect(() => {
    if (doc === null || wipes.length === 0) return undefined;
    const look = (): void => wipes.filter((wipe) => wipe.isBack()).forEach(forget);
    look();
    doc.on("update", look);
    return () => doc.off("update", look);
  }, [doc, wipes, forget]);

  return [wipes, forget];
}
