/** The adapters a memory has learned, and how to promote, roll back, blend, export and import them by hand. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Adapter, AdapterWord, RemoteAdapter } from "../adapter/adapter.ts";
import { adapterText, type Provenance, parseAdapter } from "../adapter/adapter-file.ts";
import { blendAdapters } from "../adapter/arithmetic.ts";
import { residualModel } from "../adapter/exchange/block-vector.ts";
import {
  type ExchangeFormat,
  type ExchangeOptions,
  exportAdapter,
  importAdapter,
} from "../adapter/exchange/exchange.ts";
import { loraFolder } from "../adapter/exchange/lora.ts";
import { remoteAdapter } from "../adapter/exchange/remote.ts";
import { wordSpace } from "../engines/local/index.ts";
import { ConfigError } from "../errors.ts";
import { canaryOf, previousOf } from "../memory/adapter-history.ts";
import type { KeptAdapter } from "../memory/memory.ts";
import { adapterWords } from "../policies/choice/word-vector-trainer.ts";
import { importedLora } from "../policies/model/torch-trainer.ts";
import { shortId } from "../util/hash.ts";
import { chosenStreams, isFolderModel } from "./assembly.ts";
import { type CanaryStanding, canaryFor, isWatched, standingOf, whyTakenBack } from "./canary.ts";
import type { Parts } from "./parts.ts";
import { diffPolicies, type PolicyDiff } from "./policy-diff.ts";

/** Of what a diff tells where no span is given, in seconds of each stream's end. */
const lastHour = 3600;

/** What two adapters are compared on. */
export interface DiffRequest {
  /** The adapter. @default the active one, otherwise the one trained last */
  readonly adapter?: string;
  /**
   * The adapter it is compared with, `null` for none. @default for the active one what was active before it, for another one
   * the active one
   */
  readonly against?: string | null;
  /** Only these streams. @default all */
  readonly streams?: readonly string[];
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  /** Without a span, so much of the end of each stream. @default 3600 */
  readonly lastSeconds?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The adapters that were compared, by id; `null` for none. */
export interface ComparedAdapters {
  readonly beforeAdapter: string | null;
  readonly afterAdapter: string;
}

/** The adapters of one memory and its policy. */
export class AdapterShelf {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Id of the policy whose adapters these are. */
  get policy(): string {
    return this.#parts.policyId;
  }

  /** All adapters kept for the policy, in the order they were trained, each with its history. */
  list(): Promise<KeptAdapter[]> {
    return this.#parts.memory.adapters({ policy: this.#parts.policyId });
  }

  /** The active adapter, or `null`. */
  async active(): Promise<KeptAdapter | null> {
    const [active] = await this.#parts.memory.adapters({ policy: this.#parts.policyId, state: "active" });
    return active ?? null;
  }

