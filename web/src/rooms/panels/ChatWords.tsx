/** A message's text: words, code and links, never HTML. */

import { memo, type ReactElement } from "react";
import { piecesOf, type Piece } from "./chatText";
import css from "./Chat.module.css";

function onePiece(piece: Piece, key: number): ReactElement {
  switch (piece.kind) {
    case "text":
      return <span key={key}>{piece.text}</span>;
    case "code":
      return <code key={key}>{piece.text}</code>;
    case "block":
      return (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard must reach it
        <pre key={key} tabIndex={0} className={css.block} data-language={piece.language || undefined}>
          <code>{piece.text}</code>
        </pre>
      );
    case "link":
      return (
        <a key={key} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
          {piece.text}
        </a>
      );
  }
}

export const ChatWords = memo(function ChatWords({ text }: { text: string }): ReactElement {
  return <div className={css.text}>{piecesOf(text).map(onePiece)}</div>;
});
