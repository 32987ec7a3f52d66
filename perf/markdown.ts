/** Figures as Markdown on stdout. */

/** Prints the head of a table, whose first column holds names and the others figures. @returns what prints a row */
export function printTable(...columns: readonly string[]): (...cells: readonly (string | number)[]) => void {
  const row = (...cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
  row(...columns);
  row(...columns.map((_, i) => (i === 0 ? "---" : "--:")));
  return row;
}

/** Points gained or lost, their sign always shown. */
export const signed = (points: number) => (points < 0 ? "−" : "+") + Math.abs(points).toFixed(1);
