/** People as texts name them: how two names compare, and whether a text names somebody. */

/** How names are compared: without case, composed the same way, white space as one blank. */
export function foldName(name: string): string {
  return name.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim();
}

/** Whether a text names somebody: the name between word boundaries, case aside (`Ann` is not in `Anna`). */
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
