/** A file holds at most 100,000 characters: what is larger is refused before it is in the document. */
import { EditorState, type Extension, type Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { ySyncAnnotation } from "y-codemirror.next";

export const FILE_LIMIT = 100_000;
/** The server takes updates of 256 kB; text beyond ASCII needs up to three bytes a character. */
const BYTES_AT_ONCE = 200_000;

function isTooLarge(transaction: Transaction): boolean {
  if (!transaction.docChanged || transaction.annotation(ySyncAnnotation) !== undefined) return false;
  const { length } = transaction.newDoc;
  if (length > FILE_LIMIT && length > transaction.startState.doc.length) return true;
  let inserted = 0;
  transaction.changes.iterChanges((_from, _to, _fromB, _toB, text) => {
    if (text.length * 3 > BYTES_AT_ONCE) inserted += new TextEncoder().encode(text.toString()).length;
  });
  return inserted > BYTES_AT_ONCE;
}

/** @param refused hears of each refusal: whether it was pasted or dropped, or typed into a full file. */
export function fileLimit(refused: (how: "paste" | "typed") => void): Extension {
  const check = (data: DataTransfer | null, view: EditorView, event: Event): boolean => {
    const length = data?.getData("text/plain").length ?? 0;
    if (view.state.readOnly || length <= FILE_LIMIT) return false;
    event.preventDefault();
    refused("paste");
    return true;
  };
  return [
    EditorView.domEventHandlers({
      paste: (event, view) => check(event.clipboardData, view, event),
      drop: (event, view) => check(event.dataTransfer, view, event),
    }),
    EditorState.transactionFilter.of((transaction) => {
      if (!isTooLarge(transaction)) return transaction;
      const how = transaction.isUserEvent("input.paste") || transaction.isUserEvent("input.drop") ? "paste" : "typed";
      refused(how);
      return [];
    }),
  ];
}
