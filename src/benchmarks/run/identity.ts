/** What tells one run from another: `run.json`, and whether a folder holds the run that is to be resumed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { sha256 } from "../../util/hash.ts";
import { type BenchmarkTask, type LoadedBenchmark, withMaterial } from "../task.ts";
import type { RunOptions } from "./options.ts";
import type { RunPlan } from "./plan.ts";
import { basePolicy } from "./protocol.ts";

/** How many rows became questions of the run. */
export interface RunCounts {
  readonly rows: number;
  readonly skipped: number;
  readonly withoutMaterial: number;
  readonly used: number;
}

export interface Description {
  readonly id: string;
  readonly hash: string;
  readonly file: Readonly<Record<string, unknown>>;
}

export function describe(
  {
    loaded,
    tasks,
    rows,
    missingRows,
    protocol,
    answerer,
    judge,
    votes,
    source,
    windowClips,
    words,
    config,
    command,
    directory,
  }: RunOptions,
  { items }: RunPlan,
): Description {
  const { benchmark, layout, files, skipped, missing, notes } = loaded;
  const facts = {
    format: 1,
    benchmark,
    layout,
    annotations: files.map((path) => ({
      name: path.slice(dirname(path).length + 1),
      sha256: sha256(readFileSync(path)),
    })),
    counts: countsOf(loaded, tasks),
    tasks: sha256(JSON.stringify(tasks)),
    protocol: {
      order: protocol.order ?? "official",
      updates: protocol.updates ?? [],
      hints: protocol.hints ?? 5,
      seed: protocol.seed ?? 1,
      oracle: protocol.oracle ?? false,
    },
    rows: rows.map((row) => ({
      name: row.name,
      label: row.label,
      revision: row.policyOf(basePolicy).revision,
    })),
    missingRows,
    memories: rows.map(
      ({ name }) => new Set(items.filter(({ row }) => row.name === name).map(({ memory }) => memory.id)).size,
    ),
    answerer: { id: answerer.id, prompt: answerer.promptHash, recall: answerer.recall, votes },
    judge: { id: judge.id, prompt: judge.promptHash },
    source: { ...source },
    windowClips,
    words: words.id,
    config,
  };
  const hash = sha256(JSON.stringify(facts));
  const id = directory.slice(dirname(directory).length + 1);
  return { id, hash, file: { hash, ...facts, command, notes, missing, skipped } };
}

export function countsOf(loaded: LoadedBenchmark, tasks: readonly BenchmarkTask[]): RunCounts {
  return {
    rows: loaded.rows,
    skipped: loaded.skipped.length,
    withoutMaterial: loaded.tasks.length - withMaterial(loaded).length,
    used: tasks.length,
  };
}

/** Makes a run's folder, or finds that it holds this run. @throws ConfigError `run-exists`, `run-differs` */
export function openRun(directory: string, { hash, file }: Description, resume: boolean): void {
  const described = join(directory, "run.json");
  if (!existsSync(described)) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(described, `${JSON.stringify(file, null, 1)}\n`);
    return;
  }
  refuseRunIn(directory, resume);
  const before = JSON.parse(readFileSync(described, "utf8")) as Record<string, unknown>;
  if (before.hash === hash) return;
  const other = Object.keys(file).filter(
    (fact) =>
      !["hash", "command"].includes(fact) && JSON.stringify(before[fact]) !== JSON.stringify(file[fact]),
  );
  throw differs(directory, `its ${other.join(", ")} ${other.length === 1 ? "is" : "are"} another's`);
}

/** @throws ConfigError `run-exists` for a folder that holds a run that is not to be resumed */
export function refuseRunIn(directory: string, resume: boolean): void {
  if (resume || !existsSync(join(directory, "run.json"))) return;
  throw new ConfigError(
    "run-exists",
    `Expected ${directory} to hold no run: resume it with --resume, or name another with --run`,
  );
}

export function differs(directory: string, how: string): ConfigError {
  return new ConfigError(
    "run-differs",
    `Expected ${directory} to hold this run to resume, but ${how}: name another with --run`,
  );
}
