/**
 * A list as Python prints it, `['a', "it's", 'c']`, read without running anything.
 *
 * Read are text literals with Python's escapes, numbers, True, False and None as their text; no nested lists.
 */

const escapes: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\u0007",
  "0": "\0",
  "\n": "",
};

/** The items as texts, or `null` where the text is no such list. */
export function parsePythonList(text: string): string[] | null {
  const source = text.trim();
  if (!source.startsWith("[") || !source.endsWith("]")) return null;
  const items: string[] = [];
  let at = 1;
  const end = source.length - 1;
  const skipBlank = () => {
    while (at < end && /\s/.test(source[at]!)) at += 1;
  };
  for (skipBlank(); at < end; skipBlank()) {
    const item = readItem(source, at, end);
    if (item === null) return null;
    items.push(item.value);
    at = item.next;
    skipBlank();
    if (at === end) break;
    if (source[at] !== ",") return null;
    at += 1;
  }
  return at === end ? items : null;
}

function readItem(source: string, at: number, end: number): { value: string; next: number } | null {
  const quote = source[at];
  if (quote !== "'" && quote !== '"') {
    const bare = /(?:-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|True|False|None)(?=\s*[,\]])/y;
    bare.lastIndex = at;
    const match = bare.exec(source);
    return match && bare.lastIndex <= end ? { value: match[0], next: bare.lastIndex } : null;
  }
  let value = "";
  for (let i = at + 1; i < end; i++) {
    const character = source[i]!;
    if (character === quote) return { value, next: i + 1 };
    if (character !== "\\") {
      value += character;
      continue;
    }
    const code = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})/y;
    code.lastIndex = i + 1;
    const match = code.exec(source);
    const number = match ? Number.parseInt((match[1] ?? match[2] ?? match[3])!, 16) : null;
    if (number !== null && number <= 0x10ffff) {
      value += String.fromCodePoint(number);
      i = code.lastIndex - 1;
    } else {
      const escaped = source[i + 1]!;
      // Python keeps the backslash of an escape it does not know.
      value += escapes[escaped] ?? (/['"\\]/.test(escaped) ? escaped : `\\${escaped}`);
      i += 1;
    }
  }
  return null;
}
