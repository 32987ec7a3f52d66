/**
 * The household as a streaming benchmark: held-out films are watched, remembered and asked about, kind by kind.
 *
 * Each kind of question is an environment of its own. Its tasks come film by film; the first five are answered from
 * Phase-One memory; Phase Two learns from these five; films asked about later are written by the adapted policy. The
 * memory of a film is written once, at its first question of the kind: what is asked of it after the update reads the
 * old memory. The rows: the base, the base with the five questions in its prompt, Phase One, and TaskMem. Every adapter is
 * tried on every kind too (the swap control). A reader without a model answers from a film's whole memory; an
 * abstention counts as wrong. Memory is all it sees.
 *
 * Departures from the paper: adapters of all kinds come from one frozen cache; a film is asked several questions of
 * a kind; which five tasks come first is the order of the films.
 */
import type { Adapter } from "../../../adapter/adapter.ts";
import { vectorAdapter } from "../../../adapter/arithmetic.ts";
import type { Reader } from "../../../answer/reader.ts";
import { type FactKind, factKinds } from "../../../household/index.ts";
import type { Policy } from "../../../policy/policy.ts";
import { taskSupplement } from "../../../policy/prompts.ts";
import type { Question } from "../../../tasks/task.ts";
import { mapConcurrently } from "../../../util/async.ts";
import { seededRandom } from "../../../util/random.ts";
import { measureOf, type Result } from "../../run/results.ts";
import { clusterBootstrap, type Interval, mcnemarTest, mean } from "../../statistics.ts";
import { questionOf } from "../../task.ts";
import { type AnswerFigures, accuracy, answersOf, scores, streamOf, tasksOf } from "./answers.ts";
import type { HouseholdFilm } from "./films.ts";
import { type EntryFigures, entryFigures, type Written, writtenOf } from "./memories.ts";

/** The policies that are compared; where one is missing its row is left out. */
export interface HouseholdPolicies {
  /** Before Phase One. */
  readonly base: Policy | null;
  /** Whether the base takes a supplement of its prompt. */
  readonly takesSupplement: boolean;
  readonly phaseOne: Policy;
  readonly adapted: (adapter: Adapter) => Policy;
  /** Phase Two on some tasks; `null` where there was nothing to learn. */
  readonly learn: (tasks: readonly { readonly question: Question }[]) => Promise<Adapter | null>;
}

