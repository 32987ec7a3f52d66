/** The known name that a misspelt one is nearest to. */
import { foldLetters } from "./letters.ts";

/** The nearest of some names, at most one letter off, two from six letters up; `null` where none is that near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const asked = foldLetters(name).trim();
  const most = asked.length < 6 ? 1 : 2;
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const other of known) {
    const distance = edits(asked, foldLetters(other).trim());
    if (distance <= most && (best === null || distance < best.distance)) best = { name: other, distance };
  }
  return best?.name ?? null;
}

/** "Did you mean Tom? ", or nothing. */
export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return nearest === null ? "" : `Did you mean ${nearest}? `;
}

/** Letters to insert, delete, replace or swap with the next (Damerau's distance, without a second change of a pair). */
export function edits(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
