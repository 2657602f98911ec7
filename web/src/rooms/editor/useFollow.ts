/** Following the driver: their file is opened, and their cursor kept in sight. */
import { EditorView } from "@codemirror/view";
import { useCallback, useEffect, useState } from "react";
import type { SharedDocument } from "../document";
import { placeIn } from "./cursors";

export interface Follow {
  isOn: boolean;
  set: (isOn: boolean) => void;
}

/**
 * @param driverId whom to follow; null when nobody drives, or I do. Each new driver is followed at first.
 * @param open opens a file.
 */
export function useFollow(
  document: SharedDocument | null,
  driverId: string | null,
  fileId: string | null,
  view: EditorView | null,
  open: (fileId: string) => void,
): Follow {
  const [left, setLeft] = useState<string | null>(null);
  const isOn = driverId !== null && left !== driverId;
  const doc = document?.doc;
  const awareness = document?.awareness;

  useEffect(() => {
    if (!isOn || doc === undefined || awareness === undefined || fileId === null) return undefined;
    const text = doc.getText(fileId);
    const look = (): void => {
      for (const state of awareness.getStates().values()) {
        const place = placeIn(text, state);
        if (place?.userId !== driverId) continue;
        if (place.fileId !== null && place.fileId !== fileId) open(place.fileId);
        else if (place.head !== null && view !== null) scroll(view, place.head);
      }
    };
    look();
    awareness.on("change", look);
    return () => awareness.off("change", look);
  }, [isOn, doc, awareness, driverId, fileId, view, open]);

  const set = useCallback((on: boolean) => setLeft(on ? null : driverId), [driverId]);
  return { isOn, set };
}

function scroll(view: EditorView, index: number): void {
  // The text may be a step behind the cursor: an update and an awareness message travel apart.
  const position = Math.min(index, view.state.doc.length);
  view.dispatch({ effects: EditorView.scrollIntoView(position, { y: "nearest", yMargin: 80 }) });
}
