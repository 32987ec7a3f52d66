/** What came of the household, to be read: the same tables for a terminal and for a run's report. */
import { type FactKind, factKinds } from "../../../household/index.ts";
import type { ReportTable } from "../../report/tables.ts";
import type { HouseholdResult, HouseholdRowName } from "./household.ts";

const percent = (share: number) => (100 * share).toFixed(1);
const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;

const answerShares = {
  accuracy: "right answers, %",
  coverage: "answered at all, %",
  precision: "right if answered, %",
} as const;

/** The one line to quote: the gain with its interval. */
export function householdVerdict({ gain: { overall }, kindsAboveZero }: HouseholdResult): string {
  const difference = `${signed(overall.gain)} points [${signed(overall.low)}, ${signed(overall.high)}]`;
  return `TaskMem − Phase One: ${difference}, significantly above zero in ${kindsAboveZero} of ${factKinds.length} kinds`;
}

/** Answers by kind, and what the memories are like. */
export function householdTables(
  { rows }: HouseholdResult,
  metrics: readonly (keyof typeof answerShares)[] = ["accuracy", "coverage", "precision"],
): ReportTable[] {
  const columns = ["all", ...factKinds] as const;
  const names = [...new Set(rows.map(({ policy }) => policy))];
  const at = (name: HouseholdRowName, kind: (typeof columns)[number]) =>
    rows.find((row) => row.policy === name && row.kind === kind)!;
  return [
    ...metrics.map((metric) => ({
      ...{ title: answerShares[metric], headings: ["", ...columns] },
      cells: names.map((name) => [name, ...columns.map((kind) => percent(at(name, kind)[metric]))]),
    })),
    {
      title: "memories",
      headings: ["", "true, %", "repeated", "passing", "tokens", "facts"],
      cells: names.map((name) => {
        const row = at(name, "all");
        const shares = [row.trueShare, row.redundantShare, row.passing].map(percent);
        return [name, ...shares, row.tokensPerEntry.toFixed(1), row.factsPerEntry.toFixed(2)];
      }),
    },
  ];
}

/** What the columns of the memories mean. */
export const memoriesNote =
  "true, repeated: of all statements; passing: memories all true with nothing repeated; tokens, facts: of a memory";

/** The swap control: what each kind's adapter does to the questions of each kind. */
export function swapTable({ swap }: HouseholdResult): ReportTable {
  return {
    ...{ title: "swapped adapters, %", headings: ["", ...factKinds] },
    cells: (["none", ...factKinds] as const).map((own) => [
      own === "none" ? "no adapter" : `trained on ${own}`,
      ...factKinds.map((kind: FactKind) => `${own === kind ? "*" : ""}${percent(swap[own][kind])}`),
    ]),
  };
}

/** What the columns of the swap control mean. */
export const swapNote =
  "columns: what is asked about, all questions; * the adapter of the questions' own kind";
