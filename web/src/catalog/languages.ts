/** How languages write themselves; one that is not here is shown as it was typed. */
const NAMES: Record<string, string> = {
  c: "C",
  "c#": "C#",
  "c++": "C++",
  css: "CSS",
  elixir: "Elixir",
  go: "Go",
  haskell: "Haskell",
  html: "HTML",
  java: "Java",
  javascript: "JavaScript",
  kotlin: "Kotlin",
  php: "PHP",
  python: "Python",
  ruby: "Ruby",
  rust: "Rust",
  scala: "Scala",
  sql: "SQL",
  swift: "Swift",
  typescript: "TypeScript",
};

export function languageName(language: string): string {
  return NAMES[language.toLowerCase()] ?? language;
}
