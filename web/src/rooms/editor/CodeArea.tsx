/** One file's text. */
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef, type ReactElement } from "react";
import type { Awareness } from "y-protocols/awareness";
import type * as Y from "yjs";
import { extensions, reading, undoOf } from "./setup";
import css from "./Editor.module.css";

export interface CodeAreaProps {
  doc: Y.Doc;
  awareness: Awareness;
  fileId: string;
  fileName: string;
  id: string;
  label: string;
  /** The editor's own words (its search, for one), in the person's language. */
  phrases: Record<string, string>;
  isReadOnly: boolean;
  onRun: () => void;
  onRefused: (how: "paste" | "typed") => void;
  /** Called with the view while it is there, and with null afterwards. */
  onView: (view: EditorView | null) => void;
  /** The person scrolled or clicked by themselves. */
  onTouch: () => void;
}

export function CodeArea(props: CodeAreaProps): ReactElement {
  const { doc, awareness, fileId, fileName, label, isReadOnly, onView } = props;
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef<EditorView | null>(null);
  const mode = useRef(new Compartment());
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });

  useEffect(() => {
    if (place.current === null) return undefined;
    const text = doc.getText(fileId);
    const setup = extensions({
      text,
      awareness,
      undo: undoOf(text),
      fileName,
      label,
      phrases: latest.current.phrases,
      onRun: () => latest.current.onRun(),
      onRefused: (how) => latest.current.onRefused(how),
    });
    const start = [setup, mode.current.of(reading(latest.current.isReadOnly))];
    const view = new EditorView({
      state: EditorState.create({ doc: text.toString(), extensions: start }),
      parent: place.current,
    });
    shown.current = view;
    awareness.setLocalStateField("file", fileId);
    onView(view);
    return () => {
      onView(null);
      shown.current = null;
      view.destroy();
    };
  }, [doc, awareness, fileId, fileName, label, onView]);

  useEffect(() => {
    shown.current?.dispatch({ effects: mode.current.reconfigure(reading(isReadOnly)) });
  }, [isReadOnly]);

  return (
    <div
      ref={place}
      id={props.id}
      role="tabpanel"
      aria-label={fileName}
      className={css.area}
      onWheel={props.onTouch}
      onTouchMove={props.onTouch}
      onPointerDown={props.onTouch}
      data-testid="code"
    />
  );
}
