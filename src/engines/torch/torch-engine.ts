/**
 * A model in torch, held by a worker process that may be lost and started again.
 *
 * Calls run one after the other. After a loss the next attempt starts a new process, opens the same model, brings what
 * is trained to where it stood (the state after the last step, then the gradients added since), and sends each prompt
 * again when it is needed. So a caller sees at most a longer call.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { EngineError } from "../../errors.ts";
import type { OptimizerOptions, StepReport } from "../../training/trainer.ts";
import { SerialQueue } from "../../util/async.ts";
import { sha256 } from "../../util/hash.ts";
import { requireTorchPython } from "./environment.ts";
import { WorkerProcess, type WorkerProcessOptions } from "./process.ts";

/** What of the model is trained. */
export type Trained =
  /** A vector at the output of a block; `rank-one`: its length at each token set by a function (`calibrate`). */
  | { readonly kind: "vector" | "rank-one"; readonly block?: number; readonly at?: SteeredTokens }
  /** Low-rank matrices beside the linear layers whose names `targets` matches. */
  | {
      readonly kind: "lora";
      readonly rank?: number;
      readonly alpha?: number;
      readonly targets?: string;
      readonly seed?: number;
    }
  | { readonly kind: "all" };

/**
 * Where a vector is added: at all tokens, as in the paper, or at the answer's and the prompt's last only. For the latter
 * the prompt never runs again in training.
 */
export type SteeredTokens = "all" | "answer";

/** Options of `openTorchEngine`. */
export interface TorchOptions extends Partial<WorkerProcessOptions> {
  /** Folder of weights, configuration and tokenizer, as transformers reads it. */
  readonly model: string;
  /** What is trained. @default a vector at 0.47 of the depth, at all tokens */
  readonly train?: Trained;
  /** @default float32 */
  readonly dtype?: "float32" | "bfloat16";
  /** @default a GPU if there is one */
  readonly device?: "auto" | "cpu" | "cuda";
  /** Threads on a CPU. @default torch's own choice */
  readonly threads?: number;
  /**
   * Most bytes of what is kept of contexts so that it need not run again: 4 · width for each token of a context in
   * float32, and 8 · width of keys and values for each of them and each block above the vector, where a vector is added
   * at answers. What was used longest ago is computed again. @default 2 GiB
   */
  readonly keepBytes?: number;
  /** Where low-rank matrices that were trained or imported are kept, a folder each. @default gone with the engine */
  readonly adapters?: string;
}

/** What stands before an answer. */
export interface Prompt {
  readonly messages: readonly {
    readonly role: "system" | "user" | "assistant";
    readonly parts: readonly (
      | { readonly type: "text"; readonly text: string }
      /** A JPEG or PNG as base64. */
      | { readonly type: "image"; readonly data: string }
    )[];
  }[];
  /** Arguments of the chat template: `{ enable_thinking: false }`. @default none */
  readonly template?: Readonly<Record<string, unknown>>;
  /** How each answer begins. @default "" */
  readonly prefix?: string;
}

/** What is added while sampling or scoring: nothing, what is trained, a vector of shape [width], or low-rank matrices. */
export type Steering =
  | null
  | "trained"
  | {
      readonly values: Float32Array;
      readonly scale: number;
      /** @default the trained vector's */
      readonly block?: number;
      readonly at?: SteeredTokens;
      /** Whether the function of `rank-one` sets its length. @default at the trained block of `rank-one` */
      readonly gated?: boolean;
    }
  /** The name of a folder of PEFT. */
  | { readonly lora: string };

/** Low-rank matrices in a folder of PEFT. */
export interface LoraFolder {
  /** The folder's name, a hash of the matrices. */
  readonly revision: string;
  /** Euclidean norm of the vector of `rank-one`, or of all that is added to weights. */
  readonly norm: number;
}

/** How far two halves of some samples agree on a direction behind a block. */
export interface BlockAgreement {
  /** Cosine of the two halves' gradients. */
  readonly cosine: number;
  /** Euclidean norms of the two. */
  readonly norms: readonly [number, number];
}

/** How answers are drawn. */
export interface DrawOptions {
  readonly n: number;
  readonly temperature: number;
  readonly topP?: number | undefined;
  readonly topK?: number | undefined;
  readonly maxTokens: number;
  /** Answers to a prompt are the same with the same seed, whatever else is drawn beside them. */
  readonly seed: number | string;
}

