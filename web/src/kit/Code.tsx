import { javascriptLanguage } from "@codemirror/lang-javascript";
import { pythonLanguage } from "@codemirror/lang-python";
import { highlightCode, tagHighlighter, tags } from "@lezer/highlight";
import { useMemo } from "react";
import type { ReactNode } from "react";
import styles from "./Code.module.css";

/** Token classes; the editor may use the same names of the tokens' colours (`--code-…`). */
const highlighter = tagHighlighter([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.self, tags.null, tags.bool], class: styles.keyword ?? "" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], class: styles.string ?? "" },
  { tag: [tags.number], class: styles.number ?? "" },
  { tag: [tags.comment, tags.meta], class: styles.comment ?? "" },
  { tag: [tags.definition(tags.variableName), tags.function(tags.variableName), tags.className, tags.definition(tags.propertyName)], class: styles.name ?? "" },
]);

function parserOf(name: string) {
  if (name.endsWith(".py")) return pythonLanguage.parser;
  return /\.[cm]?[jt]sx?$/.test(name) ? javascriptLanguage.parser : null;
}

/** The text as lines of coloured spans. */
function linesOf(name: string, text: string): ReactNode[][] {
  const lines: ReactNode[][] = [[]];
  const parser = parserOf(name);
  const put = (words: string, classes: string) => {
    const line = lines.at(-1);
    line?.push(
      classes ? (
        <span key={line.length} className={classes}>
          {words}
        </span>
      ) : (
        words
      ),
    );
  };
  if (parser === null) text.split("\n").forEach((line, at) => (at === 0 ? put(line, "") : lines.push([line])));
  else highlightCode(text, parser.parse(text), highlighter, put, () => lines.push([]));
  return lines;
}

/** A file to read: colours, line numbers that are not copied, scrolls by keyboard. */
export function Code({ name, text, label }: { name: string; text: string; label: string }) {
  const lines = useMemo(() => linesOf(name, text.replace(/\n$/, "")), [name, text]);
  return (
    <pre className={styles.code} tabIndex={0} role="region" aria-label={label}>
      <code translate="no">
        {lines.map((line, at) => (
          <span key={at} className={styles.line} data-line={at + 1}>
            {line}
            {"\n"}
          </span>
        ))}
      </code>
    </pre>
  );
}
