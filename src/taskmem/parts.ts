/**
 * The parts of one TaskMem: those a configuration names (`assembly.ts`), or the caller's own in their place. Each is
 * opened once, when it is first needed.
 */
import type { Adapter } from "../adapter/adapter.ts";
import { type AdapterTarget, parseAdapter } from "../adapter/adapter-file.ts";
import { residualSpace } from "../adapter/exchange/block-vector.ts";
import type { LoraFunctional } from "../adapter/exchange/lora.ts";
import type { Reader, ReadRequest } from "../answer/reader.ts";
import { type Config, localName, namesFolder, type PolicyName, policyName } from "../config.ts";
import { addCost, type Cost, type Embedder, type Model, noCost, type OnProgress } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import { canaryOf } from "../memory/adapter-history.ts";
import type { Memory } from "../memory/memory.ts";
import type { Perceptors } from "../perception/perceive.ts";
import { configuredBudget } from "../policies/choice/choice-budget.ts";
import { type ContextLimits, contextDefaults } from "../policy/context.ts";
import type { Policy } from "../policy/policy.ts";
import { withTaskPrompt } from "../policy/task-prompt.ts";
import type { Judge } from "../reward/judge.ts";
import { type AdapterTrainer, recentLessons } from "../training/train-adapter.ts";
import {
  adapterTarget,
  configuredModel,
  configuredPerceptors,
  configuredPolicy,
  configuredReader,
  configuredTrainer,
  isFolderModel,
  type JudgeName,
  modelPolicyOptions,
  openConfiguredMemory,
  openConfiguredModel,
  type TrainingChoice,
} from "./assembly.ts";
import { isOnCanary } from "./canary.ts";
import { holdModel } from "./held-model.ts";
import { closeLocalModels } from "./local-model.ts";
import { type Log, loggedModel, loggedPolicy } from "./logging.ts";
import { withFaces } from "./people.ts";
import { Spending, spendingPolicy } from "./spending.ts";
import { toldMemory, toldPolicy } from "./told-memory.ts";

/** A policy of your own that may learn. */
export interface CustomPolicy {
  /** Returns the policy with an adapter, or without one; its id is the same in both cases. */
  readonly policy: (adapter: Adapter | null) => Policy;
  /** What its adapters must fit. @default the policy has no adapters */
  readonly target?: AdapterTarget;
  /** How it learns. @default it does not learn */
  readonly trainer?: AdapterTrainer;
}

/** Parts of your own, in place of those the configuration names. */
export interface OwnParts {
  readonly policy?: CustomPolicy;
  readonly reader?: Reader;
  readonly model?: Model;
  readonly embedder?: Embedder;
  readonly judge?: JudgeName | Judge;
  readonly perceptors?: Perceptors;
  readonly store?: Memory;
  readonly readOnly?: boolean | "if-needed";
  readonly mustExist?: boolean;
  readonly now?: () => number;
  readonly log?: Log;
  readonly onProgress?: OnProgress;
}

/** Why questions are compared by spelling. */
export interface Spelled {
  /** The reason, as a sentence; `null` while meanings are compared. */
  why: string | null;
}

/** The parts of one TaskMem, each opened once. */
export class Parts {
  readonly config: Config;
  readonly memory: Memory;
  readonly now: () => number;
  readonly limits: ContextLimits;
  /** What models cost. */
  readonly spending: Spending;
  readonly #own: OwnParts;
  readonly #embedder: Embedder | null;
  readonly #spelled: Spelled;
  #model: Promise<Model | null> | undefined;
  #release: (() => void) | null = null;
  #reader: Reader | undefined;
  #perceptors: Perceptors | undefined;

  constructor(
    config: Config,
    own: OwnParts,
    memory: Memory,
    embedder: Embedder | null,
    spelled: Spelled = { why: null },
  ) {
    this.#embedder = embedder;
    this.#spelled = spelled;
    this.config = config;
    this.memory = toldMemory(memory);
    this.now = own.now ?? Date.now;
    this.spending = new Spending(memory, this.now);
    this.limits = { ...contextDefaults, windowClips: config.stream.windowClips };
    this.#own = own;
  }

  /** Id of the policy, by which the memory keeps its adapters. */
  get policyId(): string {
    return this.#own.policy?.policy(null).id ?? policyName(this.config);
  }

  /**
   * Id of the policy that learns after questions, or `null`. A policy whose training calls a model at an endpoint
   * learns by `learn` only; a model in a folder learns here.
   */
  get learningPolicy(): string | null {
    const own = this.#own.policy;
    if (own) return own.trainer ? this.policyId : null;
    if (policyName(this.config) === "model" && namesFolder(this.config)) return "model";
    const { policy = "choice" } = this.config;
    return policy === "choice" || policy === "nano" ? policy : null;
  }