/** An answer as it was drawn. */
export interface DrawnAnswer {
  readonly text: string;
  /** Its tokens as text, with the one that ended it, shape [T]. */
  readonly tokens: readonly string[];
  /** Their ids, shape [T]. */
  readonly ids: Int32Array;
  /** Natural log-probabilities at temperature 1, shape [T]. */
  readonly logprobs: Float32Array;
  readonly finish: "stop" | "length";
}

/** A prompt by name and an answer to it. */
export interface TorchSample {
  readonly prompt: string;
  /** Ids of the answer, shape [T]. */
  readonly ids: Int32Array;
}

const opened = z.object({
  model: z.string(),
  /** As llama.cpp names it. */
  architecture: z.string(),
  ...{ block: z.int(), blocks: z.int(), width: z.int(), vocabulary: z.int(), parameters: z.int() },
  ...{ at: z.enum(["all", "answer"]), trained: z.int(), contextTokens: z.int().nullable() },
  can: z.object({ images: z.boolean(), keepsStream: z.boolean(), packsAnswers: z.boolean() }),
  ...{ device: z.string(), dtype: z.string(), versions: z.record(z.string(), z.string()) },
});

/** What a worker tells of the model it opened. */
export type OpenedModel = z.infer<typeof opened>;

const int32s = z.string().transform((text) => new Int32Array(bytesOf(text)));
const float32s = z.string().transform((text) => new Float32Array(bytesOf(text)));
const answers = z.object({
  completions: z.array(
    z.array(
      z.object({
        text: z.string(),
        tokens: z.array(z.string()),
        ids: int32s,
        logprobs: float32s,
        finish: z.enum(["stop", "length"]),
      }),
    ),
  ),
});
const encoded = z.object({ answers: z.array(z.object({ ids: int32s, tokens: z.array(z.string()) })) });
const scores = z.object({ logprobs: z.array(float32s) });
const stepped = z.object({ gradientNorm: z.number(), updateNorm: z.number(), norm: z.number() });
const vector = z.object({ values: float32s });
const written = z.object({ path: z.string(), revision: z.string() });
const lora = z.object({ revision: z.string(), norm: z.number() });
const prompted = z.object({ tokens: z.int() });
const stream = z.object({ mean: z.number(), median: z.number() });
const calibrated = z.object({ values: float32s, mean: z.number(), deviation: z.number() });
const agreed = z.object({
  blocks: z.array(z.object({ cosine: z.number(), norms: z.tuple([z.number(), z.number()]) }).nullable()),
});
const nothing = z.unknown();

/** Times a call is tried again in a new process. */
const mostRestarts = 2;

const program = fileURLToPath(new URL("./worker.py", import.meta.url));

/** The command that runs the worker with a Python. */
export function workerCommand(python: string): [string, ...string[]] {
  return [python, "-u", program];
}

/** Opens a model. @throws EngineError `worker-…` where the environment or the folder cannot be used */
export async function openTorchEngine(options: TorchOptions): Promise<TorchEngine> {
  const engine = new TorchEngine(options);
  try {
    await engine.open();
  } catch (error) {
    engine.close();
    throw error;
  }
  return engine;
}

/** A model in torch. Open it with `openTorchEngine`, and close it. */
export class TorchEngine {
  readonly #options: TorchOptions;
  readonly #queue = new SerialQueue();
  readonly #directory = mkdtempSync(join(tmpdir(), "taskmem-torch-"));
  readonly #prompts = new Map<string, Prompt>();
  readonly #tokens = new Map<string, number>();
  #process: WorkerProcess | null = null;
  #about: OpenedModel | null = null;
  /** Prompts that the running process knows. */
  #sent = new Set<string>();
  /** The saved state after the last step, or as the caller loaded it. */
  #state: string | null = null;
  /** Gradients added since, to be added again after a loss. */
  #added: object[] = [];
  #functional: Float32Array | null = null;
  #train: Trained | undefined;

  /** Starts nothing yet. */
  constructor(options: TorchOptions) {
    this.#options = options;
    this.#train = options.train;
  }

