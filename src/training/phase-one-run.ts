/**
 * The directory of a Phase One run: its configuration, a line of metrics a step, curves, and the last checkpoint.
 *
 *     config.json      all that decides the run's numbers; another configuration is refused
 *     metrics.jsonl    one line a step
 *     curves.html      the same as pictures, self-contained
 *     state.json       where the run stands, and which weights go with it
 *     step-<n>.weights  weights and optimiser of that step
 *
 * The state names its weights and is renamed into place after they are written, so a crash leaves the old pair or the
 * new one. Lines of metrics beyond the checkpoint are taken back when a run goes on: the steps are done again.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, DataError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { replaceFile } from "../util/replace-file.ts";
import { curvesPage } from "./curves.ts";
import type { Instance, PhaseOneRun, PhaseOneState, RecordedStep } from "./phase-one.ts";

interface StateFile extends Omit<PhaseOneState, "instances"> {
  readonly weights: string;
  readonly instances: readonly (Omit<Instance, "state"> & {
    readonly state: Omit<Instance["state"], "words"> & {
      readonly words: readonly (readonly [string, number])[];
    };
  })[];
}

/**
 * Opens or makes a run's directory.
 * @param config plain data; all that the run's numbers depend on
 * @throws ConfigError `run-differs` when the directory holds a run of another configuration
 */
export function openPhaseOneRun(directory: string, config: object): PhaseOneRun {
  makeDirectory(directory);
  const path = (name: string) => join(directory, name);
  const configText = `${JSON.stringify(config, null, 2)}\n`;
  if (!existsSync(path("config.json"))) replaceFile(path("config.json"), configText);
  else if (readFileSync(path("config.json"), "utf8") !== configText)
    throw new ConfigError(
      "run-differs",
      `Expected ${directory} to hold a run of this configuration, it holds another (see its config.json): choose another directory, or the same options`,
    );

  const writeMetrics = (steps: readonly RecordedStep[]) =>
    replaceFile(path("metrics.jsonl"), steps.map((step) => `${JSON.stringify(step)}\n`).join(""));

  return {
    directory,
    async resume(learner) {
      const file = readState(path("state.json"));
      if (file === null) {
        rmSync(path("metrics.jsonl"), { force: true });
        return { step: 0, videos: 0, instances: [] };
      }
      await learner.load(path(file.weights));
      writeMetrics(recorded(path("metrics.jsonl")).filter(({ step }) => step <= file.step));
      const { weights: _, instances, ...rest } = file;
      return {
        ...rest,
        instances: instances.map((instance) => ({
          ...instance,
          state: { ...instance.state, words: new Map(instance.state.words) },
        })),
      };
    },
    async record(metrics, ms) {
      await appendFile(path("metrics.jsonl"), `${JSON.stringify({ ...metrics, ms: Math.round(ms) })}\n`);
    },
    metrics: () => recorded(path("metrics.jsonl")),
    async checkpoint(learner, state) {
      // A line just appended may not have reached the disk, and the state below counts on it.
      writeMetrics(recorded(path("metrics.jsonl")));
      const weights = `step-${state.step}.weights`;
      await learner.save(path(weights));
      const file: StateFile = {
        ...state,
        weights,
        instances: state.instances.map((instance) => ({
          ...instance,
          state: { ...instance.state, words: [...instance.state.words] },
        })),
      };
      replaceFile(path("state.json"), `${JSON.stringify(file)}\n`);
      for (const name of readdirSync(directory))
        if (/^step-\d+\.weights/.test(name) && name !== weights) rmSync(path(name));
      replaceFile(path("curves.html"), curvesPage("Phase One", recorded(path("metrics.jsonl"))));
    },
  };
}

function readState(path: string): StateFile | null {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as StateFile;
  } catch (cause) {
    throw new DataError(
      "run-broken",
      `Expected ${path} to be the state of a run, it is no JSON: start the run anew in another directory`,
      { cause },
    );
  }
}

/** Whole lines of a metrics file; a last line that was cut off is not one. */
export function recorded(path: string): RecordedStep[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        return line === "" ? [] : [JSON.parse(line) as RecordedStep];
      } catch {
        return [];
      }
    });
}
