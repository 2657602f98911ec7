import { currentLanguage } from "./index";

type When = string | number | Date;

/** Instants are unix seconds on the wire, datetimes ISO strings. */
function dateOf(when: When): Date {
  return typeof when === "number" ? new Date(when * 1000) : new Date(when);
}

/** The chosen language as this person's region writes it: `en-GB` has other dates than `en-US`. */
function locale(): string {
  const language = currentLanguage();
  const mine = navigator.languages.find((one) => one.toLowerCase().startsWith(language.slice(0, 2).toLowerCase()));
  return mine ?? language;
}

export function formatDateTime(when: When): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(dateOf(when));
}

export function formatDate(when: When): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(dateOf(when));
}

export function formatTime(when: When): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "medium" }).format(dateOf(when));
}

/** Hours and minutes. */
export function formatShortTime(when: When): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(dateOf(when));
}

/** `4:05`; an hour and more as `1:04:05`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${String(hours)}:${parts.join(":")}` : parts.join(":").replace(/^0/, "");
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** `3 minutes ago`, `tomorrow`; beyond a week the date. */
export function formatAgo(when: When, now = Date.now()): string {
  const seconds = (dateOf(when).getTime() - now) / 1000;
  if (Math.abs(seconds) > 7 * 86_400) return formatDate(when);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(0, "minute");
}

export function formatPercent(share: number): string {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 0 }).format(share);
}
