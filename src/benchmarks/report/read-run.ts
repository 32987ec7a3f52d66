/** A run's folder, read for its report. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { DataError } from "../../errors.ts";
import { totalCost } from "../run/cost.ts";
import { ownReportSchema } from "../run/own-report.ts";
import { type Result, readResults } from "../run/results.ts";
import { type BenchmarkName, benchmarkNames, benchmarkTitles } from "../task.ts";

const common = {
  format: z.literal(1),
  hash: z.string(),
  notes: z.array(z.string()),
  skipped: z.array(z.object({ file: z.string(), row: z.number(), reason: z.string() })),
};

const videoRunSchema = z.object({
  ...common,
  benchmark: z.enum(benchmarkNames),
  layout: z.string(),
  annotations: z.array(z.object({ name: z.string(), sha256: z.string() })),
  counts: z.object({ rows: z.number(), skipped: z.number(), withoutMaterial: z.number(), used: z.number() }),
  protocol: z.object({
    order: z.union([z.literal("official"), z.object({ seed: z.number() })]),
    updates: z.array(z.number()),
    seed: z.number(),
    oracle: z.union([z.literal(false), z.object({ seconds: z.number() })]),
  }),
  rows: z.array(z.object({ name: z.string(), label: z.string(), revision: z.string() })),
  missingRows: z.record(z.string(), z.string()),
  answerer: z.object({ id: z.string(), prompt: z.string(), recall: z.string(), votes: z.number() }),
  judge: z.object({ id: z.string(), prompt: z.string() }),
  command: z.string(),
  config: z.looseObject({
    policy: z.string(),
    model: z.record(z.string(), z.string().nullable()),
  }),
});
/** What a run on videos was. */
export type VideoRun = z.output<typeof videoRunSchema>;

const ownRunSchema = z.object({
  ...common,
  benchmark: z.string(),
  used: z.number(),
  rows: z.array(
    z.object({ name: z.string(), label: z.string(), policy: z.string(), budget: z.number().nullable() }),
  ),
  config: z.record(z.string(), z.unknown()),
  own: ownReportSchema,
});

/** A run's folder, read. */
export interface ReportedRun {
  readonly id: string;
  /** Of a dataset that answers by itself where it has `own`. */
  readonly run: VideoRun | z.output<typeof ownRunSchema>;
  readonly results: readonly Result[];
  /** Whether every row has every task. */
  readonly finished: boolean;
  readonly cost: ReturnType<typeof totalCost>;
}

/**
 * Reads the folder of a run.
 * @throws DataError `run-unreadable` for a folder that holds no run
 */
export function readRun(directory: string): ReportedRun {
  const place = resolve(directory);
  const unreadable = (problem: string) =>
    new DataError("run-unreadable", `Expected a run of \`bench\` in ${place}, ${problem}`, {
      details: { path: place },
    });
  const described = join(place, "run.json");
  const path = join(place, "results.jsonl");
  if (!existsSync(described) || !existsSync(path)) throw unreadable("found no run.json and results.jsonl");
  const content = parseRun(readFileSync(described, "utf8"));
  const isOwn = typeof content === "object" && content !== null && "own" in content;
  const parsed = (isOwn ? ownRunSchema : videoRunSchema).safeParse(content);
  if (!parsed.success) throw unreadable(`its run.json is another's: ${parsed.error.issues[0]!.message}`);
  const results = readResults(path);
  const { rows } = parsed.data;
  const used = "own" in parsed.data ? parsed.data.used : parsed.data.counts.used;
  const finished = results.length === rows.length * used;
  return { id: basename(place), run: parsed.data, results, finished, cost: totalCost(place) };
}

/** A heading for it. */
export const titleOf = ({ run }: ReportedRun): string =>
  "own" in run ? run.own.title : benchmarkTitles[run.benchmark];

/** The video benchmark it is of, `null` for another dataset. */
export const videoBenchmarkOf = ({ run }: ReportedRun): BenchmarkName | null =>
  "own" in run ? null : run.benchmark;

/** Numbers of tasks after which the policy learns. */
export const updatesOf = ({ run }: ReportedRun): readonly number[] =>
  "own" in run ? run.own.updates : run.protocol.updates;

function parseRun(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
