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
 * Departures from method.md A.3: adapters of all kinds come from one frozen cache; a film is asked several questions of
 * a kind; which five tasks come first is the order of the films.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Adapter } from "../adapter/adapter.ts";
import { vectorAdapter } from "../adapter/arithmetic.ts";
import type { Reader } from "../answer/reader.ts";
import {
  askAbout,
  createEpisode,
  type Episode,
  episodeSeed,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
  observeClip,
  renderEpisode,
  type Split,
} from "../household/index.ts";
import type { Entry, RecalledEntry, Statement } from "../memory/memory.ts";
import type { Observation } from "../perception/observation.ts";
import { createPerceptors, perceive } from "../perception/perceive.ts";
import type { Policy } from "../policy/policy.ts";
import { taskSupplement } from "../policy/prompts.ts";
import { readHouseholdMemory } from "../reward/household-judge.ts";
import { openSource } from "../stream/open-source.ts";
import { decisionsOf } from "../training/replay.ts";
import { seededRandom } from "../util/random.ts";
import { clusterBootstrap, type Interval, mcnemarTest, mean } from "./statistics.ts";

/** A film as it was perceived, with what it is asked. */
export interface HouseholdFilm {
  readonly episode: Episode;
  readonly observations: readonly Observation[];
  readonly questions: readonly HouseholdQuestion[];
}

