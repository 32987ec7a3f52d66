/** Damage to an input, seeded: equal random numbers give equal bytes. */
import { pick, type Random, randomInt } from "../../src/util/random.ts";

/** Texts that parsers stumble over, besides those of a format. */
const nasty = [
  "",
  "\0",
  "\r",
  "\uFEFF",
  "\u202E",
  "\u2028",
  "\x1b[2J",
  "\ud800",
  "é".normalize("NFD"),
  "__proto__",
  "constructor",
  "null",
  "-1",
  "1e309",
  "99999999999999999999",
  "NaN",
  '"',
  "'",
  "\\",
  "{",
  "}",
  "[",
  "]",
  "<",
  ">",
  "&#27;",
  "../../etc/passwd",
];

/** Values that a field is replaced by. */
const values: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.5,
  1e308,
  -1e308,
  2 ** 53,
  2 ** 31,
  "",
  " ",
  "x".repeat(3000),
  "\0",
  "\ud800",
  "__proto__",
  "../../x",
  [],
  [null],
  [[[[]]]],
  {},
  { length: 1e9 },
];

/** Longest input made, so that one input costs milliseconds where time grows with length and seconds where by its square. */
const longest = 200_000;

/** One to four changes of bytes. @param tokens texts that mean something in the format */
export function mutateBytes(random: Random, seed: Buffer, tokens: readonly string[]): Buffer {
  let bytes: Buffer = Buffer.from(seed);
  for (let left = 1 + randomInt(random, 4); left > 0; left--) bytes = changed(random, bytes, tokens);
  return bytes.subarray(0, longest);
}

function changed(random: Random, bytes: Buffer, tokens: readonly string[]): Buffer {
  const at = randomInt(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + randomInt(random, 40));
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const token = () => Buffer.from(pick(random, [...nasty, ...tokens, ...tokens]));
  switch (randomInt(random, 10)) {
    case 0:
    case 8:
    case 9: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = randomInt(random, 256);
      return flipped;
    }
    case 1:
      return Buffer.concat([before, after]);
    case 2:
      return Buffer.concat([before, token(), part, after]);
    case 3:
      return Buffer.concat([before, token(), after]);
    case 4:
      return Buffer.concat([before, part, part, after]);
    case 5:
      return before;
    case 6:
      return Buffer.concat([before, Buffer.from([randomInt(random, 256), randomInt(random, 256)]), after]);
    default: {
      // Many of the same in a row: what costs the square of their number shows.
      const unit = part.length > 0 && random() < 0.5 ? part : token();
      const times = 10 ** randomInt(random, 5);
      const most = Math.max(1, Math.floor(longest / Math.max(1, unit.length)));
      return Buffer.concat([before, ...Array(Math.min(times, most)).fill(unit), after]);
    }
  }
}

/** One to three changes of a value: fields replaced, removed, added or swapped with another. */
export function mutateValue(random: Random, seed: unknown): unknown {
  let value = structuredClone(seed);
  for (let left = 1 + randomInt(random, 3); left > 0; left--) value = withChange(random, value);
  return value;
}

function withChange(random: Random, root: unknown): unknown {
  const places = placesIn(root);
  if (places.length === 0 || random() < 0.02) return pick(random, values);
  const { holder, key } = pick(random, places);
  const act = random();
  if (act < 0.6) holder[key] = structuredClone(pick(random, values));
  else if (act < 0.75) delete holder[key];
  else if (act < 0.85) holder[pick(random, ["extra", "constructor", "toString"])] = 1;
  else {
    const other = pick(random, places);
    holder[key] = structuredClone(other.holder[other.key]);
  }
  return root;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

/** JSON text of a value; now and then with a key that would change a prototype. */
export function jsonOf(random: Random, value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return random() < 0.05 ? text.replace("{", '{"__proto__":{"polluted":true},') : text;
}
