/** How code looks: by the design tokens, so light and dark follow the page. */
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const frame = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--code-bg)", color: "var(--text)", fontSize: "var(--code-size, 0.9375rem)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "var(--space-2) 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--text)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--code-bg)", color: "var(--code-gutter)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--code-selection) !important",
  },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 16%, transparent)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)" },
  ".cm-panels": { backgroundColor: "var(--surface-2)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-panel.cm-search": {
    display: "flex",
    flexWrap: "wrap",
    alignItems: "center",
    gap: "var(--space-2)",
    padding: "var(--space-2) 44px var(--space-2) var(--space-3)",
    fontFamily: "var(--font)",
  },
  ".cm-panel.cm-search br": { flexBasis: "100%", content: "''", margin: "0" },
  ".cm-panel.cm-search :is(input, button, label)": { margin: "0", fontSize: "var(--text-s)" },
  ".cm-panel.cm-search label": { display: "inline-flex", alignItems: "center", gap: "6px", minHeight: "32px" },
  ".cm-panel.cm-search input[type=checkbox]": { width: "16px", height: "16px", accentColor: "var(--accent)" },
  ".cm-textfield, .cm-button": {
    minHeight: "32px",
    padding: "0 var(--space-2)",
    backgroundColor: "var(--surface)",
    backgroundImage: "none",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius-s)",
  },
  ".cm-textfield": { flex: "1 1 96px", minWidth: "0", maxWidth: "220px" },
  ".cm-button": { fontWeight: "600", cursor: "pointer" },
  ".cm-panel.cm-search [name=close]": { top: "4px", right: "4px", width: "36px", height: "36px", fontSize: "1.25rem", cursor: "pointer" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "var(--radius-s)",
    boxShadow: "var(--shadow-2)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-person": {
    position: "relative",
    display: "inline",
    borderLeft: "2px solid var(--person)",
    marginLeft: "-1px",
    marginRight: "-1px",
  },
  ".cm-personName": {
    position: "absolute",
    left: "-2px",
    top: "-1.25em",
    zIndex: "5",
    padding: "0 4px",
    borderRadius: "3px 3px 3px 0",
    backgroundColor: "var(--person)",
    color: "#fff",
    font: "600 0.6875rem/1.35 var(--font)",
    whiteSpace: "nowrap",
    pointerEvents: "none",
    userSelect: "none",
    // Names what moves, then lets the code be read; pointing at the caret names it again.
    animation: "cm-personName 300ms 3s forwards",
  },
  "@keyframes cm-personName": { to: { opacity: "0" } },
  ".cm-person::after": { position: "absolute", inset: "-2px -5px", content: "''" },
  ".cm-person:hover .cm-personName": { animation: "none" },
  ".cm-line:first-child .cm-personName": { top: "auto", bottom: "-1.25em", borderRadius: "0 3px 3px 3px" },
});

const words = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.regexp, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: "var(--code-name)", fontWeight: "600" },
  { tag: [tags.function(tags.variableName), tags.className, tags.meta], color: "var(--code-name)" },
  { tag: tags.invalid, color: "var(--danger)" },
]);

export const theme: Extension = [frame, syntaxHighlighting(words)];
