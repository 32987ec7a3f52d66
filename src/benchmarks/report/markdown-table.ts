/** Tables as Markdown. Cells stand as they are given. */

/** @param named columns from the left that name their row; the others are numbers, aligned right */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  named = 1,
): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, k) => (k < named ? "---" : "---:"))), ...rows.map(line)];
}
