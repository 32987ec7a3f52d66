/**
 * A training run on disk, which can be killed at any moment and resumed: what both phases share.
 *
 *     config.json       everything that decides the run's numbers; another configuration is refused
 *     *.jsonl           lines appended as they come
 *     curves.html       metrics as pictures, self-contained
 *     state.json        the run's state, and which weights belong to it
 *     step-<n>.weights  weights and optimiser of that step
 *
 * The state names its weights and is renamed into place after they are written, so a crash leaves the old pair or the
 * new one.
 */
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import { curvesPage } from "./curves.ts";
import type { Trainer } from "./trainer.ts";

/** The part of a checkpoint besides the weights. */
export interface RunState {
  /** Completed steps. */
  readonly step: number;
}

/** The open directory of a run. */
export interface RunDirectory {
  readonly path: string;
  /** All complete lines of a file; none where the file is missing. */
  rows<Row>(name: string): Row[];
  /** Appends a line per row and forces it to disk, so that a checkpoint may rely on it. */
  append(name: string, rows: readonly object[]): Promise<void>;
  /** Appends as `append` does, without forcing it to disk. */
  note(name: string, rows: readonly object[]): Promise<void>;
  /** Replaces all lines of a file. */
  replace(name: string, rows: readonly object[]): void;
  /** The state of the last checkpoint, its weights loaded; `null` at the start. */
  resume<State extends RunState>(trainer: Pick<Trainer<never>, "load">): Promise<State | null>;
  checkpoint(trainer: Pick<Trainer<never>, "save">, state: RunState): Promise<void>;
  /** Draws the curves of `metrics.jsonl`. */
  drawCurves(title: string): void;
}

/** Options of `openRunDirectory`. */
export interface RunDirectoryOptions {
  /** Whether a run of another configuration in the directory is refused or replaced. @default "refuse" */
  readonly otherRun?: "refuse" | "replace";
}

/**
 * Opens or makes a run's directory.
 * @param config plain data: everything the run's numbers depend on
 * @throws ConfigError `run-differs` when the directory holds a run of another configuration
 */
export function openRunDirectory(
  directory: string,
  config: object,
  { otherRun = "refuse" }: RunDirectoryOptions = {},
): RunDirectory {
  makeDirectory(directory);
  const path = (name: string) => join(directory, name);
  const configText = `${JSON.stringify(config, null, 2)}\n`;
  const isOther = existsSync(path("config.json")) && readFileSync(path("config.json"), "utf8") !== configText;
  if (isOther && otherRun === "refuse")
    throw new ConfigError(
      "run-differs",
      `${directory} holds a run of another configuration (see its config.json): choose another directory, or the same options`,
    );
  if (isOther) removeRun(directory);
  if (!existsSync(path("config.json"))) replaceFile(path("config.json"), configText);
  for (const name of readdirSync(directory))
    if (runFiles.test(name) && name.endsWith(".jsonl")) cutLastLine(path(name));

  const linesOf = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  return {
    path: directory,
    rows: (name) => rowsOf(path(name)),
    append: (name, rows) => appendFile(path(name), linesOf(rows), { flush: true }),
    note: (name, rows) => appendFile(path(name), linesOf(rows)),
    replace: (name, rows) => replaceFile(path(name), linesOf(rows)),
    async resume<State extends RunState>(trainer: Pick<Trainer<never>, "load">) {
      const state = readState(path("state.json"));
      if (state === null) return null;
      const { weights, ...rest } = state;
      await trainer.load(path(weights));
      return rest as unknown as State;
    },
    async checkpoint(trainer, state) {
      const weights = `step-${state.step}.weights`;
      await trainer.save(path(weights));
      replaceFile(path("state.json"), `${JSON.stringify({ ...state, weights })}\n`);
      for (const name of readdirSync(directory))
        if (/^step-\d+\.weights/.test(name) && name !== weights) rmSync(path(name));
    },
    drawCurves: (title) =>
      replaceFile(path("curves.html"), curvesPage(title, rowsOf<object>(path("metrics.jsonl")))),
  };
}

const runFiles =
  /^((config|state|adapter|result)\.json|curves\.html|(metrics|rollouts|drawn|verdicts|pairs|choices)\.jsonl|step-\d+\.weights.*)$/;

/** Removes the files of a run, and nothing else. */
function removeRun(directory: string): void {
  for (const name of readdirSync(directory)) if (runFiles.test(name)) rmSync(join(directory, name));
}

/** Removes a line that a kill cut short, so that the next one begins a line. */
function cutLastLine(path: string): void {
  const content = readFileSync(path);
  const whole = content.lastIndexOf("\n") + 1;
  if (whole < content.length) truncateSync(path, whole);
}

/** A state as it is kept: the run's own, and the file of its weights. */
interface KeptState extends RunState {
  readonly weights: string;
}

function readState(path: string): KeptState | null {
  if (!existsSync(path)) return null;
  let cause: unknown;
  try {
    const state: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isKeptState(state)) return state;
  } catch (error) {
    cause = error;
  }
  throw new DataError(
    "run-broken",
    `${path} does not hold the state of a run: start again in another directory`,
    { cause },
  );
}

/** Checked by hand: this file is loaded with the library, which a schema would make slower to import. */
function isKeptState(state: unknown): state is KeptState {
  const { step, weights } = (state ?? {}) as Partial<Record<keyof KeptState, unknown>>;
  const isStep = Number.isSafeInteger(step) && (step as number) >= 0;
  return isStep && typeof weights === "string" && /^step-\d+\.weights$/.test(weights);
}

/** Complete lines of a JSONL file; a last line that was cut off does not count. */
export function rowsOf<Row>(path: string): Row[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as Row];
      } catch {
        return [];
      }
    });
}
