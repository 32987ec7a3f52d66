/**
 * What ten questions of one kind about an hour of a real stream teach the choice policy, and what comes of it: prints
 * Markdown.
 *
 * For each stream and kind: the day is watched up to the end of the first hour that gives ten questions of the kind, and the
 * memory learns from them. Where the gate lets the lesson through, the day's next hours are watched twice, with it and
 * without, at the same budget, and the questions that their lines give are asked of both: those of the kind, and those of
 * the other kinds. Right means that a citation is the line. Where the gate refused, nothing is asked. Hours of fewer than
 * 60 lines are left out. At least 60 tokens of each 30 s are kept, where the product by default keeps 80. Everything is the
 * product's own, over a store in memory: watching, learning, recall, and the reader without a model. Recall compares by
 * spelling, so what changes is what was kept.
 *
 * `node perf/lessons.ts EGOLIFE [--wearers A1_JAKE,…] [--days DAY1,…] [--kinds food,…] [--hours 4]
 * [--least-tokens 60] [--budget 0.2] [--spelling] [--refused]`
 *
 * EGOLIFE is the folder that holds `EgoLifeCap`. With `--spelling` lessons are made without the sentence encoder that was
 * pulled (`taskmem models pull meaning`). With `--refused` lessons that the gate refused are promoted by hand and tried too.
 */
import { existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { parseConfig } from "../src/config.ts";
import type { Embedder } from "../src/engine.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { meaningEmbedder } from "../src/engines/meaning/meaning-embedder.ts";
import { openTaskMem, type TaskMem } from "../src/index.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import type { Observation } from "../src/perception/observation.ts";
import { configuredEncoder } from "../src/taskmem/encoder.ts";
import type { Task } from "../src/tasks/task.ts";
import type { AdapterResult } from "../src/training/train-adapter.ts";
import { seededRandom, shuffle } from "../src/util/random.ts";
import { type LineQuestion, questionsOf } from "./lessons/questions.ts";
import { printTable, signed } from "./markdown.ts";
import { kinds as allKinds, type Kind } from "./real-text/kinds.ts";
import { remembering } from "./remembering.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wearers: { type: "string", default: "A1_JAKE,A2_ALICE,A3_TASHA" },
    days: { type: "string", default: "DAY1,DAY2,DAY3,DAY4,DAY5,DAY6,DAY7" },
    kinds: { type: "string", default: allKinds.map(({ name }) => name).join() },
    hours: { type: "string", default: "4" },
    "least-tokens": { type: "string" },
    budget: { type: "string" },
    spelling: { type: "boolean", default: false },
    refused: { type: "boolean", default: false },
  },
});
const [root] = positionals;
if (root === undefined || !existsSync(join(root, "EgoLifeCap", "Transcript")))
  throw new Error(`Expected the folder that holds EgoLife's EgoLifeCap/Transcript, got ${root ?? "none"}`);
const kinds = allKinds.filter(({ name }) => flags.kinds.split(",").includes(name));
const questionsAsked = 10;
/** Questions about the same five minutes are no independent draws. */
const stretchSeconds = 300;
/** Questions of a kind that a later hour gives, at most. */
const laterPerHour = 40;
/** Lines of an hour in which people talk. */
const fewestLines = 60;
/** Less than the product keeps, so that there is something to choose. */
const budget = flags.budget === undefined ? undefined : Number(flags.budget);
const leastTokens = Number(flags["least-tokens"] ?? (budget === undefined ? 60 : 0));
const encoder = flags.spelling ? null : await lessonEncoder();

/** Right or wrong without the lesson and with it, and when the line was said. */
interface Asked {
  readonly before: number;
  readonly after: number;
  readonly stretch: string;
}

interface Pair {
  readonly stream: string;
  readonly kind: string;
  readonly result: AdapterResult;
  readonly own: readonly Asked[];
  readonly others: readonly Asked[];
  readonly tokens: readonly [before: number, after: number];
}

