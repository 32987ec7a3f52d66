/** What came of the household, to be read: the same blocks for a terminal and for a run's Markdown. */
import { type FactKind, factKinds } from "../../../household/index.ts";
import { markdownTable } from "../../report/markdown-table.ts";
import type { HouseholdResult, HouseholdRowName } from "./household.ts";

export type HouseholdBlock =
  /** The first cell of each row names it; the others are numbers. */
  | {
      readonly block: "table";
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | { readonly block: "note"; readonly text: string }
  /** The one line to quote. */
  | { readonly block: "verdict"; readonly text: string };

const percent = (share: number) => (100 * share).toFixed(1);
const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;

const answerShares = {
  accuracy: "right answers, %",
  coverage: "answered at all, %",
  precision: "right if answered, %",
} as const;

/** The rows, the gain with its interval, and the swap control. */
export function householdReport({ rows, gain, kindsAboveZero, swap }: HouseholdResult): HouseholdBlock[] {
  const columns = ["all", ...factKinds] as const;
  const names = [...new Set(rows.map(({ policy }) => policy))];
  const at = (name: HouseholdRowName, kind: (typeof columns)[number]) =>
    rows.find((row) => row.policy === name && row.kind === kind)!;
  const table = (head: readonly string[], cells: readonly (readonly string[])[]) =>
    ({ block: "table", head, rows: cells }) as const;
  const { overall } = gain;
  const difference = `${signed(overall.gain)} points [${signed(overall.low)}, ${signed(overall.high)}]`;
  return [
    ...(["accuracy", "coverage", "precision"] as const).map((metric) =>
      table(
        [answerShares[metric], ...columns],
        names.map((name) => [name, ...columns.map((kind) => percent(at(name, kind)[metric]))]),
      ),
    ),
    table(
      ["memories", "true, %", "repeated", "passing", "tokens", "facts"],
      names.map((name) => {
        const row = at(name, "all");
        const shares = [row.trueShare, row.redundantShare, row.passing].map(percent);
        return [name, ...shares, row.tokensPerEntry.toFixed(1), row.factsPerEntry.toFixed(2)];
      }),
    ),
    {
      block: "note",
      text: "true, repeated: of all statements; passing: memories all true with nothing repeated; tokens, facts: of a memory",
    },
    {
      block: "verdict",
      text: `TaskMem − Phase One: ${difference}, significantly above zero in ${kindsAboveZero} of ${factKinds.length} kinds`,
    },
    table(
      ["swapped adapters, %", ...factKinds],
      (["none", ...factKinds] as const).map((own) => [
        own === "none" ? "no adapter" : `trained on ${own}`,
        ...factKinds.map((kind: FactKind) => `${own === kind ? "*" : ""}${percent(swap[own][kind])}`),
      ]),
    ),
    {
      block: "note",
      text: "columns: what is asked about, all questions; * the adapter of the questions' own kind",
    },
  ];
}

/** The blocks as Markdown, an empty line between. */
export function householdMarkdown(blocks: readonly HouseholdBlock[]): string[] {
  return blocks.flatMap((one, i) => [
    ...(i === 0 ? [] : [""]),
    ...(one.block === "table" ? markdownTable(one.head, one.rows) : [`${one.text}.`]),
  ]);
}
