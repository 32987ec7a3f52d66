/**
 * What is learnt where questions are not all of one kind, on the toy household: prints Markdown.
 *
 * - `mixed`: five questions of a kind among ten of the other four, shuffled; asked is the kind. What draws the ten draws
 *   the five too.
 * - `person`: five questions about one person, of any kind; asked is about that person. No first word of a sentence tells
 *   the person, so that one token does not steer.
 *
 * Nano writes before and after Phase One, with nothing, with the questions in its prompt (it reads the first eight, the
 * paper's draw is five), and with an adapter from them; the choice policy with nothing and with an adapter, for it reads no
 * prompt. Questions to learn from are about training episodes, films are held out; a question that was learnt from is not
 * asked. Nano's memories are compared by their words and those of the questions, or with `--judge truth` by what is true.
 * With `--seeds 3` each of three draws also has a seed of Phase One and of its pool of its own (`nano-seeds.ts`): the spread over
 * draws is then that of both, at no more cost. Intervals draw films, and the draws.
 *
 * `node perf/streams.ts mixed|person [--policy nano|choice] [--films 24] [--draws 3] [--seeds 1] [--judge words|truth]
 *    [--runs DIR]`; a run that was stopped continues.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { filmHousehold, type HouseholdFilm } from "../src/benchmarks/datasets/household/films.ts";
import type { HouseholdPolicies } from "../src/benchmarks/datasets/household/household.ts";
import { entryFigures, type Written, writtenOf } from "../src/benchmarks/datasets/household/memories.ts";
import {
  type HouseholdJudgeName,
  householdJudgeNames,
  householdPolicies,
} from "../src/benchmarks/datasets/household/policies.ts";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { folderCache } from "../src/engines/cached-model.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { shippedWeights } from "../src/engines/nano/index.ts";
import {
  askAbout,
  createEpisode,
  factKinds,
  type HouseholdQuestion,
  observeClip,
} from "../src/household/index.ts";
import { people } from "../src/household/language.ts";
import { measuredEpisodes, seedOf, trainingEpisodes } from "../src/household/splits.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import { openNano } from "../src/policies/nano/index.ts";
import type { Policy } from "../src/policy/policy.ts";
import { taskSupplement } from "../src/policy/prompts.ts";
import { withTaskPrompt } from "../src/policy/task-prompt.ts";
import { seededRandom, shuffle } from "../src/util/random.ts";
import { rightFrom } from "./household-trials.ts";
import { printTable, signed } from "./markdown.ts";
import { nanoSeeds, seedPolicies, seedsOf } from "./nano-seeds.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    policy: { type: "string", default: "nano" },
    films: { type: "string", default: "24" },
    draws: { type: "string", default: "3" },
    seeds: { type: "string", default: "1" },
    judge: { type: "string", default: "words" },
    runs: { type: "string", default: "runs" },
  },
});
const oneOf = <T extends string>(what: string, given: string | undefined, known: readonly T[]): T => {
  const found = known.find((name) => name === given);
  if (found === undefined) throw new RangeError(`Expected ${what} to be ${known.join(" or ")}, got ${given}`);
  return found;
};
const countOf = (what: string, given: string, least: number): number => {
  if (Number.isInteger(Number(given)) && Number(given) >= least) return Number(given);
  throw new RangeError(`Expected ${what} to be a whole number from ${least} up, got ${given}`);
};
const streams = oneOf("the streams", positionals[0], ["mixed", "person"]);
const policyName = oneOf("--policy", flags.policy, ["nano", "choice"]);
const judge: HouseholdJudgeName = oneOf("--judge", flags.judge, householdJudgeNames);
const [count, draws] = [countOf("--films", flags.films, 2), countOf("--draws", flags.draws, 1)];
const seeds = seedsOf(flags.seeds);
if (seeds > 1 && (seeds !== draws || policyName !== "nano"))
  throw new RangeError(
    `Expected --seeds to be 1, or with nano as many as --draws, got ${seeds} for ${draws} draws of ${policyName}`,
  );

/** Films as the benchmark has them; what needs no pictures gets six minutes of captions, as `perf/choice-adapter.ts`. */
const [clips, questionsPerKind] = policyName === "nano" ? [6, 5] : [36, 10];
const films = policyName === "nano" ? await filmed() : await Promise.all(Array.from({ length: count }, told));

