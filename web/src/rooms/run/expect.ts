/** `expect` and `assert` for participants' tests: the matchers that dojos use, with readable failures. */
import { isEqual, show } from "./equal";

/** An assertion did not hold. */
export class AssertionFailed extends Error {
  override name = "AssertionError";
}

type Check = (actual: unknown, ...given: never[]) => boolean;

const size = (value: unknown): unknown => (value as { length?: unknown } | null | undefined)?.length;
const number = (value: unknown): number => (typeof value === "number" || typeof value === "bigint" ? Number(value) : NaN);

const checks = {
  toBe: (actual: unknown, wanted: unknown) => Object.is(actual, wanted),
  toEqual: (actual: unknown, wanted: unknown) => isEqual(actual, wanted),
  toStrictEqual: (actual: unknown, wanted: unknown) => isEqual(actual, wanted),
  toBeTruthy: (actual: unknown) => Boolean(actual),
  toBeFalsy: (actual: unknown) => !actual,
  toBeNull: (actual: unknown) => actual === null,
  toBeUndefined: (actual: unknown) => actual === undefined,
  toBeDefined: (actual: unknown) => actual !== undefined,
  toBeNaN: (actual: unknown) => Number.isNaN(actual),
  toBeGreaterThan: (actual: unknown, than: number) => number(actual) > than,
  toBeGreaterThanOrEqual: (actual: unknown, than: number) => number(actual) >= than,
  toBeLessThan: (actual: unknown, than: number) => number(actual) < than,
  toBeLessThanOrEqual: (actual: unknown, than: number) => number(actual) <= than,
  toBeCloseTo: (actual: unknown, to: number, digits = 2) => Math.abs(number(actual) - to) < 10 ** -digits / 2,
  toBeTypeOf: (actual: unknown, kind: string) => typeof actual === kind,
  toBeInstanceOf: (actual: unknown, kind: new () => unknown) => actual instanceof kind,
  toHaveLength: (actual: unknown, length: number) => size(actual) === length,
  toMatch: (actual: unknown, pattern: RegExp | string) =>
    typeof pattern === "string" ? String(actual).includes(pattern) : new RegExp(pattern).test(String(actual)),
  toContain: (actual: unknown, item: unknown) =>
    typeof actual === "string" ? actual.includes(String(item)) : [...(actual as Iterable<unknown>)].includes(item),
  toContainEqual: (actual: unknown, item: unknown) =>
    [...(actual as Iterable<unknown>)].some((one) => isEqual(one, item)),
  toHaveProperty: (actual: unknown, ...given: [string, unknown?]) => {
    const found = Object(actual) as Record<string, unknown>;
    return given[0] in found && (given.length < 2 || isEqual(found[given[0]], given[1]));
  },
  toMatchObject: (actual: unknown, part: Record<string, unknown>) =>
    Object.entries(part).every(([name, value]) => isEqual((Object(actual) as Record<string, unknown>)[name], value)),
  toThrow: (actual: unknown, wanted?: unknown) => {
    try {
      (actual as () => unknown)();
    } catch (error) {
      return isWantedError(error, wanted);
    }
    return false;
  },
} satisfies Record<string, Check>;

type Name = keyof typeof checks | "toThrowError";
type Arguments<N extends Name> = N extends keyof typeof checks
  ? (typeof checks)[N] extends (actual: unknown, ...rest: infer R) => boolean
    ? R
    : never
  : [wanted?: unknown];
type Matchers<R> = { [N in Name]: (...given: Arguments<N>) => R };
type Settled = Matchers<Promise<void>> & { not: Matchers<Promise<void>> };
export type Expectation = Matchers<void> & { not: Matchers<void>; resolves: Settled; rejects: Settled };

function isWantedError(error: unknown, wanted?: unknown): boolean {
  if (wanted === undefined) return true;
  const message = error instanceof Error ? error.message : String(error);
  if (typeof wanted === "string") return message.includes(wanted);
  if (wanted instanceof RegExp) return new RegExp(wanted).test(message);
  if (typeof wanted === "function") return error instanceof wanted;
  return isEqual(error, wanted);
}

