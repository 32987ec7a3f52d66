/**
 * The paper's main table (arXiv 2605.31075), in per cent, to stand beside ours; "base + task prompt" and "TaskMem, Phase
 * One only" are of its Table 3.
 */
import type { BenchmarkName } from "../task.ts";

/** One row of the paper's table, in per cent. */
export interface PaperRow {
  readonly method: string;
  readonly accuracy: number;
  readonly coverage: number;
  readonly precision: number;
}

const table: readonly (readonly [method: string, videomme: string, egolife: string, egotempo: string])[] = [
  ["EgoGPT", "44.3 58.7 75.5", "19.2 28.2 68.1", "15.0 33.5 44.9"],
  ["HippoMM", "48.9 66.6 73.5", "30.4 43.4 70.0", "15.8 30.8 51.1"],
  ["M3-Agent", "62.5 77.7 80.4", "21.8 30.8 70.8", "16.0 36.3 44.2"],
  ["Gemini-1.5-Pro", "55.3 65.9 83.9", "39.4 51.6 76.4", "19.7 34.3 57.4"],
  ["Gemini-2.5-Pro", "63.2 74.8 84.4", "43.8 56.6 77.4", "25.8 42.3 61.0"],
  ["GPT-5.2", "67.3 80.8 83.3", "34.8 48.2 72.2", "32.1 51.4 62.4"],
  ["Qwen3-VL-30B-A3B (base)", "61.6 74.7 82.5", "38.4 52.4 73.3", "22.3 38.9 57.2"],
  ["base + task prompt", "64.2 77.3 83.0", "40.0 51.0 78.4", "24.5 42.9 57.1"],
  ["TaskMem, Phase One only", "64.4 75.4 85.3", "39.6 51.0 77.6", "23.7 37.5 63.3"],
  ["TaskMem", "67.9 79.3 85.6", "45.4 56.4 80.5", "27.6 43.7 63.2"],
];

/** Questions behind the paper's figures. */
const questions: Partial<Record<BenchmarkName, number>> = { videomme: 1800, egolife: 500, egotempo: 500 };

/** The paper's rows of a benchmark; none where it does not report it, and of another dataset. */
export function paperRows(benchmark: BenchmarkName | null): PaperRow[] {
  const column = ["videomme", "egolife", "egotempo"].indexOf(benchmark ?? "");
  if (column < 0) return [];
  return table.map(([method, ...figures]) => {
    const [accuracy, coverage, precision] = figures[column]!.split(" ").map(Number) as [
      number,
      number,
      number,
    ];
    return { method, accuracy, coverage, precision };
  });
}

/** What a run did other than the paper, as plain sentences. */
export function differencesFromPaper(
  benchmark: BenchmarkName,
  run: {
    readonly used: number;
    readonly answerer: string;
    readonly votes: number;
    readonly judge: string;
    readonly writer: string;
    /** How TaskMem learnt: the policy that did, and its judge; `null` where it counted words. */
    readonly lessons: { readonly policy: string; readonly judge: string | null } | null;
    readonly order: string;
    readonly updates: readonly number[];
    readonly oracle: boolean;
    readonly open: boolean;
  },
): string[] {
  const all = questions[benchmark];
  const scope = benchmark === "videomme" ? " of short and medium videos" : "";
  const updates =
    run.updates.length === 0 ? "never learns" : `learns after ${run.updates.join(", ")} tasks of a type`;
  return [
    all === undefined
      ? "The paper does not report this benchmark."
      : run.used === all
        ? `${run.used} questions, as many as the paper's${scope}.`
        : `${run.used} questions; the paper has ${all}${scope}.`,
    `Memory is written by ${run.writer}; the paper's by Qwen3-VL-30B-A3B, for TaskMem after Phase One training.`,
    taskmemOf(run.lessons),
    `Questions are answered by ${run.answerer}${run.votes > 1 ? `, the majority of ${run.votes}` : ""}; the paper asks GPT-4o (2024-11-20)${benchmark === "egolife" ? ", the majority of 3" : ""}.`,
    ...(run.open ? [`Open answers are graded by ${run.judge}; the paper asks Gemini-1.5-Pro-002.`] : []),
    `It ${updates}, tasks in ${run.order} order; the paper learns once, after 5. The first tasks are counted, as the paper's EgoLife figures imply.`,
    ...(benchmark === "egolife"
      ? [
          run.oracle
            ? "Only spans of one given length around the evidence and before the question are watched; the paper's groups of clips have lengths that were not published."
            : "The whole stream up to the question is watched and searched: harder than the paper, whose answerer is given the clips that hold the evidence.",
        ]
      : []),
    "Coverage is the share of questions that were answered at all, as the paper's own figures imply; no released script computes it.",
  ];
}

function taskmemOf(lessons: { readonly policy: string; readonly judge: string | null } | null): string {
  if (lessons === null)
    return "TaskMem here learns weights of words and tilts the untouched policy by them; the paper trains a vector in the model's residual stream.";
  const judge = lessons.judge ?? (lessons.policy === "model" ? "local" : "model");
  return lessons.policy === "model"
    ? `TaskMem's vector in the residual stream is trained by preferences of the judge ${judge}; the paper's by GPT-4o's.`
    : `TaskMem here picks one of several samples by weights of words, trained by preferences of the judge ${judge}; the paper trains a vector in the model's residual stream.`;
}
