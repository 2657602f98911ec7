/** Splits a line of chat into words, code and links. Nothing of it is ever read as HTML. */

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "block"; readonly text: string; readonly language: string }
  | { readonly kind: "link"; readonly text: string; readonly href: string };

const FENCE = /```([\w+-]*)[^\S\n]*\n?([\s\S]*?)(?:```|$)/g;
const INLINE = /`([^`\n]+)`|(https?:\/\/[^\s<>"'`]+)/g;
const TRAILING = /[.,;:!?)\]}]+$/;

/** The address without the punctuation that ends the sentence; a bracket that the address opened stays. */
function trimAddress(address: string): string {
  const trimmed = address.replace(TRAILING, "");
  const rest = address.slice(trimmed.length);
  return rest.startsWith(")") && trimmed.includes("(") ? `${trimmed})` : trimmed;
}

/** Only addresses that a browser opens as a page become links. */
function safeHref(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

function pushText(pieces: Piece[], text: string): void {
  if (text !== "") pieces.push({ kind: "text", text });
}

function inlinePieces(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, address] = match;
    const shown = address === undefined ? whole : trimAddress(address);
    const href = address === undefined ? null : safeHref(shown);
    if (code === undefined && href === null) continue;
    pushText(pieces, text.slice(from, match.index));
    if (code !== undefined) pieces.push({ kind: "code", text: code });
    else if (href !== null) pieces.push({ kind: "link", text: shown, href });
    from = match.index + shown.length;
  }
  pushText(pieces, text.slice(from));
  return pieces;
}

/** The pieces of a message, in order. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(FENCE)) {
    pieces.push(...inlinePieces(text.slice(from, match.index).replace(/\n$/, "")));
    pieces.push({ kind: "block", text: (match[2] ?? "").replace(/\n$/, ""), language: match[1] ?? "" });
    from = match.index + match[0].length;
  }
  pieces.push(...inlinePieces(text.slice(from).replace(/^\n/, "")));
  return pieces;
}
