/**
 * What both ablations of Phase Two share: the questions of a lesson, the memories that are compared on held-out films, and
 * the tables.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { VectorAdapter } from "../src/adapter/adapter.ts";
import { adapterNorm, weightsOf } from "../src/adapter/arithmetic.ts";
import type { HouseholdFilm } from "../src/benchmarks/datasets/household/films.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { wordSpace as words } from "../src/engines/local/index.ts";
import {
  askAbout,
  createEpisode,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
} from "../src/household/index.ts";
import { seedOf, trainingEpisodes } from "../src/household/splits.ts";
import type { Context, Policy } from "../src/policy/policy.ts";
import { householdJudge, type TruthOf } from "../src/reward/household-judge.ts";
import type { Judge } from "../src/reward/judge.ts";
import { questionWordsJudge } from "../src/reward/question-words-judge.ts";
import type { Question } from "../src/tasks/task.ts";
import { decisionsOf } from "../src/training/replay.ts";
import type { Trainer } from "../src/training/trainer.ts";
import { type Grade, laxVerdict, type Verdict, write } from "../src/training/validation.ts";
import { mapConcurrently } from "../src/util/async.ts";
import { seededRandom } from "../src/util/random.ts";
import { replaceFile } from "../src/util/replace-file.ts";
import { printTable, signed } from "./markdown.ts";

/** Steps of the longest lesson, and those after which the adapter is tried, as it is. */
export const steps = 40;
export const triedAfter = [1, 10, 20, 30, 40];

const { countTokens } = words;
export const byWords = questionWordsJudge({ words });

/** What became of each context of one kind's questions: shape [contexts]. */
export interface Tried {
  readonly verdicts: readonly Verdict[];
  readonly grades: readonly Grade[];
}

/** What was trained from the questions of a kind, and what it wrote. */
export interface Lesson {
  readonly pairs: number;
  /** Which film each context is of, shape [contexts]. */
  readonly films: readonly number[];
  /** After each step: the adapter's length, and its cosine with that of the last. */
  readonly curve: readonly { readonly norm: number; readonly cosine: number }[];
  readonly tried: Readonly<Record<string, Tried>>;
}

/**
 * Flags that both have: how many films, which kinds, where lessons are kept.
 * @param more flags by name, with their defaults
 * @throws RangeError for films or kinds that are none
 */
export function trialFlags<Name extends string = never>(runs: string, more = {} as Record<Name, string>) {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const defaults = { films: "16", kinds: factKinds.join(","), runs, ...more };
  const options = Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, text(value)]));
  const values = parseArgs({ options }).values as typeof defaults;
  const count = Number(values.films);
  if (!(Number.isInteger(count) && count >= 2))
    throw new RangeError(`Expected --films to be a whole number from 2 up, got ${values.films}`);
  const kinds = values.kinds.split(",").map((name) => {
    const kind = factKinds.find((one) => one === name.trim());
    if (kind) return kind;
    throw new RangeError(`Expected --kinds to name some of ${factKinds.join(", ")}, got ${name}`);
  });
  return { ...values, count, kinds };
}

const asked = createEpisode(seedOf(trainingEpisodes.choice.tasks, 0), 48);

/** Five questions of a kind about an episode that trains. */
export const lessonQuestions = (kind: FactKind): HouseholdQuestion[] =>
  askAbout(asked, seededRandom(`lesson ${kind}`), { kinds: [kind], perKind: 5 });

/** Grades by the truth, compares by words. */
export const truthAndWords = (truthOf: TruthOf): Judge => ({
  ...householdJudge(truthOf),
  relevance: byWords.relevance,
});

/** A memory with its grade. */
export interface Graded {
  readonly text: string;
  readonly grade: Grade;
}

/** Clips of films, and how memories of them are compared. */
export interface Trials {
  /** Which film each clip is of, shape [contexts]. */
  readonly films: readonly number[];
  /** A memory of each clip by a policy, the same draws for each, shape [contexts]. */
  written(policy: Policy): Promise<Graded[]>;
  /** Memories against those of the policy without a lesson. */
  tried(after: readonly Graded[], questions: readonly Question[]): Promise<Tried>;
  /** Other memories of the policy without a lesson against its own. */
  itself(questions: readonly Question[]): Promise<Tried>;
}

/** Each clip of the films is shown behind the memories that the policy without a lesson wrote. */
export async function trialsOn(
  shown: readonly HouseholdFilm[],
  base: Policy,
  concurrency = 1,
): Promise<Trials> {
  const factsOf = new Map(shown.map(({ episode }) => [episode.seed, episode]));
  const judge = truthAndWords((stream, clip) => factsOf.get(stream)?.clips[clip]?.facts ?? null);
  const options = { judge, score: { countTokens, form: "description" as const } };
  const watched = await mapConcurrently(shown, { concurrency }, async ({ observations }, film) => {
    const contexts: { readonly film: number; readonly context: Context }[] = [];
    for await (const { context } of decisionsOf(base, observations)) contexts.push({ film, context });
    return contexts;
  });
  const contexts = watched.flat();
  const written = (policy: Policy, draw = "memory") =>
    mapConcurrently(contexts, { concurrency }, async ({ context }, i) => {
      const { text, grade } = await write(context, policy, seededRandom(`ablation ${i} ${draw}`), options);
      return { text, grade: grade! };
    });
  const before = await written(base);
  const again = await written(base, "another memory");
  const tried = async (after: readonly Graded[], questions: readonly Question[]) => {
    const verdicts: Verdict[] = [];
    for (const [i, { text: first }] of after.entries()) {
      const second = before[i]!.text;
      const request = { context: contexts[i]!.context, questions, first, second };
      verdicts.push(first === second ? "tie" : ((await laxVerdict(judge, request)) ?? "tie"));
    }
    return { verdicts, grades: after.map(({ grade }) => grade) };
  };
  return {
    films: contexts.map(({ film }) => film),
    written: (policy) => written(policy),
    tried,
    itself: (questions) => tried(again, questions),
  };
}