function filmed(): Promise<HouseholdFilm[]> {
  return filmHousehold({ ...measuredEpisodes.benchmark, films: count, clips, questionsPerKind });
}

async function told(_: unknown, n: number): Promise<HouseholdFilm> {
  const episode = createEpisode(seedOf(measuredEpisodes.benchmark, n), clips);
  const as = { stream: episode.seed, pictures: false, captions: true };
  return {
    episode,
    observations: await Promise.all(episode.clips.map((clip) => observeClip(clip, as))),
    questions: askAbout(episode, seededRandom(`questions ${episode.seed}`), { perKind: questionsPerKind }),
  };
}

/** What is learnt from, and which questions belong to it. */
interface Lesson {
  readonly name: string;
  readonly draw: number;
  readonly questions: readonly HouseholdQuestion[];
  readonly asks: (question: HouseholdQuestion) => boolean;
}

/** Questions about a training episode long enough to show all that a lesson needs. */
function questionsToLearn(draw: number): HouseholdQuestion[] {
  const episode = createEpisode(seedOf(trainingEpisodes.choice.tasks, draw), 48);
  return askAbout(episode, seededRandom(`lesson ${draw}`), { perKind: 30 });
}

function lessonsOf(draw: number): Lesson[] {
  const all = questionsToLearn(draw);
  const random = seededRandom(`draw ${draw}`);
  const some = (of: (question: HouseholdQuestion) => boolean, n: number) =>
    shuffle(random, all.filter(of)).slice(0, n);
  if (streams === "person")
    return people.map((person) => {
      const about = ({ fact }: HouseholdQuestion) => "person" in fact && fact.person === person;
      return { name: person, draw, questions: some(about, 5), asks: about };
    });
  return factKinds.map((kind) => {
    const isOf = (question: HouseholdQuestion) => question.kind === kind;
    const others = some((question) => !isOf(question), 10);
    return { name: kind, draw, questions: shuffle(random, [...some(isOf, 5), ...others]), asks: isOf };
  });
}

const { countTokens } = wordSpace;
/** Who is compared under each seed; what learns from a draw is of the seed of the same number. */
const seeded = policyName === "choice" ? [await householdPolicies("choice")] : await nanos();
const [policies] = seeded as [HouseholdPolicies, ...HouseholdPolicies[]];
const lessons = Array.from({ length: draws }, (_, draw) => lessonsOf(draw)).flat();
async function nanos(): Promise<HouseholdPolicies[]> {
  const base = await openNano(shippedWeights("nano-base"));
  return Promise.all(
    nanoSeeds(seeds, flags.runs).map((seed) => seedPolicies(seed, { judge, base, runs: flags.runs })),
  );
}

/** A model's memories are kept, so that a run that was stopped continues; the choice policy takes seconds. */
const keeping = (policy: Policy): Policy =>
  policyName === "choice"
    ? policy
    : rolloutCache(policy, { store: folderCache(join(flags.runs, "streams")) });
const made = new Map<string, Promise<Written[]>>();
const began = performance.now();
const write = (name: string, policy: () => Promise<Policy> | Policy): Promise<Written[]> => {
  const writing = made.get(name) ?? watch(name, policy);
  made.set(name, writing);
  return writing;
};
async function watch(name: string, policy: () => Promise<Policy> | Policy): Promise<Written[]> {
  const writer = keeping(await policy());
  const written: Written[] = [];
  for (const film of films) written.push(await writtenOf(writer, film, undefined));
  console.error(`${name}, ${Math.round((performance.now() - began) / 1000)} s`);
  return written;
}

/** What a policy wrote, and whether each of a lesson's questions is answered rightly from it. */
interface Cell {
  readonly written: readonly Written[];
  readonly right: readonly number[];
  readonly film: readonly number[];
  readonly lesson: readonly Lesson[];
}

async function asked(lesson: Lesson, written: readonly Written[]): Promise<Cell> {
  const known = new Set(lesson.questions.map(({ text }) => text));
  const right: number[] = [];
  const ofFilm: number[] = [];
  for (const [i, { questions }] of films.entries()) {
    const those = questions.filter((question) => lesson.asks(question) && !known.has(question.text));
    right.push(...(await rightFrom(written[i]!.statements, those)));
    ofFilm.push(...those.map(() => i));
  }
  return { written, right, film: ofFilm, lesson: right.map(() => lesson) };
}