  /**
   * Makes a kept adapter active; a running `watch` or live session writes with it from its next decision.
   *
   * With a `share` it goes on canary: it writes so large a share of the streams, and is taken back by itself when answers
   * about them get worse (`canary`).
   * @throws StoreError `adapter-unknown`; ConfigError, DataError if it no longer fits the policy
   * @throws ConfigError `share-invalid`; `canary-streams` where there are no two streams to compare, or it is active
   */
  async promote(id: string, { share }: { readonly share?: number | undefined } = {}): Promise<void> {
    const { memory, policyId } = this.#parts;
    const kept = (await this.list()).find((adapter) => adapter.id === id);
    if (kept) parseAdapter(kept.file, id, await this.#parts.adapterTarget());
    if (share === undefined) return memory.activateAdapter(policyId, id, "promoted by hand");
    if (!(share > 0 && share < 1))
      throw new ConfigError("share-invalid", `Expected a share between 0 and 1, got ${share}`);
    const streams = (await memory.streams()).filter(isWatched).map((stream) => stream.id);
    if (kept?.state === "active" || streams.length < 2)
      throw new ConfigError(
        "canary-streams",
        kept?.state === "active"
          ? `${id} is active for all streams: roll it back first, or put another on canary`
          : `A canary compares streams, and this memory watched ${streams.length === 0 ? "none" : "only one"}: watch at least two, or promote it for all`,
      );
    const canary = canaryFor(id, share, streams);
    await memory.canaryAdapter(
      policyId,
      id,
      canary,
      `on canary for ${Math.round(100 * share)} % of the streams`,
    );
  }

  /** How the adapter on canary does; `null` where none is. */
  async canary(): Promise<CanaryStanding | null> {
    return standingOf(this.#parts.memory, await this.list());
  }

  /** Takes the adapter on canary back if answers about its streams got worse. @returns whether it did */
  async watchCanary(): Promise<boolean> {
    const { memory, policyId } = this.#parts;
    const candidates = await memory.adapters({ policy: policyId, state: "candidate" });
    const standing = await standingOf(memory, candidates);
    if (!standing?.isToGo) return false;
    await memory.canaryAdapter(policyId, null, null, whyTakenBack(standing));
    return true;
  }

  /**
   * What the policy keeps of what was watched last with an adapter and with another, side by side. Nothing is written; a
   * model is asked about each clip twice.
   * @throws ConfigError `adapter-missing`; DataError `stream-unknown`; EngineError
   */
  async diff(request: DiffRequest = {}): Promise<PolicyDiff & ComparedAdapters> {
    const { memory, limits } = this.#parts;
    const { streams: names, fromSeconds, toSeconds, lastSeconds = lastHour, signal } = request;
    const compared = await this.#compared(request);
    const [before, after] = await Promise.all(
      [compared.beforeAdapter, compared.afterAdapter].map(async (id) =>
        id === null ? null : (await this.#read(id)).adapter,
      ),
    );
    const streams = await chosenStreams(memory, names);
    const observed = await Promise.all(streams.map(({ id }) => memory.observations(id)));
    const isSpan = fromSeconds !== undefined || toSeconds !== undefined;
    const told = await diffPolicies({
      streams: observed.filter((observations) => observations.length > 0),
      policies: async (observations) => {
        const live = observations.some(({ pushed }) => pushed !== undefined);
        return [
          await this.#parts.policyWith(before!, { live }),
          await this.#parts.policyWith(after!, { live }),
        ];
      },
      isTold: ({ startSeconds, endSeconds }, observations) =>
        isSpan
          ? endSeconds > (fromSeconds ?? Number.NEGATIVE_INFINITY) &&
            startSeconds < (toSeconds ?? Number.POSITIVE_INFINITY)
          : endSeconds > observations.at(-1)!.endSeconds - lastSeconds,
      ...{ limits, signal },
    });
    return { ...told, ...compared };
  }

  /** The adapters that a request compares. @throws ConfigError `adapter-missing` */
  async #compared({ adapter, against }: DiffRequest): Promise<ComparedAdapters> {
    const kept = await this.list();
    const active = kept.find(({ state }) => state === "active") ?? null;
    const named = adapter === undefined ? (active ?? kept.at(-1)) : kept.find(({ id }) => id === adapter);
    if (!named)
      throw new ConfigError(
        "adapter-missing",
        adapter === undefined
          ? "Nothing was learned yet, so there are no two adapters to compare."
          : `There is no adapter ${adapter}. \`taskmem adapt status\` lists the adapters.`,
      );
    // The active one is compared with what it replaced, any other with the active one.
    const other = named === active ? previousOf(kept) : (active?.id ?? null);
    return { beforeAdapter: against === undefined ? other : against, afterAdapter: named.id };
  }

  /**
   * Takes the adapter on canary off it; where none is, makes the adapter before the active one active again, or none.
   * @returns the id of the active one.
   * @throws ConfigError if none is active
   */
  async rollback(): Promise<string | null> {
    const { memory, policyId } = this.#parts;
    const active = await this.active();
    if ((await this.list()).some((one) => canaryOf(one) !== null)) {
      await memory.canaryAdapter(policyId, null, null, "taken back by hand");
      return active?.id ?? null;
    }
    if (active === null) throw new ConfigError("adapter-missing", "There is no active adapter to roll back.");
    return this.#parts.memory.rollbackAdapter(this.#parts.policyId);
  }

  /**
   * Blends two adapters into one, kept as a candidate. It is not tried; `promote` makes it active.
   * @param share weight of the second, above 0 and below 1
   * @throws RangeError, ConfigError `adapter-missing`
   */
  async blend(firstId: string, secondId: string, share = 0.5): Promise<KeptAdapter> {
    if (!(share > 0 && share < 1))
      throw new RangeError(`Expected \`share\` above 0 and below 1, got ${share}`);
    const [first, second] = [await this.#read(firstId), await this.#read(secondId)];
    const adapter = blendAdapters(first.adapter, second.adapter, share);
    const createdAtMs = this.#parts.now();
    const tasks = [...new Set([...first.kept.tasks, ...second.kept.tasks])];
    const provenance: Provenance = {
      method: "blend",
      parents: [first.adapter.revision, second.adapter.revision],
      ...{ tasks, createdAtMs, report: { share } },
    };
    const blended: KeptAdapter = {
      id: shortId("adapter", adapter.revision, createdAtMs),
      ...{ policy: this.#parts.policyId, revision: adapter.revision, state: "candidate" },
      ...{ atMs: createdAtMs, tasks },
      reason: `${Math.round(100 * share)} % of ${second.kept.id} in ${first.kept.id}`,
      file: adapterText({ adapter, base: first.base, provenance }, "the blended adapter"),
    };
    await this.#parts.memory.addAdapter(blended);
    return blended;
  }

  /**
   * An adapter as the files of another program, by name; a single file has the name "". For a LoRA, the model in its folder
   * is run over what was watched, unless the options hold the function.
   * @throws ConfigError as `exportAdapter`, `adapter-missing`
   */
  async export(
    id: string,
    format: ExchangeFormat,
    options: ExchangeOptions = {},
  ): Promise<Readonly<Record<string, Uint8Array>>> {
    const { adapter } = await this.#read(id);
    if (adapter.kind === "remote" && format === "lora") return this.#loraFiles(adapter);
    const fitted =
      format === "lora" && !options.functional ? await this.#parts.loraFunctional(adapter) : null;
    return exportAdapter(adapter, format, { ...options, ...(fitted && { functional: fitted }) });
  }

  /**
   * Keeps another program's adapter as a candidate. It is not tried; `promote` makes it active.
   * @param path a file or folder; or `lora:<name or path>`, `steer:<path>` for one that the model's server holds
   * @param block the one to take of a file with several
   * @throws ConfigError `adapter-space` if it does not fit the policy; ConfigError, DataError as `importAdapter`
   * @throws EngineError `worker-other-adapter` for a LoRA that a model in a folder cannot write with
   */
  async import(path: string, { block }: { readonly block?: number | undefined } = {}): Promise<KeptAdapter> {
    const target = await this.#parts.adapterTarget();
    const model = residualModel(target.space);
    if (model === null) {
      throw new ConfigError(
        "adapter-space",
        `The policy ${this.policy} has adapters of ${target.space}, not vectors of a model's blocks. Name a policy that has: --policy nano`,
      );
    }
    const adapter =
      remoteAdapter(path, model, block) ??
      (await this.#importLora(path)) ??
      (await importAdapter(path, model, block));
    const atMs = this.#parts.now();
    const provenance: Provenance = {
      ...{ method: "import", parents: [], tasks: [], createdAtMs: atMs, report: { file: basename(path) } },
    };
    const file = adapterText({ adapter, base: null, provenance }, path);
    parseAdapter(file, path, target);
    const kept: KeptAdapter = {
      id: shortId("adapter", adapter.revision, atMs),
      ...{ policy: this.policy, revision: adapter.revision, state: "candidate", atMs, tasks: [], file },
      reason: `imported from ${basename(path)}`,
    };
    await this.#parts.memory.addAdapter(kept);
    return kept;
  }

  /** The files of low-rank matrices that are kept here. @throws ConfigError `adapter-remote` for those of a server */
  async #loraFiles(adapter: RemoteAdapter): Promise<Readonly<Record<string, Uint8Array>>> {
    const model = await this.#parts.model();
    const folder = isFolderModel(model) ? model.engine.loraFolder(adapter.uri) : null;
    if (folder === null || !existsSync(folder)) return exportAdapter(adapter, "lora");
    return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
  }

  /** Low-rank matrices in a folder of PEFT, kept for a model in a folder, which writes with them; `null` for all else. */
  async #importLora(path: string): Promise<Adapter | null> {
    const folder = loraFolder(path);
    if (folder === null) return null;
    const model = await this.#parts.model();
    return isFolderModel(model) ? importedLora(model.engine, folder) : null;
  }

  /**
   * The words an adapter weighs most, heaviest first, spelled as in the questions it was trained on. Empty for an
   * adapter that has no words.
   * @param id @default the active one
   * @throws ConfigError, DataError if it no longer fits the policy
   */
  async words(id?: string): Promise<AdapterWord[]> {
    const kept = id === undefined ? await this.active() : (await this.#read(id)).kept;
    if (kept === null) return [];
    const { adapter } = parseAdapter(kept.file, kept.id, await this.#parts.adapterTarget());
    return adapter.space === wordSpace.id ? adapterWords(adapter, await this.#textsOf(kept), wordSpace) : [];
  }

  async #read(id: string): Promise<{ kept: KeptAdapter; adapter: Adapter; base: string | null }> {
    const kept = (await this.list()).find((adapter) => adapter.id === id);
    if (kept) return { kept, ...parseAdapter(kept.file, kept.id, await this.#parts.adapterTarget()) };
    throw new ConfigError(
      "adapter-missing",
      `There is no adapter ${id}. \`taskmem adapt status\` lists the adapters.`,
    );
  }

  async #textsOf(kept: KeptAdapter): Promise<string[]> {
    const trainedOn = new Set(kept.tasks);
    return (await this.#parts.memory.tasks())
      .filter(({ id }) => trainedOn.has(id))
      .flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  }
}
