/** A finished run as figures. */
import { countsOf, type RunCounts } from "./identity.ts";
import type { RunOptions } from "./options.ts";
import {
  type ClipCounts,
  clipsWithout,
  countRetried,
  type Result,
  type Retried,
  scoredOf,
} from "./results.ts";
import { compare, summarise } from "./scoring.ts";

export interface RunSummary {
  readonly id: string;
  readonly benchmark: string;
  readonly counts: RunCounts;
  readonly rows: Readonly<
    Record<
      string,
      ReturnType<typeof summarise> & {
        readonly label: string;
        readonly tokens: number;
        /** Without a memory or its speech, and still to be tried again; and without a memory for good. */
        readonly clips: ClipCounts;
        /** Results that a resumed run finds again. */
        readonly retried: Readonly<Record<Retried, number>>;
      }
    >
  >;
  readonly missingRows: Readonly<Record<string, string>>;
  /** By stream: why its material could not be read. */
  readonly unreadable: Readonly<Record<string, string>>;
  /** Of each row with base. */
  readonly againstBase: Readonly<Record<string, ReturnType<typeof compare>>>;
  /** Of TaskMem with each other row than base. */
  readonly taskmemAgainst: Readonly<Record<string, ReturnType<typeof compare>>>;
}

export function summaryOf(
  { loaded, tasks, rows, missingRows }: RunOptions,
  id: string,
  results: readonly Result[],
): RunSummary {
  const ofRow = (name: string) => results.filter(({ row }) => row === name);
  const scored = (name: string) => ofRow(name).map(scoredOf);
  const names = rows.map(({ name }) => name);
  const others = (than: string) =>
    names.some((name) => name === than) ? names.filter((name) => name !== than) : [];
  return {
    id,
    benchmark: loaded.benchmark,
    counts: countsOf(loaded, tasks),
    rows: Object.fromEntries(
      rows.map(({ name, label }) => {
        const held = ofRow(name).flatMap(({ memory }) => memory?.tokens ?? []);
        const tokens = held.length === 0 ? 0 : held.reduce((total, each) => total + each, 0) / held.length;
        const clips = clipsWithout(ofRow(name));
        const again = countRetried(ofRow(name));
        return [name, { label, tokens, clips, retried: again, ...summarise(scored(name)) }];
      }),
    ),
    missingRows,
    unreadable: Object.fromEntries(
      results.filter(({ memory }) => memory === null).map(({ stream, problem }) => [stream, problem ?? ""]),
    ),
    againstBase: Object.fromEntries(
      others("base").map((name) => [name, compare(scored("base"), scored(name))]),
    ),
    taskmemAgainst: Object.fromEntries(
      others("taskmem")
        .filter((name) => name !== "base")
        .map((name) => [name, compare(scored(name), scored("taskmem"))]),
    ),
  };
}
