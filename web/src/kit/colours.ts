/** White text is readable (4.5:1) on each; none is close to a light's colour or to another. */
const COLOURS = ["#4450c8", "#0b6e86", "#8a3ab0", "#9a4a00", "#39683a", "#a8326e", "#54606e", "#1f5bb5", "#6a5a00", "#7a4a3a"];

/** Which colour a person has, everywhere: avatar, cursor, bars. The last characters of a UUIDv7 are random. */
export function colourOf(id: string): string {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length] ?? "#54606e";
}
