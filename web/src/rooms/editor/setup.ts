/** What one file's CodeMirror is made of. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, type Extension } from "@codemirror/state";
import {
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  rectangularSelection,
  type KeyBinding,
} from "@codemirror/view";
import { yCollab, yUndoManagerKeymap } from "y-codemirror.next";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { cursors } from "./cursors";
import { fileLimit } from "./limits";
import { theme } from "./theme";

export interface FileSetup {
  text: Y.Text;
  awareness: Awareness;
  undo: Y.UndoManager;
  fileName: string;
  /** The accessible name of the text. */
  label: string;
  phrases: Record<string, string>;
  onRun: () => void;
  onRefused: (how: "paste" | "typed") => void;
}

/** One history for each file of a document, of own edits only; it outlives the change of tabs. */
export function undoOf(text: Y.Text): Y.UndoManager {
  let undo = histories.get(text);
  if (undo === undefined) {
    // The editor adds itself as an origin; nothing else is tracked, so nobody undoes another's edit.
    undo = new Y.UndoManager(text, { trackedOrigins: new Set() });
    histories.set(text, undo);
  }
  return undo;
}
const histories = new WeakMap<Y.Text, Y.UndoManager>();

function languageOf(fileName: string): Extension {
  if (fileName.endsWith(".py")) return [python(), indentUnit.of("    ")];
  if (/\.m?jsx?$/.test(fileName)) return [javascript(), indentUnit.of("  ")];
  return indentUnit.of("  ");
}

/** Undo and redo would pass by `readOnly`: they change the shared text, not the editor's. */
const ownUndo: readonly KeyBinding[] = yUndoManagerKeymap.map((binding) => ({
  ...binding,
  run: (view: EditorView) => view.state.readOnly || (binding.run?.(view) ?? false),
}));

const noUndoWhileReading = Prec.highest(
  EditorView.domEventHandlers({
    beforeinput: (event, view) => {
      if (!view.state.readOnly || !event.inputType.startsWith("history")) return false;
      event.preventDefault();
      return true;
    },
  }),
);

/** Everything but what changes while the file is open (see `reading`). */
export function extensions(file: FileSetup): Extension {
  const run: KeyBinding = {
    key: "Mod-Enter",
    run: () => {
      file.onRun();
      return true;
    },
  };
  return [
    lineNumbers(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    drawSelection(),
    dropCursor(),
    rectangularSelection(),
    EditorState.allowMultipleSelections.of(true),
    EditorState.tabSize.of(4),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion(),
    highlightSelectionMatches(),
    EditorView.contentAttributes.of({ "aria-label": file.label, spellcheck: "false", autocapitalize: "off", tabindex: "0" }),
    EditorState.phrases.of(file.phrases),
    languageOf(file.fileName),
    theme,
    noUndoWhileReading,
    Prec.high(keymap.of([run])),
    keymap.of([...closeBracketsKeymap, ...ownUndo, ...searchKeymap, ...completionKeymap, ...defaultKeymap, indentWithTab]),
    fileLimit(file.onRefused),
    yCollab(file.text, null, { undoManager: file.undo }),
    cursors(file.text, file.awareness),
  ];
}

/** Whether the text may be changed here. The caret stays, so that one can read and copy by keyboard. */
export function reading(isReadOnly: boolean): Extension {
  return [
    EditorState.readOnly.of(isReadOnly),
    EditorView.contentAttributes.of(isReadOnly ? { "aria-readonly": "true", inputmode: "none" } : {}),
  ];
}