function words(name: Name, actual: unknown, given: readonly unknown[], isNot: boolean): string {
  const method = `expect(received)${isNot ? ".not" : ""}.${name}(${given.length > 0 ? "expected" : ""})`;
  const wanted = given.length > 0 ? `\nexpected: ${isNot ? "not " : ""}${given.map((one) => show(one)).join(", ")}` : "";
  return `${method}${wanted}\nreceived: ${show(actual)}`;
}

function matchers<R>(apply: (check: (actual: unknown) => void) => R, isNot: boolean, throws = checks.toThrow): Matchers<R> {
  const made = Object.entries({ ...checks, toThrow: throws, toThrowError: throws }).map(([name, check]) => {
    const matcher = (...given: unknown[]): R =>
      apply((actual) => {
        const holds = (check as (actual: unknown, ...given: unknown[]) => boolean)(actual, ...given);
        if (holds === isNot) throw new AssertionFailed(words(name as Name, actual, given, isNot));
      });
    return [name, matcher];
  });
  return Object.fromEntries(made) as Matchers<R>;
}

function settled(promise: unknown, wantsRejection: boolean): Settled {
  const apply = async (check: (actual: unknown) => void): Promise<void> => {
    const outcome = await Promise.resolve(promise).then(
      (value: unknown) => ({ isRejected: false, value }),
      (error: unknown) => ({ isRejected: true, value: error }),
    );
    if (outcome.isRejected !== wantsRejection) {
      throw new AssertionFailed(`the promise was ${outcome.isRejected ? "rejected" : "resolved"} with ${show(outcome.value)}`);
    }
    check(outcome.value);
  };
  // Here the error has been thrown already.
  const throws = wantsRejection ? isWantedError : checks.toThrow;
  return { ...matchers(apply, false, throws), not: matchers(apply, true, throws) };
}

/** What a value should be: throws where it is not. */
export function expect(actual: unknown): Expectation {
  const now = (check: (actual: unknown) => void): void => check(actual);
  return {
    ...matchers(now, false),
    not: matchers(now, true),
    resolves: settled(actual, false),
    rejects: settled(actual, true),
  };
}

function must(holds: boolean, message: unknown, otherwise: string): void {
  if (message instanceof Error && !holds) throw message;
  if (!holds) throw new AssertionFailed(typeof message === "string" ? message : otherwise);
}

const compared = (a: unknown, b: unknown, verb: string): string => `${show(a)} ${verb} ${show(b)}`;

/** Node's `assert`, as far as dojos use it. */
export const assert = Object.assign(
  (value: unknown, message?: unknown) => must(Boolean(value), message, `${show(value)} is not truthy`),
  {
    ok: (value: unknown, message?: unknown) => must(Boolean(value), message, `${show(value)} is not truthy`),
    equal: (a: unknown, b: unknown, message?: unknown) => must(a == b, message, compared(a, b, "!=")),
    strictEqual: (a: unknown, b: unknown, message?: unknown) => must(Object.is(a, b), message, compared(a, b, "!==")),
    notStrictEqual: (a: unknown, b: unknown, message?: unknown) => must(!Object.is(a, b), message, compared(a, b, "===")),
    notEqual: (a: unknown, b: unknown, message?: unknown) => must(a != b, message, compared(a, b, "==")),
    deepEqual: (a: unknown, b: unknown, message?: unknown) => must(isEqual(a, b), message, compared(a, b, "is not like")),
    deepStrictEqual: (a: unknown, b: unknown, message?: unknown) =>
      must(isEqual(a, b), message, compared(a, b, "is not like")),
    notDeepEqual: (a: unknown, b: unknown, message?: unknown) => must(!isEqual(a, b), message, compared(a, b, "is like")),
    match: (text: unknown, pattern: RegExp, message?: unknown) =>
      must(pattern.test(String(text)), message, compared(text, pattern, "does not match")),
    fail: (message?: unknown) => must(false, message, "failed"),
    throws: (act: () => unknown, wanted?: unknown) => expect(act).toThrow(typeof wanted === "string" ? undefined : wanted),
    rejects: async (act: Promise<unknown> | (() => Promise<unknown>)) => {
      await expect(typeof act === "function" ? act() : act).rejects.toBeDefined();
    },
  },
);
