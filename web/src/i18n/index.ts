import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { en } from "./en";

/** The languages we speak. A catalogue is JSON files, one for each feature; a page loads those it speaks. */
export const LANGUAGES = { en: "English", "pt-BR": "Português (Brasil)" } as const;
export type Language = keyof typeof LANGUAGES;
export type Namespace = keyof typeof en;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "app";
    resources: typeof en;
  }
}

const STORED = "dojo.language";
const FIRST: readonly Namespace[] = ["app", "problems"];
const FILES = import.meta.glob<{ default: object }>("./*/*.json");

const wanted = new Set<Namespace>(FIRST);
let start: () => void;
const started = new Promise<void>((resolve) => {
  start = resolve;
});

/** `public/theme.js` has chosen it before the first paint. */
function chosen(): Language {
  return document.documentElement.lang === "pt-BR" ? "pt-BR" : "en";
}

async function load(language: Language, namespaces: Iterable<Namespace>): Promise<void> {
  const missing = [...namespaces].filter((namespace) => !i18next.hasResourceBundle(language, namespace));
  await Promise.all(
    missing.map(async (namespace) => {
      const file = await FILES[`./${language}/${namespace}.json`]?.();
      if (file) i18next.addResourceBundle(language, namespace, file.default);
    }),
  );
}

/** Makes these features' messages ready, now and in a language chosen later. */
export async function loadWords(...namespaces: Namespace[]): Promise<void> {
  for (const namespace of namespaces) wanted.add(namespace);
  await started;
  await load(currentLanguage(), namespaces);
}

export async function startI18n(language: Language = chosen()): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    ns: [...FIRST],
    defaultNS: "app",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    react: { useSuspense: false },
  });
  await load(language, wanted);
  start();
}

export function currentLanguage(): Language {
  return i18next.language === "pt-BR" ? "pt-BR" : "en";
}

export async function chooseLanguage(language: Language): Promise<void> {
  await load(language, wanted);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  try {
    localStorage.setItem(STORED, language);
  } catch {
    // Storage is closed to us: the choice lasts until the page is closed.
  }
}
