/** Other people's cursors and selections, with names, and the telling of one's own. */
import { RangeSet, type Extension, type Range } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, WidgetType, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { colourOf } from "../../kit/colours";

/** Where somebody is; what others say of themselves may be anything, so it is read with care. */
export interface Place {
  userId: string;
  name: string;
  fileId: string | null;
  /** The selection in `text`, if it is there. */
  anchor: number | null;
  head: number | null;
}

/** What one awareness state says, as far as it makes sense for `text`. */
export function placeIn(text: Y.Text, state: Record<string, unknown>): Place | null {
  const user = state.user as { id?: unknown; name?: unknown } | null | undefined;
  if (typeof user?.id !== "string" || typeof user.name !== "string") return null;
  const cursor = state.cursor as { anchor?: unknown; head?: unknown } | null | undefined;
  const fileId = typeof state.file === "string" ? state.file : null;
  const [anchor, head] = [indexIn(text, cursor?.anchor), indexIn(text, cursor?.head)];
  return { userId: user.id, name: user.name.slice(0, 80), fileId, anchor, head };
}

function indexIn(text: Y.Text, position: unknown): number | null {
  if (text.doc === null || typeof position !== "object" || position === null) return null;
  try {
    const relative = Y.createRelativePositionFromJSON(position);
    const absolute = Y.createAbsolutePositionFromRelativePosition(relative, text.doc);
    return absolute?.type === text ? Math.min(absolute.index, text.length) : null;
  } catch {
    return null;
  }
}

class Caret extends WidgetType {
  constructor(
    private readonly userId: string,
    private readonly name: string,
  ) {
    super();
  }

  override eq(other: Caret): boolean {
    return other.userId === this.userId && other.name === this.name;
  }

  override toDOM(): HTMLElement {
    const caret = document.createElement("span");
    caret.className = "cm-person";
    caret.style.setProperty("--person", colourOf(this.userId));
    const name = caret.appendChild(document.createElement("span"));
    name.className = "cm-personName";
    name.textContent = this.name;
    caret.setAttribute("aria-hidden", "true");
    return caret;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

class Cursors {
  decorations: DecorationSet = RangeSet.empty;

  constructor(
    private readonly view: EditorView,
    private readonly text: Y.Text,
    private readonly awareness: Awareness,
  ) {
    awareness.on("change", this.hear);
    this.decorations = this.draw();
  }

  private readonly hear = ({ added, updated, removed }: Record<"added" | "updated" | "removed", number[]>): void => {
    const isOther = [...added, ...updated, ...removed].some((id) => id !== this.awareness.clientID);
    if (isOther) this.view.dispatch({});
  };

  update(update: ViewUpdate): void {
    if (update.selectionSet || update.docChanged || update.focusChanged) this.tell(update);
    this.decorations = this.draw();
  }

  destroy(): void {
    this.awareness.off("change", this.hear);
  }

  private tell({ view, state }: ViewUpdate): void {
    if (!view.hasFocus || this.awareness.getLocalState() === null || this.text.length !== state.doc.length) return;
    const { anchor, head } = state.selection.main;
    const at = (index: number): unknown => Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(this.text, index));
    const cursor = { anchor: at(anchor), head: at(head) };
    const before: unknown = this.awareness.getLocalState()?.cursor;
    if (JSON.stringify(before) !== JSON.stringify(cursor)) this.awareness.setLocalStateField("cursor", cursor);
  }

  private draw(): DecorationSet {
    const ranges: Range<Decoration>[] = [];
    const most = this.view.state.doc.length;
    for (const [client, state] of this.awareness.getStates()) {
      const place = client === this.awareness.clientID ? null : placeIn(this.text, state);
      if (place === null || place.anchor === null || place.head === null) continue;
      const [anchor, head] = [Math.min(place.anchor, most), Math.min(place.head, most)];
      const side = head > anchor ? -1 : 1;
      ranges.push(Decoration.widget({ widget: new Caret(place.userId, place.name), side }).range(head));
      if (anchor === head) continue;
      const attributes = { style: `background-color: ${colourOf(place.userId)}33` };
      ranges.push(Decoration.mark({ attributes }).range(Math.min(anchor, head), Math.max(anchor, head)));
    }
    return Decoration.set(ranges, true);
  }
}

/** Shows the others in `text`, and tells them where we are. */
export function cursors(text: Y.Text, awareness: Awareness): Extension {
  return ViewPlugin.define((view) => new Cursors(view, text, awareness), { decorations: ({ decorations }) => decorations });
}
