/** Names of people: how two names compare, and whether a text names a person. */

/** A name in the form in which names are compared: without case, composed the same way, white space as one blank. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** Whether a text names a person: the name between word boundaries, case aside (`Ann` is not in `Anna`). */
export function mentions(text: string, foldedName: string): boolean {
  if (foldedName === "") return false;
  const folded = foldName(text);
  for (let at = folded.indexOf(foldedName); at >= 0; at = folded.indexOf(foldedName, at + 1)) {
    const before = folded.slice(0, at);
    const after = folded.slice(at + foldedName.length);
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