/** The pulled encoder, asked once for each text of a run. */
async function lessonEncoder(): Promise<Embedder> {
  const configured = await configuredEncoder(parseConfig({ memory: "." }), {});
  if (configured === null)
    throw new Error("No encoder was pulled: taskmem models pull meaning, or --spelling");
  const { encoder, prefixes, reads } = configured;
  return meaningEmbedder({
    ...{ encoder: remembering(encoder), spelling: localEmbedder, prefixes },
    ...(reads && { reads }),
  });
}

const open = () =>
  openTaskMem({
    ...(encoder && { embedder: encoder }),
    ...{ directory: join(tmpdir(), "lessons"), languages: ["en"], screenText: false, adapt: { auto: false } },
    store: inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now }),
    choice: { budget, leastTokens },
  });

/** The questions of each kind that an hour gives, in an order drawn with a seed. */
function asksAbout(observations: readonly Observation[], seed: string): Map<string, LineQuestion[]> {
  const speakers = observations.flatMap(({ speech }) => speech.flatMap(({ speaker }) => speaker ?? []));
  const names = new Set(speakers.filter((name) => name !== "Others"));
  return new Map(
    allKinds.map((kind: Kind) => {
      const found = questionsOf(observations, kind, names);
      return [kind.name, shuffle(seededRandom(`${seed} ${kind.name}`), found)];
    }),
  );
}

/** A question about a line of an hour, by the hour's place in the day. */
type Later = readonly [hour: number, question: LineQuestion];

/** An hour of a day, watched without a lesson. */
interface Hour {
  readonly path: string;
  readonly stream: string;
  readonly observations: readonly Observation[];
}

/** Watches a day without a lesson; hours in which few people talk are left out. */
async function watchDay(memory: TaskMem, paths: readonly string[]): Promise<Hour[]> {
  const hours: Hour[] = [];
  for (const [i, path] of paths.entries()) {
    const stream = `hour ${i}`;
    await memory.watch(path, { stream });
    const observations = await memory.store.observations(stream);
    if (observations.reduce((sum, { speech }) => sum + speech.length, 0) >= fewestLines)
      hours.push({ path, stream, observations });
  }
  return hours;
}

/** Asks of some streams, one an hour: 1 for each right answer, and the tokens they keep. */
async function askOf(memory: TaskMem, streams: ReadonlyMap<number, string>, questions: readonly Later[]) {
  const right: number[] = [];
  for (const [hour, { text, gold }] of questions) {
    const { citations } = await memory.ask(text, { streams: [...streams.values()], record: false });
    const isGold = (cited: (typeof citations)[number]) =>
      cited.stream === streams.get(hour) && Math.abs(cited.startSeconds - gold.startSeconds) < 0.01;
    right.push(Number(citations.some(isGold)));
  }
  const kept = await memory.store.entries({ streams: [...streams.values()] });
  return { right, tokens: kept.reduce((sum, { text }) => sum + wordSpace.countTokens(text), 0) };
}