  /** Whether the policy is made of parts that only this process has. */
  get isCustom(): boolean {
    const { policy, model, judge, store } = this.#own;
    return [policy, model, store].some((part) => part !== undefined) || typeof judge === "object";
  }

  /** The model the policy writes with, and the model at the endpoint or the caller's own; `null` for none. */
  model(): Promise<Model | null> {
    this.#model ??= this.#openModel();
    return this.#model;
  }

  async #openModel(): Promise<Model | null> {
    const { log } = this.#own;
    const model = this.#own.model ?? (await openConfiguredModel(this.config, this.#own.onProgress));
    // A policy whose adapter is trained here needs the model itself, so this one is not logged.
    const isTrained = policyName(this.config) === "nano" || namesFolder(this.config);
    if (!this.#own.model && isOnGpu(model)) this.#release = holdModel(this.config.memory);
    return model && log && !isTrained ? loggedModel(model, log) : model;
  }

  /** Compares words by meaning; `undefined` where nothing does. */
  get likeness(): ReadRequest["likeness"] {
    const embedder = this.#embedder;
    const { meaning } = embedder ?? {};
    if (!embedder || meaning === undefined) return undefined;
    return async (word, others) => {
      // A line in a language that the encoder does not know says nothing of how the question was compared.
      const { why } = this.#spelled;
      const vectors = await embedder.embed([word, ...others], undefined, { role: "query", alike: true });
      this.#spelled.why = why;
      const [own, ...found] = vectors.map((vector) => vector.subarray(0, meaning));
      return found.map((vector) => vector.reduce((sum, value, i) => sum + value * own![i]!, 0));
    };
  }

  /** Scores lines as answers; `undefined` where nothing does. */
  get scoreLines(): Embedder["scoreLines"] {
    const embedder = this.#embedder;
    if (!embedder?.scoreLines) return undefined;
    return (question, lines, signal) => embedder.scoreLines!(question, lines, signal);
  }