export interface FilmOptions {
  readonly split: Split;
  readonly from: number;
  readonly films: number;
  /** Clips of a film. */
  readonly clips: number;
  readonly questionsPerKind: number;
  /** Whether what is seen comes as captions too, for policies that look at no pictures. @default false */
  readonly captions?: boolean;
  readonly onFilm?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Films episodes, codes them as video, and perceives the video. Needs ffmpeg. */
export async function filmHousehold(options: FilmOptions): Promise<HouseholdFilm[]> {
  const { split, from, films, clips, questionsPerKind, captions = false, onFilm, signal } = options;
  const perceptors = createPerceptors({ screenText: false });
  const folder = await mkdtemp(join(tmpdir(), "taskmem-films-"));
  const made: HouseholdFilm[] = [];
  try {
    for (let n = 0; n < films; n++) {
      signal?.throwIfAborted();
      const episode = createEpisode(episodeSeed(split, from + n), clips);
      const { video } = await renderEpisode(episode, folder, { name: "film", ...(signal && { signal }) });
      const observations: Observation[] = [];
      for await (const item of (await openSource(video)).open(signal ? { signal } : {})) {
        if (item.kind !== "clip" || item.index >= clips) continue;
        const seen = await perceive(item, perceptors);
        const told = { stream: episode.seed, captions: true, pictures: false };
        observations.push({
          ...seen,
          stream: episode.seed,
          ...(captions && { captions: (await observeClip(episode.clips[item.index]!, told)).captions }),
        });
      }
      const questions = askAbout(episode, seededRandom(`questions ${episode.seed}`), {
        perKind: questionsPerKind,
      });
      made.push({ episode, observations, questions });
      onFilm?.(n + 1);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return made;
}

/** The policies that are compared; where one is missing its row is left out. */
export interface HouseholdPolicies {
  /** Before Phase One. */
  readonly base: Policy | null;
  /** Whether the base takes a supplement of its prompt. */
  readonly takesSupplement: boolean;
  readonly phaseOne: Policy;
  readonly adapted: (adapter: Adapter) => Policy;
  /** Phase Two on some tasks; `null` where there was nothing to learn. */
  readonly learn: (tasks: readonly { readonly question: HouseholdQuestion }[]) => Promise<Adapter | null>;
}

export interface HouseholdOptions {
  readonly films: readonly HouseholdFilm[];
  readonly policies: HouseholdPolicies;
  readonly reader: Reader;
  readonly countTokens: (text: string) => number;
  /** Tasks of a kind after which Phase Two runs. @default 5 */
  readonly updateAfter?: number;
  /** Runs the steps that take time, plain JSON each: what stands of a run that was stopped may be given instead. */
  readonly step?: <T>(name: string, make: () => Promise<T>) => Promise<T>;
  readonly onProgress?: (what: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export type HouseholdRowName = "base" | "base + task prompt" | "Phase One" | "TaskMem";

export interface HouseholdRow {
  readonly policy: HouseholdRowName;
  readonly kind: FactKind | "all";
  /** Shares of all questions; precision of those answered. */
  readonly accuracy: number;
  readonly coverage: number;
  readonly precision: number;
  readonly tokensPerEntry: number;
  /** Statements an entry makes. */
  readonly factsPerEntry: number;
  /** Share of statements that are true, and that were told before. */
  readonly trueShare: number;
  readonly redundantShare: number;
  /** Share of entries that pass the quality checks: all true and nothing told before. */
  readonly passing: number;
  /** 95 % interval of the accuracy, bootstrapped over films. */
  readonly low: number;
  readonly high: number;
  /** Questions. */
  readonly n: number;
}

/** A difference in points of accuracy, with its 95 % interval: a paired bootstrap over films. */
export interface Gain extends Interval {
  readonly gain: number;
  /** Questions, and McNemar's exact test over them. */
  readonly n: number;
  readonly p: number;
}

export interface HouseholdResult {
  readonly rows: readonly HouseholdRow[];
  readonly gain: { readonly overall: Gain; readonly kinds: Readonly<Record<FactKind, Gain>> };
  readonly kindsAboveZero: number;
  /** Accuracy of each kind's questions (inner) with each kind's adapter (outer) on all films, and with none. */
  readonly swap: Readonly<Record<FactKind | "none", Readonly<Record<FactKind, number>>>>;
  readonly adapters: Readonly<Record<FactKind, Adapter | null>>;
  /** Every answer, row by row and kind by kind, in the order the questions came. */
  readonly answers: readonly (HouseholdAnswer & { readonly policy: HouseholdRowName })[];
}

/** What a policy wrote of one film. */
interface Written {
  readonly entries: readonly WrittenEntry[];
  readonly statements: readonly Statement[];
}

/** What a policy wrote at one decision. */
interface WrittenEntry {
  readonly clips: readonly number[];
  /** In its own words. */
  readonly text: string;
  /** Lines of the stream, word for word: true of what was perceived. */
  readonly copied: readonly string[];
}

/** The answer to one question from what one policy wrote. */
export interface HouseholdAnswer {
  readonly film: string;
  readonly kind: FactKind;
  readonly question: string;
  readonly options: HouseholdQuestion["options"];
  /** Letters of the right option and of the chosen one. */
  readonly answer: string;
  readonly given: string | null;
  readonly answered: boolean;
  readonly right: boolean;
}

export async function householdBenchmark(options: HouseholdOptions): Promise<HouseholdResult> {
  const { films, policies, updateAfter = 5, step = (_, make) => make(), onProgress, signal } = options;
  const write = (name: string, policy: Policy): Promise<Written[]> => {
    onProgress?.(name);
    return step(name, async () => {
      const all: Written[] = [];
      for (const film of films) all.push(await writtenOf(policy, film, signal));
      return all;
    });
  };
  const ask = (written: readonly Written[], kind: FactKind) => answersOf(films, written, kind, options);

  const phaseOne = await write("Phase One watches", policies.phaseOne);
  const base = policies.base && (await write("the base watches", policies.base));
  const memories = new Map<HouseholdRowName, Map<FactKind, readonly Written[]>>();
  const answers = new Map<HouseholdRowName, Map<FactKind, HouseholdAnswer[]>>();
  const keep = async (name: HouseholdRowName, kind: FactKind, written: readonly Written[]) => {
    memories.set(name, (memories.get(name) ?? new Map()).set(kind, written));
    answers.set(name, (answers.get(name) ?? new Map()).set(kind, await ask(written, kind)));
  };
  const adapters = {} as Record<FactKind, Adapter | null>;
  const swap = { none: {} } as Record<FactKind | "none", Record<FactKind, number>>;
  for (const kind of factKinds) {
    const questions = films.flatMap((film) => film.questions.filter((question) => question.kind === kind));
    const first = questions.slice(0, updateAfter);
    /** Films asked before the update keep what was written of them then. */
    const updated = (before: readonly Written[], after: readonly Written[]) =>
      films.map((film, i) => (film.questions.some((one) => first.includes(one)) ? before[i]! : after[i]!));
    if (base !== null) {
      await keep("base", kind, base);
      if (policies.takesSupplement) {
        const supplement = taskSupplement(first.map(({ text }) => text));
        const prompting = withSupplement(policies.base!, supplement);
        const prompted = await write(`the base watches, told of questions about ${kind}`, prompting);
        await keep("base + task prompt", kind, updated(base, prompted));
      }
    }
    await keep("Phase One", kind, phaseOne);
    const learning = `Phase Two learns from ${first.length} questions about ${kind}`;
    onProgress?.(learning);
    const learnt = await step(learning, async () =>
      plainAdapter(await policies.learn(first.map((question) => ({ question })))),
    );
    const adapter = learnt && adapterOf(learnt);
    adapters[kind] = adapter;
    const adapted =
      adapter === null
        ? phaseOne
        : await write(`TaskMem watches with what it learnt about ${kind}`, policies.adapted(adapter));
    await keep("TaskMem", kind, updated(phaseOne, adapted));
    swap.none[kind] = accuracy(answers.get("Phase One")!.get(kind)!);
    swap[kind] = {} as Record<FactKind, number>;
    for (const other of factKinds) swap[kind][other] = accuracy(await ask(adapted, other));
  }

  const rows: HouseholdRow[] = [];
  for (const [policy, byKind] of answers) {
    for (const kind of [...factKinds, "all"] as const) {
      const kinds = kind === "all" ? factKinds : [kind];
      rows.push({
        policy,
        kind,
        ...scores(kinds.flatMap((one) => byKind.get(one)!)),
        ...entryFigures(
          films,
          kinds.map((one) => memories.get(policy)!.get(one)!),
          options.countTokens,
        ),
      });
    }
  }
  const gainOf = (kinds: readonly FactKind[]): Gain => {
    const before = kinds.flatMap((kind) => answers.get("Phase One")!.get(kind)!);
    const after = kinds.flatMap((kind) => answers.get("TaskMem")!.get(kind)!);
    const differences = after.map(({ right }, i) => 100 * (Number(right) - Number(before[i]!.right)));
    const clusters = before.map(({ film }) => film);
    const count = (sign: number) => differences.filter((difference) => Math.sign(difference) === sign).length;
    return {
      ...{ gain: mean(differences), n: differences.length, p: mcnemarTest(count(-1), count(1)) },
      ...clusterBootstrap(differences, clusters, seededRandom(`gain ${kinds.join()}`)),
    };
  };
  const kinds = Object.fromEntries(factKinds.map((kind) => [kind, gainOf([kind])])) as Record<FactKind, Gain>;
  return {
    rows,
    gain: { overall: gainOf(factKinds), kinds },
    kindsAboveZero: Object.values(kinds).filter(({ low }) => low > 0).length,
    swap,
    adapters,
    answers: [...answers].flatMap(([policy, byKind]) =>
      [...byKind.values()].flat().map((answer) => ({ policy, ...answer })),
    ),
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

async function writtenOf(
  policy: Policy,
  { observations }: HouseholdFilm,
  signal: AbortSignal | undefined,
): Promise<Written> {
  const entries: WrittenEntry[] = [];
  const statements: Statement[] = [];
  for await (const { context, action } of decisionsOf(policy, observations, { signal })) {
    statements.push(...action.statements);
    // What somebody said is kept with the name in front.
    const isCopy = ({ text, sources }: Statement) =>
      sources.some((source) => text === source.text || text.endsWith(`: ${source.text}`));
    const textsOf = (some: readonly Statement[]) => some.map(({ text }) => text);
    entries.push({
      clips: context.observations.map(({ clip }) => clip),
      text: textsOf(action.statements.filter((statement) => !isCopy(statement))).join(" "),
      copied: textsOf(action.statements.filter(isCopy)),
    });
  }
  return { entries, statements };
}

/** The answers to all questions of a kind, film after film. */
async function answersOf(
  films: readonly HouseholdFilm[],
  written: readonly Written[],
  kind: FactKind,
  { reader, signal }: Pick<HouseholdOptions, "reader" | "signal">,
): Promise<HouseholdAnswer[]> {
  const answers: HouseholdAnswer[] = [];
  for (const [i, { episode, questions }] of films.entries()) {
    const recalled = written[i]!.statements.map(recalledOf);
    for (const question of questions) {
      if (question.kind !== kind) continue;
      const { option, abstained } = await reader.read({
        ...{ question, recalled, rendered: "", gaps: [] },
        ...(signal && { signal }),
      });
      answers.push({
        film: episode.seed,
        kind,
        ...{ question: question.text, options: question.options, answer: question.answer, given: option },
        answered: !abstained,
        right: !abstained && option === question.answer,
      });
    }
  }
  return answers;
}

/** As a sealed memory gives it: without what it was written from. */
function recalledOf(statement: Statement, i: number): RecalledEntry {
  const { clip, startSeconds, endSeconds } = statement;
  const entry: Entry = {
    ...statement,
    ...{ id: `entry-${i}`, stream: "film", writtenAtMs: 0, policy: "", revision: "", closed: null },
    evidence: { clips: [clip], startSeconds, endSeconds, frames: [], sources: [], tiers: {} },
  };
  return { entry, score: { total: 1 } };
}

const accuracy = (answers: readonly HouseholdAnswer[]) => mean(answers.map(({ right }) => Number(right)));

function scores(
  answers: readonly HouseholdAnswer[],
): Pick<HouseholdRow, "accuracy" | "coverage" | "precision" | "low" | "high" | "n"> {
  const { low, high } = clusterBootstrap(
    answers.map(({ right }) => Number(right)),
    answers.map(({ film }) => film),
    seededRandom("household intervals"),
  );
  const answered = answers.filter((answer) => answer.answered);
  return {
    accuracy: accuracy(answers),
    coverage: answered.length / Math.max(1, answers.length),
    precision: accuracy(answered),
    ...{ low, high, n: answers.length },
  };
}

/** Memories that a repetition is looked for in, at least: what a policy is shown of its own. */
const mostEntriesBefore = 4;

/** Figures of what was written, over all films and the memories of some kinds. */
function entryFigures(
  films: readonly HouseholdFilm[],
  memories: readonly (readonly Written[])[],
  countTokens: (text: string) => number,
): Pick<HouseholdRow, "tokensPerEntry" | "factsPerEntry" | "trueShare" | "redundantShare" | "passing"> {
  let [entries, tokens, sentences, wrong, repeated, passing] = [0, 0, 0, 0, 0, 0];
  for (const memory of memories) {
    for (const [i, { episode }] of films.entries()) {
      let entriesBefore: string[][] = [];
      for (const { clips, text, copied } of memory[i]!.entries) {
        const facts = clips.flatMap((clip) => episode.clips[clip]!.facts);
        const before = entriesBefore.flat();
        const reading = readHouseholdMemory(text, facts, before);
        const again = copied.filter((line, at) => before.includes(line) || copied.indexOf(line) < at).length;
        entries += 1;
        tokens += countTokens([text, ...copied].join(" "));
        sentences += reading.sentences + copied.length;
        wrong += reading.wrong.length;
        repeated += reading.repeated.length + again;
        const faults = reading.wrong.length + reading.repeated.length + again;
        passing += Number(faults === 0 && reading.told.length + copied.length > 0);
        entriesBefore = [...entriesBefore, [text, ...copied]].slice(-mostEntriesBefore);
      }
    }
  }
  const perEntry = (count: number) => count / Math.max(1, entries);
  const perSentence = (count: number) => count / Math.max(1, sentences);
  return {
    tokensPerEntry: perEntry(tokens),
    factsPerEntry: perEntry(sentences),
    trueShare: 1 - perSentence(wrong),
    redundantShare: perSentence(repeated),
    passing: perEntry(passing),
  };
}
