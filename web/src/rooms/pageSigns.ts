/** Time and light in the page's title and icon: for who looks at another tab. */
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { clockText } from "./clock";
import type { Colour, Dojo } from "./protocol";
import { lastLight, timeLeft } from "./selectors";

const PAINT: Record<Colour | "none", { fill: string; mark: string }> = {
  green: { fill: "#14713b", mark: "M20 33l9 9 16-19" },
  red: { fill: "#b3262d", mark: "M22 22l20 20M42 22L22 42" },
  amber: { fill: "#855300", mark: "M32 18v18M32 45v1" },
  timeout: { fill: "#565a66", mark: "M32 20v13l8 6" },
  none: { fill: "#4450c8", mark: "M18 26h28M32 26v18" },
};
/** The ring is drawn anew this many times a turn: an icon is too small for more. */
const STEPS = 24;
const AROUND = 2 * Math.PI * 28;

/** The icon as an SVG address: the light's colour and shape, and around it what is left of the turn. */
export function iconAddress(light: Colour | "none", step: number | null): string {
  const { fill, mark } = PAINT[light];
  const line = (path: string, width: number): string =>
    `<path d="${path}" fill="none" stroke="#fff" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
  const left = step === null ? 0 : (step / STEPS) * AROUND;
  const ring =
    `<circle cx="32" cy="32" r="28" fill="none" stroke="#fff" stroke-width="5" ` +
    `stroke-dasharray="${left} ${AROUND}" transform="rotate(-90 32 32)"/>`;
  const circle = `<circle cx="32" cy="32" r="32" fill="${fill}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">${circle}${step === null ? "" : ring}${line(mark, 7)}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Keeps title and icon true while the room is shown; both are as before afterwards. */
export function usePageSigns(dojo: Dojo): void {
  const { t } = useTranslation("app");
  const { state, serverNow } = dojo;
  const colour = state === null ? null : (lastLight(state)?.colour ?? null);
  const word = colour === null ? "" : t(`kit.light.${colour}`);

  useEffect(() => {
    if (state === null) return undefined;
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    const show = (): void => {
      const left = timeLeft(state, serverNow());
      const parts = [left === null ? "" : clockText(left), word, state.name, "Live Dojo"];
      document.title = parts.filter(Boolean).join(" · ");
      const step = left === null ? null : Math.ceil(Math.min(1, left / state.rotation.turn_seconds) * STEPS);
      const address = iconAddress(colour ?? "none", step);
      if (icon !== null && icon.href !== address) icon.href = address;
    };
    show();
    const timer = setInterval(show, 1000);
    return () => clearInterval(timer);
  }, [state, serverNow, colour, word]);

  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    const before = { title: document.title, icon: icon?.href ?? "" };
    return () => {
      document.title = before.title;
      if (icon !== null) icon.href = before.icon;
    };
  }, []);
}
