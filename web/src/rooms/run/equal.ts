/** Deep equality and a readable form, for the assertions of participants' tests. */

/** Whether two values have the same structure; `undefined` properties count as absent. */
export function isEqual(a: unknown, b: unknown, seen: [object, object][] = []): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b) && !(isPlain(a) && isPlain(b))) return false;
  if (seen.some(([left, right]) => left === a && right === b)) return true;
  const pairs: [object, object][] = [...seen, [a, b]];
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (a instanceof RegExp && b instanceof RegExp) return String(a) === String(b);
  if (a instanceof Error && b instanceof Error) return a.name === b.name && a.message === b.message;
  if (a instanceof Map && b instanceof Map) return isEqual([...a], [...b], pairs);
  if (a instanceof Set && b instanceof Set) {
    const others: unknown[] = [...b];
    return a.size === b.size && [...a].every((one: unknown) => others.some((other) => isEqual(one, other, pairs)));
  }
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  return sameProperties(a as Record<string, unknown>, b as Record<string, unknown>, pairs);
}

function sameProperties(a: Record<string, unknown>, b: Record<string, unknown>, pairs: [object, object][]): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isEqual(a[name], b[name], pairs));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A value as one would write it, at most `most` characters. */
export function show(value: unknown, most = 300): string {
  const text = write(value, 0, []);
  return text.length <= most ? text : `${text.slice(0, most)}…`;
}

function write(value: unknown, depth: number, above: readonly object[]): string {
  if (typeof value === "string") return depth === 0 && value.includes("\n") ? value : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (above.includes(value)) return "[circular]";
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (depth > 4) return Array.isArray(value) ? "[…]" : "{…}";
  const inside = [...above, value];
  const each = (items: Iterable<unknown>): string =>
    Array.from(items, (item) => write(item, depth + 1, inside)).join(", ");
  if (Array.isArray(value)) return `[${each(value)}]`;
  if (value instanceof Set) return `Set {${each(value)}}`;
  if (value instanceof Map) return `Map {${Array.from(value, (pair: unknown[]) => each(pair).replace(", ", " => ")).join(", ")}}`;
  const fields = Object.entries(value).map(([name, one]) => `${name}: ${write(one, depth + 1, inside)}`);
  const kind = isPlain(value) ? "" : `${(value.constructor as { name?: string } | undefined)?.name ?? ""} `;
  return fields.length === 0 ? `${kind}{}` : `${kind}{ ${fields.join(", ")} }`;
}
