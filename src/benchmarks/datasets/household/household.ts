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
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Adapter } from "../../../adapter/adapter.ts";
import { vectorAdapter } from "../../../adapter/arithmetic.ts";
import type { Reader } from "../../../answer/reader.ts";
import { type FactKind, factKinds } from "../../../household/index.ts";
import type { Policy } from "../../../policy/policy.ts";
import { withTaskPrompt } from "../../../policy/task-prompt.ts";
import type { Question } from "../../../tasks/task.ts";
import { inDirectory } from "../../../util/directory.ts";
import { seededRandom } from "../../../util/random.ts";
import { replaceFile } from "../../../util/replace-file.ts";
import { wordingJudge } from "../../run/answer-judge.ts";
import { runLoop } from "../../run/loop.ts";
import type { Following } from "../../run/options.ts";
import { planRun, type RunPlan } from "../../run/plan.ts";
import type { PolicyVersion } from "../../run/protocol.ts";
import { measureOf, type Result } from "../../run/results.ts";
import type { BenchmarkRow } from "../../run/writers.ts";
import { clusterBootstrap, type Interval, mcnemarTest, mean } from "../../statistics.ts";
import { type BenchmarkTask, questionOf } from "../../task.ts";
import { type AnswerFigures, accuracy, filmAnswerer, scores, streamOf, tasksOf } from "./answers.ts";
import type { HouseholdFilm } from "./films.ts";
import {
  type EntryFigures,
  entryFigures,
  filmMemories,
  type WrittenFilms,
  writtenFilms,
} from "./memories.ts";

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
export interface HouseholdOptions extends Following {
  readonly films: readonly HouseholdFilm[];
  readonly policies: HouseholdPolicies;
  readonly reader: Reader;
  readonly countTokens: (text: string) => number;
  /** Tasks of a kind after which Phase Two runs. @default 5 */
  readonly updateAfter?: number;
  /** Films watched and asked at once; what is written is the same at any value. @default 1 */
  readonly concurrency?: number;
  /** Where all of it is written; what stands there of a run that was stopped is not done again. @default not kept */
  readonly directory?: string | undefined;
  /** Called before a policy learns. */
  readonly onLearn?: (what: string) => void;
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
export function householdBenchmark(options: HouseholdOptions): Promise<HouseholdResult> {
  return inDirectory(options.directory, (directory) => runIn(directory, options));
}

async function runIn(directory: string, options: HouseholdOptions): Promise<HouseholdResult> {
  const { films, policies, updateAfter = 5, concurrency = 1, reader, countTokens } = options;
  const tasks = factKinds.flatMap((kind) => tasksOf(films, kind));
  const adapters = await learnKinds(tasks, directory, options);
  const policyFor = (kind: FactKind) => {
    const adapter = adapters[kind];
    return adapter === null ? policies.phaseOne : policies.adapted(adapter);
  };
  const adapted = Object.fromEntries(factKinds.map((kind) => [kind, policyFor(kind)]));
  const written = writtenFilms(join(directory, "memories"));
  const streams = new Map(films.map((film, i) => [streamOf(i), film]));
  const loop = {
    ...{ ...options, directory, memories: filmMemories(streams, written, countTokens) },
    ...{ answerer: filmAnswerer(reader), judge: wordingJudge(), votes: 1, concurrency },
  };
  const plan = planRun(rowsOf(policies, adapted, tasks), tasks, {
    updates: [updateAfter],
    hints: updateAfter,
  });
  const results = await runLoop({ ...loop, plan });
  const swapRows = factKinds.map((kind) => fixedRow(`adapter for ${kind}`, adapted[kind]!));
  const swapPlan = planRun(swapRows, tasks, {});
  const swapped = await runLoop({ ...loop, plan: swapPlan, results: "swap.jsonl" });

  const accuracies = (of: readonly Result[], row: string) =>
    Object.fromEntries(factKinds.map((kind) => [kind, accuracy(answersOf(of, row, [kind]))])) as Record<
      FactKind,
      number
    >;
  const kinds = Object.fromEntries(factKinds.map((kind) => [kind, gainOf(results, [kind])]));
  return {
    rows: figuresOf(options, plan, results, written),
    gain: { overall: gainOf(results, factKinds), kinds: kinds as Record<FactKind, Gain> },
    kindsAboveZero: Object.values(kinds).filter(({ low }) => low > 0).length,
    swap: {
      none: accuracies(results, "Phase One"),
      ...(Object.fromEntries(
        factKinds.map((kind) => [kind, accuracies(swapped, `adapter for ${kind}`)]),
      ) as Record<FactKind, Record<FactKind, number>>),
    },
    ...{ adapters, results },
  };
}

const fixedRow = <Name extends string>(name: Name, policy: Policy): BenchmarkRow<Name> => ({
  ...{ name, label: name, learns: false, budget: null, policyOf: () => policy },
});

/** The rows there are for some policies. */
function rowsOf(
  { base, takesSupplement, phaseOne }: HouseholdPolicies,
  adapted: Readonly<Record<string, Policy>>,
  tasks: readonly BenchmarkTask[],
): BenchmarkRow<HouseholdRowName>[] {
  const taskOf = new Map(tasks.map((task) => [task.id, task]));
  const learningRow = (
    name: HouseholdRowName,
    untouched: Policy,
    taught: (past: BenchmarkTask[]) => Policy,
  ) => ({
    ...fixedRow(name, untouched),
    learns: true,
    policyOf: ({ examples }: PolicyVersion) =>
      examples.length === 0 ? untouched : taught(examples.map((id) => taskOf.get(id)!)),
  });
  const prompted = (policy: Policy) => (past: BenchmarkTask[]) =>
    withTaskPrompt(
      policy,
      past.map(({ question }) => question),
    );
  return [
    ...(base ? [fixedRow("base", base)] : []),
    ...(base && takesSupplement ? [learningRow("base + task prompt", base, prompted(base))] : []),
    fixedRow("Phase One", phaseOne),
    learningRow("TaskMem", phaseOne, ([first]) => adapted[first!.type]!),
  ];
}

/** What the first tasks of each kind teach. */
async function learnKinds(
  tasks: readonly BenchmarkTask[],
  directory: string,
  { policies, updateAfter = 5, onLearn }: HouseholdOptions,
): Promise<Record<FactKind, Adapter | null>> {
  const file = join(directory, "adapters.json");
  const learnt: Record<string, PlainAdapter> = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
  for (const kind of factKinds) {
    if (kind in learnt) continue;
    const first = tasks.filter(({ type }) => type === kind).slice(0, updateAfter);
    onLearn?.(`Phase Two learns from ${first.length} questions about ${kind}`);
    learnt[kind] = plainAdapter(await policies.learn(first.map((task) => ({ question: questionOf(task) }))));
    replaceFile(file, JSON.stringify(learnt));
  }
  const adapters = factKinds.map((kind) => [kind, learnt[kind] && adapterOf(learnt[kind])]);
  return Object.fromEntries(adapters) as Record<FactKind, Adapter | null>;
}

/** Answers of a row to questions of some kinds. */
const answersOf = (results: readonly Result[], row: string, kinds: readonly FactKind[]) =>
  kinds.flatMap((kind) => results.filter((one) => one.row === row && one.types[0] === kind));

function figuresOf(
  { films, countTokens }: HouseholdOptions,
  { items }: RunPlan,
  results: readonly Result[],
  written: WrittenFilms,
): HouseholdRow[] {
  const memoriesOf = (row: string, kind: FactKind) => {
    const asked = items.filter((item) => item.row.name === row && item.scheduled.task.type === kind);
    const idOf = new Map(asked.map(({ memory }) => [memory.stream, memory.id]));
    return films.map((_, i) => {
      const id = idOf.get(streamOf(i));
      return id === undefined ? null : written.get(id);
    });
  };
  const names = [...new Set(items.map(({ row }) => row.name))] as HouseholdRowName[];
  return names.flatMap((policy) =>
    ([...factKinds, "all"] as const).map((kind): HouseholdRow => {
      const kinds = kind === "all" ? factKinds : [kind];
      const memories = kinds.map((one) => memoriesOf(policy, one));
      return {
        ...{ policy, kind },
        ...scores(answersOf(results, policy, kinds)),
        ...entryFigures(films, memories, countTokens),
      };
    }),
  );
}

/** TaskMem − Phase One on the questions of some kinds. */
function gainOf(results: readonly Result[], kinds: readonly FactKind[]): Gain {
  const before = answersOf(results, "Phase One", kinds);
  const after = answersOf(results, "TaskMem", kinds);
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
export function plainAdapter(adapter: Adapter | null) {
  if (adapter === null) return null;
  const vector = vectorAdapter(adapter);
  return { ...vector, indices: [...vector.indices], values: [...vector.values] };
}
export type PlainAdapter = ReturnType<typeof plainAdapter>;
export const adapterOf = (plain: NonNullable<PlainAdapter>): Adapter => ({
  ...plain,
  indices: Int32Array.from(plain.indices),
  values: Float32Array.from(plain.values),
});
