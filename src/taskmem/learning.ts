/**
 * When a memory learns by itself: after every `adapt.every` new questions, if learning costs no calls to a model.
 * Training that takes longer than an answer runs in a separate process; but where a process holds the model on a GPU, that
 * one learns, between its own decisions, and there is no second copy.
 */
import { spawn } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import { text as readAll } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Config } from "../config.ts";
import { noCost } from "../engine.ts";
import { ConfigError, EngineError } from "../errors.ts";
import { folderOf } from "../memory/folder.ts";
import { isPostgresUrl } from "../memory/place.ts";
import type { Task } from "../tasks/task.ts";
import { type AdapterResult, trainAdapter } from "../training/train-adapter.ts";
import { SerialQueue } from "../util/async.ts";
import { replaceFile } from "../util/replace-file.ts";
import { told } from "../util/telemetry.ts";
import type { TrainingChoice } from "./assembly.ts";
import { isHeldElsewhere } from "./held-model.ts";
import { claimRun, claimUnfinishedRun } from "./learning-run.ts";
import type { Parts } from "./parts.ts";
import { costBetween } from "./spending.ts";

/** How to learn. */
export interface LearnOptions extends TrainingChoice {
  /** Whether to learn in a separate process, so that this one stays free to answer. @default false */
  readonly apart?: boolean;
  /**
   * Directory of a run with training steps; it is resumed from there.
   * @default below `runs/` in the memory's directory
   */
  readonly run?: string | undefined;
  /** Tasks to learn from, in the order they were asked. @default the memory's latest */
  readonly tasks?: readonly Task[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The result of learning. */
export interface LearnResult extends AdapterResult {
  /** Directory with the run's rollouts, curve and checkpoint; `null` if training took no steps. */
  readonly run: string | null;
}

/** An event of learning that questions started. */
export type LearningEvent =
  | {
      readonly event: "learning-start";
      readonly policy: string;
      readonly questions: number;
      readonly apart: boolean;
    }
  | { readonly event: "learning-end"; readonly policy: string; readonly result: AdapterResult }
  | { readonly event: "learning-failed"; readonly policy: string; readonly error: Error };

/** Runs learning that questions started: as an operation of a server, say. */
export type LearnWith = (learn: (signal: AbortSignal) => Promise<LearnResult>) => void | Promise<void>;

/** Learning of one memory: by request, and by itself after questions. */
export class Learning {
  readonly #parts: Parts;
  readonly #tell: (event: LearningEvent) => void;
  readonly #with: LearnWith | null;
  readonly #queue = new SerialQueue();
  /** The last learning that started here: how many questions there were since the adapter before it. */
  #begun: { readonly lastMs: number; readonly questions: number } | null = null;
  /** Whether learning that questions started waits for another to end: it will learn from what is asked meanwhile, too. */
  #isWaiting = false;

  /** @param runs runs what questions start, in a process of its own; `null` to run it here as the policy has it */
  constructor(parts: Parts, tell: (event: LearningEvent) => void, runs: LearnWith | null = null) {
    this.#parts = parts;
    this.#tell = tell;
    this.#with = runs;
  }

  /**
   * Trains, tries and perhaps activates an adapter. Trainings of one object run one after the other, because they may
   * share a model.
   * @throws ConfigError for a policy that does not learn, `run-busy` while another process writes the directory
   */
  async run({ apart = false, run, signal, ...choice }: LearnOptions): Promise<LearnResult> {
    if (apart) return told("adapt", { apart }, () => learnApart(this.#parts, { ...choice, run }, signal));
    return this.#queue.run(() => this.#runHere(choice, { run, signal }));
  }

  async #runHere(
    choice: Omit<LearnOptions, "apart" | "run" | "signal">,
    { run, signal }: Pick<LearnOptions, "run" | "signal">,
  ): Promise<LearnResult> {
    const { memory, policyId } = this.#parts;
    if (run === undefined && !isPostgresUrl(memory.directory) && !existsSync(memory.directory))
      return { ...(await this.#train(policyId, choice, { signal })), run: null };
    const runs = join(folderOf(memory.directory), "runs");
    const { directory, release } = run === undefined ? claimUnfinishedRun(runs, policyId) : claimRun(run);
    const result = await this.#train(policyId, choice, { run: directory, signal })
      .then(async (result) => {
        await this.#keepResult(directory, result);
        return result;
      })
      .finally(release);
    return { ...result, run: keptRun(result, directory, run ?? join(runs, result.id ?? "nothing-learned")) };
  }

  /** Writes what came of a run that took steps beside them: the result, and the adapter's file. */
  async #keepResult(directory: string, { curve, ...result }: AdapterResult): Promise<void> {
    // A `forget` beside it has removed the directory, because runs hold texts.
    if (curve === undefined || !existsSync(directory)) return;
    const adapters = await this.#parts.memory.adapters({ policy: this.#parts.policyId });
    const kept = adapters.find(({ id }) => id === result.id);
    if (kept) replaceFile(join(directory, "adapter.json"), kept.file);
    replaceFile(join(directory, "result.json"), `${JSON.stringify(result, null, 2)}\n`);
  }

  /** Called for each recorded task. Starts learning when it completes `adapt.every` new ones. */
  async afterTask(task: string): Promise<void> {
    const { memory, config, learningPolicy: policy } = this.#parts;
    if (policy === null || !config.adapt.auto) return;
    const adapters = await memory.adapters({ policy });
    const lastMs = Math.max(0, ...adapters.map(({ atMs }) => atMs));
    // The task's own place among those since the last result, so that of several processes one learns.
    const questions = await memory.countTasks({ afterMs: lastMs, upTo: task });
    if (questions === 0 || questions % config.adapt.every !== 0) return;
    const isHere = await this.#parts.holdsModelOnGpu();
    if (policy === "model" && !isHere && isHeldElsewhere(config.memory)) return;
    const isSlow = policy === "nano" || (policy === "model" && !isHere);
    const apart = !this.#parts.isCustom && (config.adapt.apart ?? (isSlow || this.#with !== null));
    await this.#start({ policy, questions, lastMs }, apart);
  }

  /**
   * Called before a decision: starts the learning that other processes leave to this one, because it holds the model on a
   * GPU.
   */
  async beforeDecision(): Promise<void> {
    const { memory, config, learningPolicy: policy } = this.#parts;
    if (policy !== "model" || !config.adapt.auto || !(await this.#parts.holdsModelOnGpu())) return;
    const adapters = await memory.adapters({ policy });
    const lastMs = Math.max(0, ...adapters.map(({ atMs }) => atMs));
    const [latest] = await memory.tasks({ limit: 1, newest: true });
    if (!latest) return;
    const questions = await memory.countTasks({ afterMs: lastMs, upTo: latest.id });
    const since = this.#begun?.lastMs === lastMs ? this.#begun.questions : 0;
    if (questions - since >= config.adapt.every) await this.#start({ policy, questions, lastMs }, false);
  }

  /** @param questions since the last adapter, of `lastMs` */
  async #start(
    {
      policy,
      questions,
      lastMs,
    }: { readonly policy: string; readonly questions: number; readonly lastMs: number },
    apart: boolean,
  ): Promise<void> {
    this.#begun = { lastMs, questions };
    if (!apart && this.#isWaiting) return;
    this.#tell({ event: "learning-start", policy, questions, apart });
    if (apart && this.#with) await this.#with((signal) => this.#learnApart(policy, signal));
    else if (apart) startApart(this.#parts.config, policy);
    else {
      this.#isWaiting = true;
      void this.#queue.run(() => {
        this.#isWaiting = false;
        return this.#learn(policy);
      });
    }
  }

  /** Resolves when all started learning has ended. */
  settled(): Promise<void> {
    return this.#queue.run(() => {});
  }

  async #train(
    policy: string,
    { tasks, ...choice }: Omit<LearnOptions, "apart" | "run" | "signal">,
    options: Pick<LearnOptions, "run" | "signal">,
  ): Promise<AdapterResult> {
    const { memory, now } = this.#parts;
    const trainer = await this.#parts.trainer(choice, policy);
    return told("adapt", { policy }, async (tell) => {
      const streams = choice.material?.streams;
      const model = await this.#parts.model();
      const before = model?.cost() ?? noCost;
      const result = await trainAdapter({ memory, trainer, now, tasks, streams, ...options }).finally(() =>
        this.#parts.spending.add({
          ...{ stream: null, purpose: "learn", cost: costBetween(before, model?.cost() ?? noCost) },
        }),
      );
      tell({ activated: result.activated, ...(result.id !== null && { adapter: result.id }) });
      return result;
    });
  }

  async #learnApart(policy: string, signal: AbortSignal): Promise<LearnResult> {
    try {
      const learn = () => learnApart(this.#parts, {}, signal, policy);
      const result = await told("adapt", { policy, apart: true }, learn);
      this.#tell({ event: "learning-end", policy, result });
      return result;
    } catch (error) {
      this.#tell({ event: "learning-failed", policy, error: error as Error });
      throw error;
    }
  }

  async #learn(policy: string): Promise<void> {
    try {
      const isModel = policy === "model" && !this.#parts.isCustom;
      const result = isModel ? await this.#runHere({}, {}) : await this.#train(policy, {}, {});
      this.#tell({ event: "learning-end", policy, result });
    } catch (error) {
      // The question is already answered, so a later failure is an event and not thrown.
      this.#tell({ event: "learning-failed", policy, error: error as Error });
    }
  }
}

/** Moves a finished run to its directory. @returns the directory, or `null` if there was no run */
function keptRun({ curve }: AdapterResult, unfinished: string, kept: string): string | null {
  if (curve === undefined || !existsSync(unfinished)) return null;
  if (kept !== unfinished) {
    rmSync(kept, { recursive: true, force: true });
    renameSync(unfinished, kept);
  }
  return kept;
}

/** What is sent to the separate process. */
export interface ApartRequest {
  readonly config: Config;
  readonly choice: Omit<LearnOptions, "apart" | "signal">;
}

const writingWith = (config: Config, policy: string): Config => ({
  ...config,
  policy: policy as Config["policy"],
});

const program = fileURLToPath(new URL(`../learn-process${extname(import.meta.url)}`, import.meta.url));

/** The place of the memory may hold a password, which arguments would show to every user of this machine. */
const placeVariable = "TASKMEM_LEARN_MEMORY";

const apartArguments = ({ config, choice }: ApartRequest) => [
  ...process.execArgv,
  program,
  JSON.stringify({ config: { ...config, memory: placeVariable }, choice }),
];

const apartEnvironment = ({ memory }: Config) => ({ ...process.env, [placeVariable]: memory });

/** The request of a separate process, from its arguments and environment. */
export function apartRequest(): ApartRequest {
  const { config, choice } = JSON.parse(process.argv[2]!) as ApartRequest;
  return { config: { ...config, memory: process.env[placeVariable]! }, choice };
}

/** Starts learning in a process that outlives this one. */
function startApart(config: Config, policy: string): void {
  const request = { config: writingWith(config, policy), choice: {} };
  spawn(process.execPath, apartArguments(request), {
    ...{ detached: true, stdio: "ignore" as const },
    env: apartEnvironment(config),
  }).unref();
}

/** Learns in a separate process and waits for it. @throws ConfigError for parts that only this process has */
async function learnApart(
  parts: Parts,
  choice: ApartRequest["choice"],
  signal: AbortSignal | undefined,
  policy?: string,
): Promise<LearnResult> {
  if (parts.isCustom || typeof choice.judge === "object" || choice.material)
    throw new ConfigError(
      "apart-impossible",
      "A policy, model, judge, store or material of your own cannot be handed to another process. Learn without `apart`.",
    );
  const config = policy === undefined ? parts.config : writingWith(parts.config, policy);
  const child = spawn(process.execPath, apartArguments({ config, choice }), {
    stdio: ["ignore", "pipe", "pipe"],
    env: apartEnvironment(config),
    ...(signal && { signal }),
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [code, said, problem] = await Promise.all([exit, readAll(child.stdout), readAll(child.stderr)]);
  if (code === 0) return JSON.parse(said) as LearnResult;
  throw new EngineError("learning-failed", `Learning in a separate process failed: ${problem.trim()}`);
}
