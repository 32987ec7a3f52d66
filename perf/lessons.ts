/**
 * What ten questions of one kind about an hour of a real stream teach the choice policy, and what comes of it: prints
 * Markdown.
 *
 * For each stream and kind: the first hour is watched, and the memory learns from ten questions of the kind about it.
 * Where the gate lets the lesson through, the same stream's next hours are watched twice, with it and without, at the same
 * budget, and the questions that their lines give are asked of both: those of the kind, and those of the other kinds.
 * Right means that a citation is the line. Where the gate refused, both memories are the same, and nothing is asked.
 * Everything is the product's own, over a store in memory: watching, learning, recall, and the reader without a model.
 *
 * `node perf/lessons.ts EGOLIFE [--wearers A1_JAKE,…] [--days DAY1,…] [--kinds food,…] [--hours 3] [--budget 0.2]`
 *
 * EGOLIFE is the folder that holds `EgoLifeCap`.
 */
import { existsSync, globSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { openTaskMem, type TaskMem } from "../src/index.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import type { Task } from "../src/tasks/task.ts";
import type { AdapterResult } from "../src/training/train-adapter.ts";
import { seededRandom, shuffle } from "../src/util/random.ts";
import { type LineQuestion, questionsOf } from "./lessons/questions.ts";
import { printTable, signed } from "./markdown.ts";
import { kinds as allKinds, type Kind } from "./real-text/kinds.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    wearers: { type: "string", default: "A1_JAKE,A2_ALICE,A3_TASHA" },
    days: { type: "string", default: "DAY1,DAY2,DAY3,DAY4,DAY5,DAY6,DAY7" },
    kinds: { type: "string", default: allKinds.map(({ name }) => name).join() },
    hours: { type: "string", default: "3" },
    budget: { type: "string" },
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
const laterPerHour = 12;

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

const open = () =>
  openTaskMem({
    ...{ directory: join(tmpdir(), "lessons"), languages: ["en"], screenText: false, adapt: { auto: false } },
    store: inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now }),
    ...(flags.budget !== undefined && { choice: { budget: Number(flags.budget) } }),
  });

/** The questions of each kind that an hour gives, at most so many of a kind, drawn with a seed. */
async function asksAbout(
  memory: TaskMem,
  stream: string,
  seed: string,
  most: number,
): Promise<Map<string, LineQuestion[]>> {
  const observations = await memory.store.observations(stream);
  const spoken = Map.groupBy(
    observations.flatMap(({ speech }) => speech),
    ({ speaker }) => speaker,
  );
  const names = new Set([...spoken.keys()].filter((name) => name !== null && name !== "Others") as string[]);
  return new Map(
    allKinds.map((kind: Kind) => {
      const found = questionsOf(observations, kind, names);
      return [kind.name, shuffle(seededRandom(`${seed} ${kind.name}`), found).slice(0, most)];
    }),
  );
}

/** A question about a line of an hour, by its stream. */
type Later = readonly [stream: string, question: LineQuestion];

/** Watches hours under a name of their own, and asks about them: 1 for each right answer, and the tokens kept. */
async function watchAndAsk(
  memory: TaskMem,
  as: string,
  hours: readonly string[],
  asks: (stream: string) => Promise<readonly Later[]>,
) {
  const streams = hours.map((_, i) => `${as} ${i}`);
  for (const [i, path] of hours.entries()) await memory.watch(path, { stream: streams[i]! });
  const questions = (await Promise.all(streams.map(asks))).flat();
  const right: number[] = [];
  for (const [stream, { text, gold }] of questions) {
    const { citations } = await memory.ask(text, { streams, record: false });
    const isGold = (cited: (typeof citations)[number]) =>
      cited.stream === stream && Math.abs(cited.startSeconds - gold.startSeconds) < 0.01;
    right.push(Number(citations.some(isGold)));
  }
  const kept = await memory.store.entries({ streams });
  return { questions, right, tokens: kept.reduce((sum, { text }) => sum + wordSpace.countTokens(text), 0) };
}

async function tryStream(name: string, [first, ...later]: readonly string[]): Promise<Pair[]> {
  await using memory = await open();
  await memory.watch(first!, { stream: "first" });
  const asks = await asksAbout(memory, "first", name, questionsAsked);
  const material = { id: name, streams: [await memory.store.observations("first")] };
  const lessons: { kind: Kind; result: AdapterResult }[] = [];
  for (const kind of kinds) {
    const asked = asks.get(kind.name)!;
    if (asked.length < questionsAsked) continue;
    const result = await memory.learn({ tasks: await recorded(memory, asked), material });
    lessons.push({ kind, result });
    if (result.activated) await memory.adapters.rollback();
  }
  const asksOf = async (stream: string): Promise<Later[]> =>
    [...(await asksAbout(memory, stream, `${name} ${stream}`, laterPerHour)).values()]
      .flat()
      .map((question) => [stream, question]);
  const isActive = lessons.some(({ result }) => result.activated);
  const without = isActive ? await watchAndAsk(memory, "without", later, asksOf) : null;
  const pairs: Pair[] = [];
  for (const { kind, result } of lessons) {
    if (!result.activated || without === null) {
      pairs.push({ stream: name, kind: kind.name, result, own: [], others: [], tokens: [1, 1] });
      continue;
    }
    await memory.adapters.promote(result.id!);
    const as = `with ${kind.name}`;
    const same = async (stream: string) =>
      without.questions
        .filter(([other]) => other.replace("without", as) === stream)
        .map(([, question]): Later => [stream, question]);
    const withIt = await watchAndAsk(memory, as, later, same);
    await memory.adapters.rollback();
    const row = (isOwn: boolean): Asked[] =>
      without.questions.flatMap(([stream, question], i) =>
        (question.kind === kind.name) === isOwn
          ? [
              {
                before: without.right[i]!,
                after: withIt.right[i]!,
                stretch: `${name} ${stream} ${Math.floor(question.gold.startSeconds / stretchSeconds)}`,
              },
            ]
          : [],
      );
    pairs.push({
      ...{ stream: name, kind: kind.name, result, own: row(true), others: row(false) },
      tokens: [without.tokens, withIt.tokens],
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
    const hours = globSync("*.srt", { cwd: at })
      .sort()
      .slice(0, 1 + Number(flags.hours));
    if (hours.length < 2) continue;
    const pairs = await tryStream(
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
        result.activated ? (tokens[1] / tokens[0]).toFixed(3) : "–",
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
console.log(
  `\n${all.filter(({ result }) => result.activated).length} of ${all.length} lessons became active.`,
);
