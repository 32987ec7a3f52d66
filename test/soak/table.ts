/** What a soak test found, as rows of one table. */

/** One kind of fault or input, tried many times. A count that does not apply is left out. */
export interface SoakRow {
  readonly kind: string;
  /** Kills, inputs, copies or runs. */
  readonly runs: number;
  /** What was acknowledged and is gone. */
  readonly lost?: number;
  /** What is there more than once. */
  readonly twice?: number;
  /** Processes that ended by themselves with anything but an exit code for it. */
  readonly deaths?: number;
  /** Runs that took longer than they may. */
  readonly hangs?: number;
  /** Highest memory of a process. */
  readonly peakBytes?: number;
  /** Everything else that should not have happened, a sentence each. */
  readonly wrong: readonly string[];
}

/** Whether nothing happened that should not. */
export const isClean = ({ lost = 0, twice = 0, deaths = 0, hangs = 0, wrong }: SoakRow): boolean =>
  lost + twice + deaths + hangs + wrong.length === 0;

/** The rows as a Markdown table. */
export function tableOf(rows: readonly SoakRow[]): string {
  const mebibytes = (bytes?: number) => (bytes ? String(Math.round(bytes / 2 ** 20)) : undefined);
  const cells = rows.map(({ kind, runs, lost, twice, deaths, hangs, wrong, peakBytes }) => [
    kind,
    ...[runs.toLocaleString("en"), lost, twice, deaths, hangs, wrong.length, mebibytes(peakBytes)].map(
      (cell) => String(cell ?? "–"),
    ),
  ]);
  const head = ["kind", "runs", "lost", "twice", "deaths", "hangs", "wrong", "peak MiB"];
  return [head, ["---", ...head.slice(1).map(() => "--:")], ...cells]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}