  /** Why questions are compared by spelling where meanings are to be compared, since it was last asked for. */
  whySpelling(): string | null {
    const { why } = this.#spelled;
    if (this.#embedder?.meaning !== undefined) this.#spelled.why = null;
    return why;
  }

  /** Ends the model and the encoder that were opened here, if they run beside this thread. */
  async closeModel(): Promise<void> {
    if (!this.#own.embedder) await this.#embedder?.close?.();
    if (!this.#own.perceptors) {
      await this.#perceptors?.voice?.close?.();
      await this.#perceptors?.screenReader?.close?.();
      await this.#perceptors?.faces?.close?.();
      await this.#perceptors?.speakers?.close?.();
      await this.#perceptors?.transcriber?.close?.();
    }
    if (this.#own.model) return;
    const model = await this.#model?.catch(() => null);
    if (model && isFolderModel(model)) model.engine.close();
    if (localName(this.config.model) !== null) closeLocalModels();
    this.#release?.();
  }

  /** Whether this process has the model open on a GPU, where a second copy may have no room. */
  async holdsModelOnGpu(): Promise<boolean> {
    return isOnGpu((await this.#model?.catch(() => null)) ?? null);
  }

  /**
   * What the model, speech to text and embeddings have cost so far, the model's probe and failed answers included.
   * `written` counts where a policy calls no model that is known here.
   */
  async spent(written: Cost): Promise<Cost> {
    const model = await this.model();
    const parts = [this.perceptors.transcriber, this.#embedder].map((part) => part?.cost?.() ?? noCost);
    return [model?.cost() ?? written, ...parts].reduce(addCost);
  }

  get reader(): Reader {
    this.#reader ??=
      this.#own.reader ??
      configuredReader(
        this.config,
        this.#own.model ?? configuredModel(this.config, undefined, this.#own.onProgress),
        this.memory,
      );
    return this.#reader;
  }

  get perceptors(): Perceptors {
    this.#perceptors ??= this.#own.perceptors ?? withFaces(configuredPerceptors(this.config), this.config);
    return this.#perceptors;
  }

  /** The policy with its active adapter. @throws ConfigError, DataError if the adapter no longer fits */
  async activePolicy({
    stream,
    ...how
  }: {
    readonly live?: boolean;
    readonly stream?: string;
  } = {}): Promise<Policy> {
    const policy = await this.policyWith(await this.activeAdapter(stream), how);
    const { log } = this.#own;
    return spendingPolicy(toldPolicy(log ? loggedPolicy(policy, log) : policy), this.spending);
  }

  /** The policy as it acts with an adapter, or without one. @throws ConfigError, DataError if the adapter does not fit */
  async policyWith(
    adapter: Adapter | null,
    { live = false }: { readonly live?: boolean } = {},
  ): Promise<Policy> {
    return this.#shownTasks(await this.#policyWith(adapter, live));
  }

  /** The policy with the latest questions in its prompt, as many as are configured. @throws ConfigError `flags-invalid` */
  async #shownTasks(policy: Policy): Promise<Policy> {
    const { taskPrompt } = this.config.model;
    if (taskPrompt === 0) return policy;
    if (policy.id === "choice")
      throw new ConfigError(
        "flags-invalid",
        "The task prompt applies to policies that read a prompt, and choice picks among texts: leave out --task-prompt (model.taskPrompt), or give --policy model",
      );
    const lessons = (await recentLessons(this.memory)).slice(-taskPrompt);
    if (lessons.length === 0) return policy;
    return withTaskPrompt(
      policy,
      lessons.map(({ question }) => question.text),
    );
  }

  async #policyWith(adapter: Adapter | null, live: boolean): Promise<Policy> {
    if (this.#own.policy) return this.#own.policy.policy(adapter);
    const budget = configuredBudget(this.config.choice, live);
    return configuredPolicy(live ? forLive(this.config) : this.config, await this.model(), adapter, {
      budget,
    });
  }

  /**
   * The adapter that a stream is written with: that on canary for it, otherwise the active one, or `null`.
   * @throws ConfigError, DataError if it no longer fits
   */
  async activeAdapter(stream?: string): Promise<Adapter | null> {
    const policy = this.policyId;
    const candidates = stream === undefined ? [] : await this.memory.adapters({ policy, state: "candidate" });
    const onCanary = candidates.find((one) => {
      const canary = canaryOf(one);
      return canary !== null && isOnCanary(one.id, canary, stream!);
    });
    const [active] = onCanary ? [onCanary] : await this.memory.adapters({ policy, state: "active" });
    if (!active) return null;
    return parseAdapter(active.file, active.id, await this.adapterTarget()).adapter;
  }

  /** What an adapter of the policy must fit. @throws ConfigError for a policy without adapters */
  async adapterTarget(): Promise<AdapterTarget> {
    const own = this.#own.policy;
    if (!own) return adapterTarget(policyName(this.config), await this.model());
    if (own.target) return own.target;
    throw untrainable(this.policyId);
  }

  /**
   * The function that makes a vector a LoRA of rank one, fitted on what was watched; `null` where the policy's model is not
   * in a folder.
   */
  async loraFunctional({ space }: Adapter): Promise<LoraFunctional | null> {
    const model = await this.model();
    const residual = residualSpace(space);
    if (!model || !isFolderModel(model) || !residual) return null;
    const streams = await this.memory.streams();
    const watched = await Promise.all(streams.map(({ id }) => this.memory.observations(id)));
    const { fitFunctional } = await import("./folder-model.ts");
    const options = modelPolicyOptions(this.config, model);
    return fitFunctional(this.config, residual.block, watched.flat(), options);
  }

  /** The trainer of the policy, or of another by its id. @throws ConfigError for a policy that does not learn */
  async trainer(choice: TrainingChoice, policy = this.policyId): Promise<AdapterTrainer> {
    const own = this.#own.policy;
    if (own?.trainer) return own.trainer;
    if (own) throw untrainable(this.policyId);
    const judge = choice.judge ?? this.#own.judge;
    const asked = { ...choice, ...(judge !== undefined && { judge }) };
    const config = { ...this.config, policy: policy as PolicyName };
    return configuredTrainer(config, this.memory, await this.model(), asked, {
      ...{ onProgress: this.#own.onProgress, embedder: this.#embedder },
    });
  }
}

/** Opens the memory and the parts needed at once. @throws ConfigError, StoreError */
export async function openParts(config: Config, own: OwnParts): Promise<Parts> {
  const { store, readOnly = false, mustExist = false, now = Date.now } = own;
  if (store) return new Parts(config, own, store, own.embedder ?? null);
  const spelled: Spelled = { why: null };
  const onSpelling = (why: string) => {
    spelled.why = why;
  };
  const how = { mustExist, readOnly, embedder: own.embedder, now, onSpelling };
  const { memory, embedder } = await openConfiguredMemory(config, how);
  return new Parts(config, own, memory, embedder, spelled);
}

const isOnGpu = (model: Model | null) => isFolderModel(model) && model.engine.about.device.startsWith("cuda");

/** A pushed stream is decided second by second. */
const forLive = (config: Config): Config => ({ ...config, stream: { ...config.stream, clipSeconds: 1 } });

function untrainable(policy: string): ConfigError {
  return new ConfigError(
    "policy-untrainable",
    `The policy ${policy} has no adapters: give it a \`target\` and a \`trainer\`.`,
  );
}
