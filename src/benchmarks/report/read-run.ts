/** A run's folder, read for its report. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { DataError } from "../../errors.ts";
import { totalCost } from "../run/cost.ts";
import { type Result, readResults } from "../run/results.ts";
import { benchmarkNames } from "../task.ts";

const runSchema = z.object({
  format: z.literal(1),
  hash: z.string(),
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
  skipped: z.array(z.object({ file: z.string(), row: z.number(), reason: z.string() })),
  notes: z.array(z.string()),
});

/** A run's folder, read. */
export interface ReportedRun {
  readonly id: string;
  readonly run: z.output<typeof runSchema>;
  readonly results: readonly Result[];
  /** Whether every row has every task. */
  readonly finished: boolean;
  readonly cost: ReturnType<typeof totalCost>;
}

/**
 * Reads the folder of a run on videos.
 * @throws DataError `run-unreadable` for a folder that holds no run
 */
export function readRun(directory: string): ReportedRun {
  const place = resolve(directory);
  const unreadable = (problem: string) =>
    new DataError(
      "run-unreadable",
      `Expected a run of \`bench videomme\`, \`egolife\`, \`egotempo\` or \`m3bench\` in ${place}, ${problem}`,
      { details: { path: place } },
    );
  const described = join(place, "run.json");
  const path = join(place, "results.jsonl");
  if (!existsSync(described) || !existsSync(path)) throw unreadable("found no run.json and results.jsonl");
  const parsed = runSchema.safeParse(parseRun(readFileSync(described, "utf8")));
  if (!parsed.success) throw unreadable(`its run.json is another's: ${parsed.error.issues[0]!.message}`);
  const results = readResults(path);
  const finished = results.length === parsed.data.rows.length * parsed.data.counts.used;
  return { id: basename(place), run: parsed.data, results, finished, cost: totalCost(place) };
}

function parseRun(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