const cells = new Map<string, Cell[]>();
const add = async (row: string, lesson: Lesson, written: readonly Written[]) =>
  cells.set(row, [...(cells.get(row) ?? []), await asked(lesson, written)]);
const adapterRow = policies.base ? "TaskMem (Phase One + adapter)" : "with an adapter";
const phaseOneRow = policies.base ? "Phase One" : "without an adapter";
for (const lesson of lessons) {
  const { name, draw, questions } = lesson;
  const seed = draw % seeds;
  const { base, phaseOne, takesSupplement, learn, adapted } = seeded[seed]!;
  const texts = questions.map(({ text }) => text);
  const plain = [
    ...(base ? [{ row: "base", seed: 0, policy: base }] : []),
    { row: phaseOneRow, seed, policy: phaseOne },
  ];
  for (const { row, seed, policy } of plain) {
    await add(row, lesson, await write(`${row}, seed ${seed + 1}`, () => policy));
    if (takesSupplement)
      await add(
        `${row} + prompt`,
        lesson,
        await write(`${row} + prompt, ${name}, draw ${draw + 1}`, () => withTaskPrompt(policy, texts)),
      );
  }
  const taught = async () => {
    const adapter = await learn(questions.map((question) => ({ question })));
    if (adapter === null) console.error(`nothing learnt of ${name}, draw ${draw + 1}`);
    return adapter === null ? phaseOne : adapted(adapter);
  };
  await add(adapterRow, lesson, await write(`TaskMem, ${name}, draw ${draw + 1}`, taught));
}

const names = [...new Set(lessons.map(({ name }) => name))];
const percent = (share: number) => (100 * share).toFixed(1);
const of = (row: string, name: string | null) =>
  cells.get(row)!.filter(({ lesson }) => name === null || lesson[0]?.name === name);
const rightOf = (row: string, name: string | null) => of(row, name).flatMap(({ right }) => right);
const n = rightOf(adapterRow, null).length;
console.log(
  `\n${streams === "mixed" ? "Five questions of a kind among ten of others" : "Five questions about a person"}, ${draws} draws${seeds > 1 ? ", each with a seed of Phase One and of its pool of its own" : ""}; ${policyName}, ${count} films of ${clips} clips, ${n} answers; adapters by ${policyName === "choice" ? "words in closed form" : judge}.\n`,
);
const printRow = printTable("", "all, %", ...names, "true, %", "repeated, %", "passing, %", "tokens");
for (const row of cells.keys()) {
  const memories = of(row, null).map(({ written }) => written);
  const { trueShare, redundantShare, passing, tokensPerEntry } = entryFigures(films, memories, countTokens);
  printRow(
    ...[row, ...[null, ...names].map((name) => percent(mean(rightOf(row, name))))],
    ...[...[trueShare, redundantShare, passing].map(percent), tokensPerEntry.toFixed(1)],
  );
}
console.log(
  `\nDifferences in points of right answers, 95 % intervals over films and draws${seeds > 1 ? " with their seeds" : ""}:\n`,
);
const printGain = printTable("", "all", ...names);
for (const other of [...cells.keys()].filter((row) => row !== adapterRow && row !== "base"))
  printGain(`${adapterRow} − ${other}`, ...[null, ...names].map((name) => gainOf(other, name)));

function gainOf(other: string, name: string | null): string {
  const before = rightOf(other, name);
  const differences = rightOf(adapterRow, name).map((right, i) => 100 * (right - before[i]!));
  const clusters = of(adapterRow, name).flatMap(({ film }) => film);
  const drawn = of(adapterRow, name).flatMap(({ lesson }) => lesson.map(({ draw }) => draw));
  const also = draws > 1 ? { also: drawn } : {};
  const { low, high } = clusterBootstrap(differences, clusters, seededRandom("streams"), also);
  return `${signed(mean(differences))} [${signed(low)}, ${signed(high)}]`;
}

const tokens = mean(
  lessons.map(({ questions }) => countTokens(taskSupplement(questions.map(({ text }) => text)))),
);
if (policies.takesSupplement)
  console.log(`\nThe questions cost ${tokens.toFixed(0)} tokens of prompt a clip; an adapter none.`);
