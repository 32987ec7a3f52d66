/** A run of the household as `bench report` draws it: three plots beside its own tables. */
import { z } from "zod";
import { linesPlot, type PlotSeries, planePlot, pointsPlot } from "../../../util/plots.ts";
import type { DrawRun } from "../../report/draw.ts";
import type { HouseholdRowName } from "./household.ts";

/** Which of the page's colours each has: those of the other benchmarks' rows. */
const colours: Readonly<Record<HouseholdRowName, number>> = {
  base: 0,
  TaskMem: 1,
  "base + task prompt": 2,
  "Phase One": 3,
};

const configSchema = z.object({ policy: z.string(), films: z.number(), updateAfter: z.number() });
const policySchema = z.enum(Object.keys(colours) as HouseholdRowName[]);
const rowSchema = z.object({
  ...{ policy: policySchema, kind: z.string(), tokensPerEntry: z.number() },
  ...{ accuracy: z.number(), coverage: z.number(), precision: z.number(), low: z.number(), high: z.number() },
});
const answerSchema = z.object({ policy: policySchema, kind: z.string(), right: z.boolean() });

export const drawHousehold: DrawRun = (config, rowsOf) => {
  const { policy, films, updateAfter } = configSchema.parse(config);
  const rows = rowsOf("rows.jsonl", rowSchema).filter(({ kind }) => kind === "all");
  const answers = Map.groupBy(rowsOf("questions.jsonl", answerSchema), (answer) => answer.policy);
  const soFar = [...answers].map(([label, own]) => ({
    ...{ label, colour: colours[label], points: learning(own) },
  }));
  const series = (point: (row: (typeof rows)[number]) => PlotSeries["points"][number]) =>
    rows.map((row) => ({ label: row.policy, colour: colours[row.policy], points: [point(row)] }));
  return {
    title: `The household: ${policy}, ${films} films`,
    plots: [
      {
        svg: linesPlot(soFar, {
          ...{ x: "tasks of a kind seen", y: "accuracy so far, %", marks: [updateAfter] },
        }),
        caption: "Accuracy over the tasks so far, all kinds together. Upright: the policy learns.",
        keys: soFar,
      },
      {
        svg: pointsPlot(
          series(({ tokensPerEntry: x, accuracy: y, low, high }) => ({ x, y, low, high })),
          { x: "tokens of a memory", y: "accuracy, %" },
        ),
        ...{ caption: "Accuracy against the tokens of a memory, with 95 % intervals.", keys: [] },
      },
      {
        svg: planePlot(series(({ coverage: x, precision: y }) => ({ x, y }))),
        ...{ caption: "Coverage and precision; lines of equal accuracy.", keys: [] },
      },
    ],
  };
};

/** Accuracy over the first n tasks of each kind, for each n. */
function learning(answers: readonly z.output<typeof answerSchema>[]): PlotSeries["points"] {
  const kinds = [...Map.groupBy(answers, ({ kind }) => kind).values()];
  let [right, seen] = [0, 0];
  return Array.from({ length: Math.max(...kinds.map(({ length }) => length)) }, (_, n) => {
    const here = kinds.flatMap((ofKind) => ofKind[n] ?? []);
    right += here.filter((answer) => answer.right).length;
    seen += here.length;
    return { x: n + 1, y: right / seen };
  });
}