/** What the household benchmark works with. */
export interface HouseholdOptions {
  readonly films: readonly HouseholdFilm[];
  readonly policies: HouseholdPolicies;
  readonly reader: Reader;
  readonly countTokens: (text: string) => number;
  /** Tasks of a kind after which Phase Two runs. @default 5 */
  readonly updateAfter?: number;
  /** Films watched at once; what is written is the same at any value. @default 1 */
  readonly concurrency?: number;
  /** Runs the steps that take time, plain JSON each: what stands of a run that was stopped may be given instead. */
  readonly step?: <T>(name: string, make: () => Promise<T>) => Promise<T>;
  readonly onProgress?: (what: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The policies that are compared. */
export type HouseholdRowName = "base" | "base + task prompt" | "Phase One" | "TaskMem";

/** Figures of one policy on the questions of one kind, or of all. */
export interface HouseholdRow extends AnswerFigures, EntryFigures {
  readonly policy: HouseholdRowName;
  readonly kind: FactKind | "all";
}

/** A difference in points of accuracy, with its 95 % interval: a paired bootstrap over films. */
export interface Gain extends Interval {
  readonly gain: number;
  /** Questions, and McNemar's exact test over them. */
  readonly n: number;
  readonly p: number;
}

/** What came of the household benchmark. */
export interface HouseholdResult {
  readonly rows: readonly HouseholdRow[];
  readonly gain: { readonly overall: Gain; readonly kinds: Readonly<Record<FactKind, Gain>> };
  readonly kindsAboveZero: number;
  /** Accuracy of each kind's questions (inner) with each kind's adapter (outer) on all films, and with none. */
  readonly swap: Readonly<Record<FactKind | "none", Readonly<Record<FactKind, number>>>>;
  readonly adapters: Readonly<Record<FactKind, Adapter | null>>;
  /** Every answer, row by row and kind by kind, in the order the questions came. */
  readonly results: readonly Result[];
}

/** Runs the household benchmark over some films. */
export async function householdBenchmark(options: HouseholdOptions): Promise<HouseholdResult> {
  const { films, policies, updateAfter = 5, step = (_, make) => make(), onProgress, signal } = options;
  const { concurrency } = options;
  const write = (name: string, policy: Policy): Promise<Written[]> => {
    onProgress?.(name);
    return step(name, () =>
      mapConcurrently(films, { concurrency, signal }, (film) => writtenOf(policy, film, signal)),
    );
  };
  const ask = (row: string, kind: FactKind, written: readonly Written[]) =>
    answersOf(row, tasksOf(films, kind), written, options);

  const phaseOne = await write("Phase One watches", policies.phaseOne);
  const base = policies.base && (await write("the base watches", policies.base));
  const memories = new Map<HouseholdRowName, Map<FactKind, readonly Written[]>>();
  const answers = new Map<HouseholdRowName, Map<FactKind, Result[]>>();
  const keep = async (name: HouseholdRowName, kind: FactKind, written: readonly Written[]) => {
    memories.set(name, (memories.get(name) ?? new Map()).set(kind, written));
    answers.set(name, (answers.get(name) ?? new Map()).set(kind, await ask(name, kind, written)));
  };
  const adapters = {} as Record<FactKind, Adapter | null>;
  const swap = { none: {} } as Record<FactKind | "none", Record<FactKind, number>>;
  for (const kind of factKinds) {
    const first = tasksOf(films, kind).slice(0, updateAfter);
    const seen = new Set(first.map(({ stream }) => stream));
    /** Films asked before the update keep what was written of them then. */
    const updated = (before: readonly Written[], after: readonly Written[]) =>
      films.map((_, i) => (seen.has(streamOf(i)) ? before[i]! : after[i]!));
    if (base !== null) {
      await keep("base", kind, base);
      if (policies.takesSupplement) {
        const supplement = taskSupplement(first.map(({ question }) => question));
        const prompting = withSupplement(policies.base!, supplement);
        const prompted = await write(`the base watches, shown questions about ${kind}`, prompting);
        await keep("base + task prompt", kind, updated(base, prompted));
      }
    }
    await keep("Phase One", kind, phaseOne);
    const learning = `Phase Two learns from ${first.length} questions about ${kind}`;
    onProgress?.(learning);
    const plain = await step(learning, async () =>
      plainAdapter(await policies.learn(first.map((task) => ({ question: questionOf(task) })))),
    );
    const adapter = plain && adapterOf(plain);
    adapters[kind] = adapter;
    const adapted =
      adapter === null
        ? phaseOne
        : await write(
            `TaskMem watches with its adapter for questions about ${kind}`,
            policies.adapted(adapter),
          );
    await keep("TaskMem", kind, updated(phaseOne, adapted));
    swap.none[kind] = accuracy(answers.get("Phase One")!.get(kind)!);
    swap[kind] = {} as Record<FactKind, number>;
    for (const other of factKinds) swap[kind][other] = accuracy(await ask(kind, other, adapted));
  }

  const kinds = Object.fromEntries(factKinds.map((kind) => [kind, gainOf(answers, [kind])]));
  return {
    rows: rowsOf(films, answers, memories, options.countTokens),
    gain: { overall: gainOf(answers, factKinds), kinds: kinds as Record<FactKind, Gain> },
    kindsAboveZero: Object.values(kinds).filter(({ low }) => low > 0).length,
    ...{ swap, adapters },
    results: [...answers.values()].flatMap((byKind) => [...byKind.values()].flat()),
  };
}

type ByRow<T> = ReadonlyMap<HouseholdRowName, ReadonlyMap<FactKind, T>>;

function rowsOf(
  films: readonly HouseholdFilm[],
  answers: ByRow<readonly Result[]>,
  memories: ByRow<readonly Written[]>,
  countTokens: (text: string) => number,
): HouseholdRow[] {
  return [...answers].flatMap(([policy, byKind]) =>
    ([...factKinds, "all"] as const).map((kind): HouseholdRow => {
      const kinds = kind === "all" ? factKinds : [kind];
      const written = kinds.map((one) => memories.get(policy)!.get(one)!);
      return {
        ...{ policy, kind },
        ...scores(kinds.flatMap((one) => byKind.get(one)!)),
        ...entryFigures(films, written, countTokens),
      };
    }),
  );
}

/** TaskMem − Phase One on the questions of some kinds. */
function gainOf(answers: ByRow<readonly Result[]>, kinds: readonly FactKind[]): Gain {
  const before = kinds.flatMap((kind) => answers.get("Phase One")!.get(kind)!);
  const after = kinds.flatMap((kind) => answers.get("TaskMem")!.get(kind)!);
  const accuracyOf = (result: Result) => measureOf(result, "accuracy");
  const differences = after.map((result, i) => 100 * (accuracyOf(result) - accuracyOf(before[i]!)));
  const clusters = before.map(({ stream }) => stream);
  const count = (sign: number) => differences.filter((difference) => Math.sign(difference) === sign).length;
  return {
    ...{ gain: mean(differences), n: differences.length, p: mcnemarTest(count(-1), count(1)) },
    ...clusterBootstrap(differences, clusters, seededRandom(`gain ${kinds.join()}`)),
  };
}

/** An adapter as JSON holds it, and back. */
function plainAdapter(adapter: Adapter | null) {
  if (adapter === null) return null;
  const vector = vectorAdapter(adapter);
  return { ...vector, indices: [...vector.indices], values: [...vector.values] };
}
const adapterOf = (plain: NonNullable<ReturnType<typeof plainAdapter>>): Adapter => ({
  ...plain,
  indices: Int32Array.from(plain.indices),
  values: Float32Array.from(plain.values),
});

/** The same policy with a supplement in every prompt. */
function withSupplement(policy: Policy, supplement: string): Policy {
  return {
    ...policy,
    decide: (context, options) => policy.decide({ ...context, supplement }, options),
  };
}
