/** Names of people: how two names compare, and whether a text names a person. */
import { foldings } from "../util/letters.ts";

/** A name as it is stored to be compared: without case, composed the same way, white space as one blank. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** The ways in which a name is typed, to be compared with those of another: `Jürgen` is `jurgen` and `juergen`. */
function spellings(name: string): readonly string[] {
  return foldings(foldName(name));
}

/** Whether two names are of one person: case, marks and letters typed another way aside. */
export function sameName(one: string, other: string): boolean {
  const others = spellings(other);
  return spellings(one).some((spelling) => spelling !== "" && others.includes(spelling));
}

/** Whether a text names a person: the name between word boundaries, however it is typed (`Ann` is not in `Anna`). */
export function mentions(text: string, name: string): boolean {
  const texts = spellings(text);
  return spellings(name).some((spelling) => texts.some((folded) => holdsWhole(folded, spelling)));
}

/** Whether a text holds words as a whole. */
function holdsWhole(text: string, words: string): boolean {
  if (words === "") return false;
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1)) {
    const before = text.slice(0, at);
    const after = text.slice(at + words.length);
    if (!/[\p{L}\p{N}_]$/u.test(before) && !/^[\p{L}\p{N}_]/u.test(after)) return true;
  }
  return false;
}

/** The first spelling of each name, sorted. */
export function distinctNames(names: Iterable<string>): string[] {
  const spelled = new Map<string, string>();
  for (const name of names) {
    const folded = foldName(name);
    if (folded !== "" && !spelled.has(folded)) spelled.set(folded, name);
  }
  return [...spelled].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
}