  /** What was opened. @throws EngineError before `open` */
  get about(): OpenedModel {
    if (this.#about) return this.#about;
    throw new EngineError("worker-lost", "The worker has not opened a model yet");
  }

  /** Opens the model, once. */
  async open(): Promise<OpenedModel> {
    await this.#queue.run(() => this.#attempts(async () => {}));
    return this.about;
  }

  /** Ends the process. */
  close(): void {
    this.#process?.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The name of a prompt, by which samples refer to it. It is sent when it is needed. */
  name(prompt: Prompt): string {
    const name = sha256(JSON.stringify(prompt)).slice(0, 24);
    this.#prompts.set(name, prompt);
    return name;
  }

  /** Forgets prompts, here and in the worker. */
  async drop(names: readonly string[]): Promise<void> {
    for (const name of names) {
      this.#prompts.delete(name);
      this.#tokens.delete(name);
    }
    const sent = names.filter((name) => this.#sent.delete(name));
    if (sent.length > 0) await this.#call("drop", { contexts: sent }, nothing);
  }

  /** Tokens of a prompt, 0 before it was sent. */
  tokensOf(name: string): number {
    return this.#tokens.get(name) ?? 0;
  }

  /** Runs work when the calls made until the end of this turn have ended. */
  whenFree(work: () => void): void {
    setImmediate(() => this.#queue.run(work));
  }

  /** Draws answers to prompts, `n` to each, in order. @param seeds one per prompt @default draw.seed */
  async sample(
    prompts: readonly string[],
    { seed, ...draw }: DrawOptions,
    adapter: Steering = null,
    seeds: readonly (number | string)[] = prompts.map((name) => `${seed} ${name}`),
  ): Promise<DrawnAnswer[][]> {
    const request = { contexts: prompts, ...draw, seeds, adapter: this.#wire(adapter) };
    return (await this.#call("sample", request, answers, prompts)).completions;
  }

  /** Answers as the model would write them, with the token that ends one, shape [T] each. */
  async encode(texts: readonly string[]): Promise<{ ids: Int32Array; tokens: string[] }[]> {
    return (await this.#call("encode", { texts }, encoded)).answers;
  }

  /** Natural log-probabilities of samples, shape [T] each. */
  async logprobs(
    samples: readonly TorchSample[],
    adapter: Steering = "trained",
    { kept = true }: { readonly kept?: boolean } = {},
  ): Promise<Float32Array[]> {
    const request = { samples: samples.map(wireSample), adapter: this.#wire(adapter), kept };
    return (await this.#call("logprobs", request, scores, promptsOf(samples))).logprobs;
  }

  /** Adds the gradient of Σ weight · log-probability of samples. @param weights shape [T] per sample */
  async accumulate(
    samples: readonly TorchSample[],
    weights: readonly Float32Array[],
    { kept = true }: { readonly kept?: boolean } = {},
  ): Promise<void> {
    const request = { samples: samples.map(wireSample), weights: weights.map(base64), kept };
    await this.#call("accumulate", request, nothing, promptsOf(samples));
    this.#added.push(request);
  }

  /** One step of Adam down the accumulated gradient, which is then cleared. */
  async step({ learningRate, maxGradientNorm }: OptimizerOptions): Promise<Required<StepReport>> {
    const request = { learningRate, ...(Number.isFinite(maxGradientNorm) && { maxGradientNorm }) };
    const { norm, ...report } = await this.#call("step", request, stepped);
    await this.#keepState();
    return { ...report, adapterNorm: norm };
  }

  /** The accumulated gradient. */
  async gradient(): Promise<Float32Array> {
    return (await this.#call("gradient", {}, vector)).values;
  }

  /** The trained vector, shape [width]. */
  async snapshot(): Promise<Float32Array> {
    return (await this.#call("snapshot", {}, vector)).values;
  }

  /** Replaces the trained vector. */
  async set(values: Float32Array): Promise<void> {
    await this.#call("set", { values: base64(values) }, nothing);
    await this.#keepState();
  }

  /**
   * Trains the vector at another block, or at other tokens, from zero.
   * @throws EngineError `worker-bad-request` for a block that the model does not have, or where no vector is trained
   */
  async steerAt(block: number, at: SteeredTokens): Promise<void> {
    if (block === this.about.block && at === this.about.at) return this.reset();
    await this.#call("block", { block, at }, nothing);
    this.#functional = null;
    this.#train = { kind: "vector", ...this.#train, block, at } as Trained;
    this.#about = { ...this.about, block, at };
    await this.#keepState();
  }

  /**
   * Trains something else of the same model, from its start. Whatever is trained, answers can be drawn with vectors and
   * matrices of others.
   */
  async trainOther(train: Exclude<Trained, { readonly kind: "all" }>): Promise<void> {
    const told = await this.#call("train", { train }, opened);
    this.#functional = null;
    this.#train = train;
    this.#about = told;
    await this.#keepState();
  }

  /** What is trained. */
  get trains(): Trained["kind"] {
    return this.#train?.kind ?? "vector";
  }

  /** Multiplies what is trained, or what low-rank matrices add. */
  async scale(factor: number): Promise<void> {
    await this.#call("scale", { factor }, nothing);
    await this.#keepState();
  }

  /** The low-rank matrices that are trained, times a factor. They are gone with the engine unless `keepLora` keeps them. */
  async snapshotLora({ scale = 1 } = {}): Promise<LoraFolder> {
    const path = this.temporaryPath("lora");
    rmSync(path, { recursive: true, force: true });
    const { revision, norm } = await this.#call("export", { path, scale }, lora);
    this.#place(path, this.temporaryPath(join("adapters", revision)));
    return { revision, norm };
  }

  /** Keeps the matrices of a snapshot where the engine was told to keep them. */
  async keepLora(revision: string): Promise<void> {
    const { adapters } = this.#options;
    if (adapters !== undefined) this.#place(this.loraFolder(revision), join(adapters, revision));
  }

  /**
   * Keeps the matrices in a folder of PEFT, which stays as it is.
   * @throws EngineError `worker-broken-file`; `worker-other-adapter` for one that does not fit the model, or is more than
   * low-rank matrices beside linear layers of its text blocks
   */
  async importLora(path: string): Promise<LoraFolder> {
    const { revision, norm } = await this.#call("lora", { path: resolve(path) }, lora);
    const copied = this.temporaryPath(join("adapters", revision));
    for (const name of ["adapter_config.json", "adapter_model.safetensors"])
      cpSync(join(path, name), join(copied, name));
    await this.keepLora(revision);
    return { revision, norm };
  }

  /** The folder of matrices that are kept, or of a snapshot. */
  loraFolder(revision: string): string {
    const kept = join(this.#options.adapters ?? "", revision);
    const isKept = this.#options.adapters !== undefined && existsSync(kept);
    return isKept ? resolve(kept) : this.temporaryPath(join("adapters", revision));
  }

  /** Copies a folder, whole or not at all; one that is there stays, because its name is a hash of it. */
  #place(path: string, target: string): void {
    if (existsSync(target)) return;
    const begun = `${target}.${process.pid}.begun`;
    mkdirSync(join(target, ".."), { recursive: true });
    cpSync(path, begun, { recursive: true });
    renameSync(begun, target);
  }

  /** As the worker reads it. */
  #wire(steering: Steering): unknown {
    if (steering === null || steering === "trained") return steering;
    if ("lora" in steering) return { lora: this.loraFolder(steering.lora) };
    return { ...steering, values: base64(steering.values) };
  }

  /**
   * Behind which blocks two halves of some samples agree on a direction: of the gradients of Σ weight · log-probability
   * by a vector there, by one pass; `null` for blocks behind which pictures enter again.
   * @param weights shape [T] per sample
   * @param halves 0 or 1 per sample
   */
  async agreement(
    samples: readonly TorchSample[],
    weights: readonly Float32Array[],
    halves: readonly (0 | 1)[],
    at: SteeredTokens,
  ): Promise<(BlockAgreement | null)[]> {
    const request = { samples: samples.map(wireSample), weights: weights.map(base64), halves, at };
    return (await this.#call("agreement", request, agreed, promptsOf(samples))).blocks;
  }

  /** Brings what is trained and the optimiser back to the start. */
  async reset(): Promise<void> {
    await this.#call("reset", {}, nothing);
    await this.#keepState();
  }

  /** Writes what is trained and the optimiser's state: a whole file or none. */
  async save(path: string): Promise<{ path: string; revision: string }> {
    return this.#call("save", { path }, written);
  }

  /** Continues from what `save` wrote. @throws EngineError `worker-broken-file`, `worker-other-training` */
  async load(path: string): Promise<void> {
    await this.#call("load", { path }, nothing);
    await this.#keepState();
  }

  /**
   * Writes a folder for other programs: all weights where they are trained, else the low-rank matrices. `merged` adds
   * these to the weights they stand beside, and writes all weights.
   */
  async export(path: string, { merged = false } = {}): Promise<{ path: string; revision: string }> {
    return this.#call("export", { path, merged }, written);
  }

  /** Length of the stream that the vector is added to, over the tokens of prompts but their first. */
  async streamNorm(prompts: readonly string[]): Promise<{ mean: number; median: number }> {
    return this.#call("streamnorm", { contexts: prompts }, stream, prompts);
  }

  /** Fits the function of a rank-one adapter on prompts; its deviation from 1 is that on every second of them. */
  async calibrate(prompts: readonly string[]): Promise<z.infer<typeof calibrated>> {
    const found = await this.#call("calibrate", { contexts: prompts }, calibrated, prompts);
    this.#functional = found.values;
    return found;
  }

  /** Passes through the network and memory in use, for checks. */
  async stats(): Promise<Readonly<Record<string, unknown>>> {
    return this.#call("stats", {}, z.record(z.string(), z.unknown()));
  }

  /** A path in the engine's own directory, which is gone when it is closed. */
  temporaryPath(name: string): string {
    return join(this.#directory, name);
  }

  /** Kills the process, as a full memory would; the next call starts another. */
  async loseProcess(): Promise<void> {
    await this.#queue.run(() => this.#process?.kill("was killed"));
  }

  /** Keeps the state where only a caller can keep it: all weights are too many for a copy after each step. */
  async #keepState(): Promise<void> {
    this.#added = [];
    if (this.#train?.kind === "all") return;
    const path = join(this.#directory, "state");
    await this.#call("save", { path }, nothing);
    this.#state = path;
  }

  async #call<T>(
    op: string,
    fields: object,
    schema: z.ZodType<T>,
    prompts: readonly string[] = [],
  ): Promise<T> {
    const answer = await this.#queue.run(() =>
      this.#attempts(async (process) => {
        await this.#send(process, prompts);
        return process.call(op, fields);
      }),
    );
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    throw new EngineError("bad-response", `The worker answered \`${op}\` with something else`, {
      cause: parsed.error,
    });
  }

  /** Tries in a new process where one is lost. */
  async #attempts<T>(work: (process: WorkerProcess) => Promise<T>): Promise<T> {
    for (let restart = 0; ; restart++) {
      try {
        return await work(await this.#running());
      } catch (error) {
        const isLost = error instanceof EngineError && error.code === "worker-lost";
        if (!isLost || restart >= mostRestarts || this.#isLostForGood) throw error;
      }
    }
  }

  /** Whether nothing here leads back: no model was opened yet, or all weights are trained, which only the caller saves. */
  get #isLostForGood(): boolean {
    return this.#about === null || (this.#train?.kind === "all" && this.#state === null);
  }

  async #running(): Promise<WorkerProcess> {
    if (this.#process?.isAlive) return this.#process;
    const { command, timeoutMs, onLog, model, dtype, device, threads, keepBytes } = this.#options;
    const process = new WorkerProcess({
      command: command ?? workerCommand(requireTorchPython()),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(onLog && { onLog }),
    });
    this.#process = process;
    this.#sent = new Set();
    const told = await process.call("open", {
      ...{ model, train: this.#train },
      ...(dtype && { dtype }),
      ...(device && { device }),
      ...(threads !== undefined && { threads }),
      ...(keepBytes !== undefined && { keepBytes }),
    });
    this.#about = opened.parse(told);
    if (this.#functional) await process.call("gate", { values: base64(this.#functional) });
    if (this.#state) await process.call("load", { path: this.#state });
    for (const request of this.#added as { samples: { context: string }[] }[]) {
      await this.#send(
        process,
        request.samples.map(({ context }) => context),
      );
      await process.call("accumulate", request);
    }
    return process;
  }

  async #send(process: WorkerProcess, names: readonly string[]): Promise<void> {
    for (const name of new Set(names)) {
      if (this.#sent.has(name)) continue;
      const told = await process.call("context", { context: name, ...this.#prompt(name) });
      this.#tokens.set(name, prompted.parse(told).tokens);
      this.#sent.add(name);
    }
  }

  #prompt(name: string): Prompt {
    const prompt = this.#prompts.get(name);
    if (prompt) return prompt;
    throw new EngineError("worker-unknown-context", `There is no prompt ${name}: name it first`);
  }
}

function promptsOf(samples: readonly TorchSample[]): string[] {
  return samples.map(({ prompt }) => prompt);
}

function wireSample({ prompt, ids }: TorchSample): object {
  return { context: prompt, ids: base64(ids) };
}

function base64(values: Float32Array | Int32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

function bytesOf(text: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(text, "base64")).buffer as ArrayBuffer;
}
