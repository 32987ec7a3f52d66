/**
 * A run on texts as `bench report` draws it: its own tables, and four plots of the policies that say most.
 *
 * What a question is worth while they come in is `m`, which is finer than right or wrong.
 */
import { z } from "zod";
import { linesPlot, type Plot, type PlotSeries, planePlot, pointsPlot } from "../../../util/plots.ts";
import type { DrawRun } from "../../report/draw.ts";
import { mean } from "../../statistics.ts";

/** In the order of the page's colours. */
const drawn = ["cov", "cov+words", "cov+dpo", "all", "random", "recent"];

const configSchema = z.object({ text: z.literal(true), wearer: z.string(), budgets: z.array(z.number()) });
const rowSchema = z.object({
  ...{ policy: z.string(), budget: z.number(), type: z.string(), share: z.number(), m: z.number() },
  ...{ accuracy: z.number(), coverage: z.number(), precision: z.number().nullable() },
  ...{ low: z.number().nullable(), high: z.number().nullable() },
});
const questionSchema = z.object({ policy: z.string(), budget: z.number(), mass: z.number() });

export const drawText: DrawRun = (config, rowsOf) => {
  const { wearer, budgets } = configSchema.parse(config);
  const rows = rowsOf("rows.jsonl", rowSchema).filter(({ type }) => type === "all");
  const plots = plotsOf(rows, rowsOf("questions.jsonl", questionSchema), Math.max(...budgets));
  return { title: `EgoLife as text: ${wearer}`, plots };
};

function plotsOf(
  rows: readonly z.output<typeof rowSchema>[],
  questions: readonly z.output<typeof questionSchema>[],
  most: number,
): Plot[] {
  const series = <T extends { readonly policy: string }>(
    some: readonly T[],
    points: (of: T[]) => PlotSeries["points"],
  ) =>
    drawn.flatMap((label, colour): PlotSeries[] => {
      const own = some.filter(({ policy }) => policy === label);
      return own.length === 0 ? [] : [{ label, colour, points: points(own) }];
    });
  const atMost = <T extends { readonly policy: string; readonly budget: number }>(some: readonly T[]) =>
    some.filter(({ policy, budget }) => budget === most || policy === "all");
  const soFar = series(atMost(questions), (of) =>
    of.map((_, i) => ({ x: i + 1, y: mean(of.slice(0, i + 1).map(({ mass }) => mass)) })),
  );
  const tokens = { x: "tokens kept, %", logarithmic: true };
  const budget = `${Number((100 * most).toFixed(2))} %`;
  return [
    {
      svg: linesPlot(soFar, { x: "questions asked", y: "m so far, %", marks: [] }),
      ...{ caption: `m over the questions so far, at ${budget} of the tokens.`, keys: soFar },
    },
    {
      svg: pointsPlot(
        series(rows, (of) => of.map(({ share, m }) => ({ x: 100 * share, y: m }))),
        { ...tokens, y: "m, %" },
      ),
      ...{ caption: "m against the share of the tokens that is kept.", keys: [] },
    },
    {
      svg: pointsPlot(
        series(rows, (of) =>
          of.map(({ share, accuracy: y, low, high }) => ({
            x: 100 * share,
            y,
            low: low ?? y,
            high: high ?? y,
          })),
        ),
        { ...tokens, y: "accuracy, %" },
      ),
      ...{
        caption: "Accuracy against the share of the tokens that is kept.",
        keys: [],
      },
    },
    {
      svg: planePlot(
        series(atMost(rows), (of) => of.map(({ coverage: x, precision }) => ({ x, y: precision ?? 0 }))),
      ),
      ...{
        caption: `Coverage and precision at ${budget}; lines of equal accuracy.`,
        keys: [],
      },
    },
  ];
}