async function tryDay(name: string, paths: readonly string[]): Promise<Pair[]> {
  await using memory = await open();
  const hours = await watchDay(memory, paths);
  const asksAt = hours.map(({ stream, observations }) => asksAbout(observations, `${name} ${stream}`));
  const pairs: Pair[] = [];
  for (const kind of kinds) {
    const at = asksAt.findIndex((asks) => asks.get(kind.name)!.length >= questionsAsked);
    const later = hours.map((hour, i) => [i, hour] as const).slice(at + 1, at + 1 + Number(flags.hours));
    if (at < 0 || later.length === 0) continue;
    const tasks = await recorded(memory, asksAt[at]!.get(kind.name)!.slice(0, questionsAsked));
    const watched = hours.slice(Math.max(0, at - 1), at + 1).map(({ observations }) => observations);
    const result = await memory.learn({ tasks, material: { id: `${name} ${kind.name}`, streams: watched } });
    if (!result.activated) console.error(`${name}, ${kind.name}: ${result.reason}`);
    if (!result.activated && flags.refused && result.id !== null) await memory.adapters.promote(result.id);
    else if (!result.activated) {
      pairs.push({ stream: name, kind: kind.name, result, own: [], others: [], tokens: [1, 1] });
      continue;
    }
    const withIt = new Map<number, string>();
    for (const [i, { path }] of later) {
      withIt.set(i, `${kind.name} ${i}`);
      await memory.watch(path, { stream: withIt.get(i)! });
    }
    await memory.adapters.rollback();
    const questions = later.flatMap(([i]) =>
      [...asksAt[i]!.values()].flatMap((asked) => asked.slice(0, laterPerHour).map((one): Later => [i, one])),
    );
    const without = new Map(later.map(([i, { stream }]) => [i, stream]));
    const [before, after] = [await askOf(memory, without, questions), await askOf(memory, withIt, questions)];
    const row = (isOwn: boolean): Asked[] =>
      questions.flatMap(([i, question], k) =>
        (question.kind === kind.name) === isOwn
          ? [
              {
                ...{ before: before.right[k]!, after: after.right[k]! },
                stretch: `${name} ${i} ${Math.floor(question.gold.startSeconds / stretchSeconds)}`,
              },
            ]
          : [],
      );
    pairs.push({
      ...{ stream: name, kind: kind.name, result, own: row(true), others: row(false) },
      tokens: [before.tokens, after.tokens],
    });
  }
  return pairs;
}

/** Keeps questions as tasks without an answer. */
async function recorded(memory: TaskMem, questions: readonly LineQuestion[]): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const { text } of questions) tasks.push(await memory.recordTask({ question: text }));
  return tasks;
}

const share = (asked: readonly Asked[], of: "before" | "after") =>
  asked.reduce((sum, one) => sum + one[of], 0);
function gain(asked: readonly Asked[]): string {
  if (asked.length === 0) return "–";
  const moved = asked.map(({ before, after }) => 100 * (after - before));
  const { low, high } = clusterBootstrap(
    moved,
    asked.map(({ stretch }) => stretch),
    seededRandom("interval"),
  );
  return `${signed(mean(moved))} [${signed(low)}, ${signed(high)}]`;
}

const row = printTable(
  ...["stream", "kind", "lesson", "held-out won / lost", "n", "right before", "after", "gain, points (95 %)"],
  ...["other kinds n", "before", "after", "gain, points (95 %)", "tokens ×"],
);
const all: Pair[] = [];
for (const wearer of flags.wearers.split(",")) {
  for (const day of flags.days.split(",")) {
    const at = join(root, "EgoLifeCap", "Transcript", wearer, day);
    const hours = globSync("*.srt", { cwd: at }).sort();
    const pairs = await tryDay(
      `${wearer} ${day}`,
      hours.map((hour) => join(at, hour)),
    );
    for (const pair of pairs) {
      const { stream, kind, result, own, others, tokens } = pair;
      all.push(pair);
      row(
        ...[stream, kind, result.activated ? "active" : "refused"],
        `${Math.round(result.winRate * result.heldOut)} / ${Math.round(result.lossRate * result.heldOut)}`,
        ...[own.length, share(own, "before"), share(own, "after"), gain(own)],
        ...[others.length, share(others, "before"), share(others, "after"), gain(others)],
        own.length > 0 ? (tokens[1] / tokens[0]).toFixed(3) : "–",
      );
    }
  }
}
const total = (name: string, pairs: readonly Pair[]) => {
  if (pairs.length === 0) return;
  const own = pairs.flatMap((pair) => pair.own);
  const others = pairs.flatMap((pair) => pair.others);
  row(
    ...[
      `${name} (${pairs.length})`,
      "all",
      "",
      "",
      own.length,
      share(own, "before"),
      share(own, "after"),
      gain(own),
    ],
    ...[others.length, share(others, "before"), share(others, "after"), gain(others), ""],
  );
};
total(
  "active",
  all.filter(({ result }) => result.activated),
);
if (flags.refused)
  total(
    "refused",
    all.filter(({ result }) => !result.activated),
  );
console.log(
  `\n${all.filter(({ result }) => result.activated).length} of ${all.length} lessons became active.`,
);
