import DOMPurify from "dompurify";
import { marked } from "marked";
import { useMemo } from "react";
import styles from "./Markdown.module.css";

interface Props {
  text: string;
  /** Level that a `#` of the text becomes here, so that the page's headings stay in order. */
  topLevel?: number;
}

const ALLOWED = {
  ALLOWED_TAGS: "h1 h2 h3 h4 h5 h6 p br hr ul ol li strong em del code pre blockquote a table thead tbody tr th td".split(" "),
  ALLOWED_ATTR: ["href", "align", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#|\/)/i,
};

/** HTML of people's Markdown: no scripts, no styles, no pictures from elsewhere. */
function render(text: string, topLevel: number): string {
  const clean = document.createElement("div");
  clean.append(DOMPurify.sanitize(marked.parse(text, { async: false, gfm: true }), { ...ALLOWED, RETURN_DOM_FRAGMENT: true }));
  for (const heading of clean.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const level = Math.min(6, Number(heading.tagName.charAt(1)) + topLevel - 1);
    const moved = document.createElement(`h${String(level)}`);
    moved.append(...heading.childNodes);
    heading.replaceWith(moved);
  }
  for (const link of clean.querySelectorAll("a")) {
    link.setAttribute("rel", "noopener noreferrer nofollow");
    link.setAttribute("target", "_blank");
  }
  for (const block of clean.querySelectorAll("pre")) block.setAttribute("tabindex", "0");
  return clean.innerHTML;
}

export function Markdown({ text, topLevel = 2 }: Props) {
  const html = useMemo(() => render(text, topLevel), [text, topLevel]);
  return <div className={styles.markdown} dangerouslySetInnerHTML={{ __html: html }} />;
}
