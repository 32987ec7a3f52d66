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

/** Rows of one group, `fuzz: srt` and `fuzz: vtt`, as one. */
export function summed(rows: readonly SoakRow[]): SoakRow[] {
  const groups = Map.groupBy(rows, ({ kind }) => kind.split(":")[0]!);
  return [...groups].map(([name, group]) => {
    const sum = (count: "lost" | "twice" | "deaths" | "hangs") => {
      const counts = group.flatMap((row) => row[count] ?? []);
      return counts.length === 0 ? {} : { [count]: counts.reduce((total, one) => total + one, 0) };
    };
    return {
      kind: group.length === 1 ? name : `${name}, ${group.length} kinds`,
      runs: group.reduce((total, { runs }) => total + runs, 0),
      ...{ ...sum("lost"), ...sum("twice"), ...sum("deaths"), ...sum("hangs") },
      peakBytes: Math.max(...group.map(({ peakBytes = 0 }) => peakBytes)),
      wrong: group.flatMap(({ wrong }) => wrong),
    };
  });
}

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