/** The trainer, after each of whose steps something is done. @param work is given how many steps there were */
export function afterEachStep<Sample>(
  trainer: Trainer<Sample>,
  work: (step: number) => Promise<void>,
): Trainer<Sample> {
  let done = 0;
  return {
    logprobs: (samples) => trainer.logprobs(samples),
    accumulate: (samples, weights) => trainer.accumulate(samples, weights),
    snapshot: () => trainer.snapshot(),
    save: (to) => trainer.save(to),
    load: (from) => trainer.load(from),
    step: async (how) => {
      const report = await trainer.step(how);
      done += 1;
      await work(done);
      return report;
    },
  };
}

/** How an adapter grew, shape [steps]. @param snapshots after each step */
export function curveOf(snapshots: readonly VectorAdapter[]): Lesson["curve"] {
  const last = snapshots.at(-1)!;
  const ofLast = new Map(weightsOf(last));
  const dot = (one: VectorAdapter) =>
    weightsOf(one).reduce((sum, [index, value]) => sum + value * (ofLast.get(index) ?? 0), 0);
  return snapshots.map((one) => ({
    norm: adapterNorm(one),
    cosine: dot(one) / (adapterNorm(one) * adapterNorm(last)),
  }));
}

/** A lesson that is kept in a file, or made and kept. */
export async function keptLesson(file: string, make: () => Promise<Lesson>): Promise<Lesson> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const made = await make();
  replaceFile(file, JSON.stringify(made));
  return made;
}

/**
 * The table of steps, that of what is trained, and the latter by kind.
 * @param named what each row of what is trained is called, and the name that a lesson has it under
 */
export function printLessons(
  lessons: readonly Lesson[],
  {
    count,
    kinds,
    named,
  }: {
    readonly count: number;
    readonly kinds: readonly FactKind[];
    readonly named: Readonly<Record<string, string>>;
  },
): void {
  const clusters = lessons.flatMap(({ films }) => films);
  const percent = (share: number) => (100 * share).toFixed(1);
  /** Everything of one name, over the kinds. */
  const of = (name: string) => {
    const verdicts = lessons.flatMap((lesson) => lesson.tried[name]!.verdicts);
    const grades = lessons.flatMap((lesson) => lesson.tried[name]!.grades);
    const share = (verdict: Verdict) =>
      percent(verdicts.filter((one) => one === verdict).length / verdicts.length);
    const points = verdicts.map(pointsOf);
    const { low, high } = clusterBootstrap(points, clusters, seededRandom("ablations"));
    return {
      verdicts: [share("win"), share("tie"), share("loss")],
      balance: `${signed(mean(points))} [${signed(low)}, ${signed(high)}]`,
      grades: [
        percent(mean(grades.map(({ correct }) => Number(correct)))),
        percent(mean(grades.map(({ clean }) => Number(clean)))),
        mean(grades.map(({ tokens }) => tokens)).toFixed(1),
      ],
    };
  };
  const overKinds = (step: number, key: "norm" | "cosine") =>
    mean(lessons.map(({ curve }) => curve[step - 1]![key]));

  console.log(
    `${lessons[0]!.films.length} clips of ${count} held-out films, questions of ${kinds.join(", ")}, ${lessons.map(({ pairs }) => pairs).join(", ")} pairs; the adapter as it is after each number of steps:\n`,
  );
  const curveRow = printTable("steps", "won, %", "tied, %", "lost, %", "length", "cosine with step 40");
  curveRow("none", ...of("itself").verdicts, "–", "–");
  for (const step of triedAfter)
    curveRow(
      step,
      ...of(`adapter ${step}`).verdicts,
      ...[overKinds(step, "norm").toFixed(2), overKinds(step, "cosine").toFixed(2)],
    );

  console.log("\nWhat is trained; won less lost in points, with intervals over films:\n");
  const row = printTable("", "won, %", "tied, %", "lost, %", "won − lost", "true, %", "new, %", "tokens");
  for (const [what, name] of Object.entries(named)) {
    const { verdicts, balance, grades } = of(name);
    row(what, ...verdicts, balance, ...grades);
  }

  console.log("\nBy kind, won less lost in points / true in per cent:\n");
  const kindRow = printTable("", ...kinds);
  for (const [what, name] of Object.entries(named))
    kindRow(
      what,
      ...lessons.map(({ tried }) => {
        const { verdicts, grades } = tried[name]!;
        const right = mean(grades.map(({ correct }) => Number(correct)));
        return `${signed(mean(verdicts.map(pointsOf)))} / ${percent(right)}`;
      }),
    );
}

const pointsOf = (verdict: Verdict) => (verdict === "win" ? 100 : verdict === "loss" ? -100 : 0);
