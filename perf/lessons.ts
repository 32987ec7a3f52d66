/**
 * What ten questions of one kind about an hour of a real stream teach the choice policy, and what comes of it: prints
 * Markdown.
 *
 * For each stream and kind: the first hour is watched, ten questions of the kind about it are asked, and the memory
 * learns as it does by itself, after every fifth. Then the same stream's next hours are watched twice, with what was
 * learned and without, at the same budget, and the questions that their lines give are asked of both: those of the kind,
 * and those of the other kinds. Right means that a citation is the line. Where the gate refused, both are the same.
 * Everything is the product's own: watching, learning, recall, and the reader without a model.
 *
 * `node perf/lessons.ts EGOLIFE [--wearers A1_JAKE,…] [--days DAY1,…] [--kinds food,…] [--hours 3] [--budget 0.2]
 *   [--refused]`
 *
 * EGOLIFE is the folder that holds `EgoLifeCap`. With `--refused`, refused adapters are promoted by hand as well, to see
 * what the gate keeps out.
 */
import { cpSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { clusterBootstrap, mean } from "../src/benchmarks/statistics.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { openTaskMem, type TaskMem } from "../src/index.ts";
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
    refused: { type: "boolean", default: false },
  },
});
const [root] = positionals;
if (root === undefined || !existsSync(join(root, "EgoLifeCap", "Transcript")))
  throw new Error(`Expected the folder that holds EgoLife's EgoLifeCap/Transcript, got ${root ?? "none"}`);
const kinds = allKinds.filter(({ name }) => flags.kinds.split(",").includes(name));
const questionsAsked = 10;
const fewestLater = 10;
/** Questions of a kind that a later hour gives, at most. */
const laterPerHour = 15;

/** Right or wrong without the lesson and with it, and when the line was said. */
interface Asked {
  readonly before: number;
  readonly after: number;
  readonly stretch: number;
}

interface Pair {
  readonly stream: string;
  readonly kind: string;
  readonly result: AdapterResult;
  readonly own: readonly Asked[];
  readonly others: readonly Asked[];
  readonly tokens: readonly [before: number, after: number];
}

const open = (directory: string, onResult: (result: AdapterResult) => void = () => {}) =>
  openTaskMem({
    ...{ directory, languages: ["en"], screenText: false },
    ...(flags.budget !== undefined && { choice: { budget: Number(flags.budget) } }),
    onLearning: (event) => event.event === "learning-end" && onResult(event.result),
  });

/** The questions of each kind that an hour gives, at most so many of a kind, drawn with a seed. */
async function asksAbout(
  memory: TaskMem,
  stream: string,
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
      return [kind.name, shuffle(seededRandom(`${stream} ${kind.name}`), found).slice(0, most)];
    }),
  );
}

async function isRight(memory: TaskMem, stream: string, { text, gold }: LineQuestion): Promise<number> {
  const { citations } = await memory.ask(text, { record: false });
  return Number(
    citations.some(
      (cited) => cited.stream === stream && Math.abs(cited.startSeconds - gold.startSeconds) < 0.01,
    ),
  );
}

const tokensOf = async (memory: TaskMem, streams: readonly string[]) =>
  (await memory.store.entries({ streams })).reduce((sum, { text }) => sum + wordSpace.countTokens(text), 0);

/** Asks about the later hours, which it watched. */
async function rightsOf(memory: TaskMem, questions: readonly (readonly [string, LineQuestion])[]) {
  const right: number[] = [];
  for (const [stream, question] of questions) right.push(await isRight(memory, stream, question));
  return { right, tokens: await tokensOf(memory, [...new Set(questions.map(([stream]) => stream))]) };
}

const streamOf = (path: string) =>
  path
    .split("/")
    .at(-1)!
    .replace(/\.srt$/, "");
const folder = mkdtempSync(join(tmpdir(), "lessons-"));
const copies = (() => {
  let n = 0;
  return (of: string) => {
    const to = join(folder, `copy-${n++}`);
    cpSync(of, to, { recursive: true });
    return to;
  };
})();

async function tryStream(name: string, [first, ...later]: readonly string[]): Promise<Pair[]> {
  const watched = join(folder, name);
  let asks: Map<string, LineQuestion[]>;
  {
    await using memory = await open(watched);
    await memory.watch(first!);
    asks = await asksAbout(memory, streamOf(first!), questionsAsked);
  }
  if (kinds.every((kind) => asks.get(kind.name)!.length < questionsAsked)) return [];
  await using plain = await open(copies(watched));
  const questions: (readonly [string, LineQuestion])[] = [];
  for (const path of later) {
    await plain.watch(path);
    for (const found of (await asksAbout(plain, streamOf(path), laterPerHour)).values())
      questions.push(...found.map((question) => [streamOf(path), question] as const));
  }
  const without = await rightsOf(plain, questions);
  const pairs: Pair[] = [];
  for (const kind of kinds) {
    const asked = asks.get(kind.name)!;
    const own = questions.filter(([, question]) => question.kind === kind.name).length;
    if (asked.length < questionsAsked || own < fewestLater) continue;
    const results: AdapterResult[] = [];
    let withIt = without;
    {
      await using memory = await open(copies(watched), (result) => results.push(result));
      for (const { text } of asked) {
        await memory.ask(text);
        await memory.settled();
      }
      const { id, activated } = results.at(-1)!;
      if (!activated && id !== null && flags.refused) await memory.adapters.promote(id);
      if (results.some((result) => result.activated) || flags.refused) {
        for (const path of later) await memory.watch(path);
        withIt = await rightsOf(memory, questions);
      }
    }
    const result = results.findLast(({ activated }) => activated) ?? results.at(-1)!;
    const row = (isOwn: boolean): Asked[] =>
      questions.flatMap(([stream, question], i) =>
        (question.kind === kind.name) === isOwn
          ? [{ before: without.right[i]!, after: withIt.right[i]!, stretch: stretchOf(stream, question) }]
          : [],
      );
    pairs.push({
      ...{ stream: name, kind: kind.name, result, own: row(true), others: row(false) },
      tokens: [without.tokens, withIt.tokens],
    });
  }
  return pairs;
}

/** Questions about the same five minutes are no independent draws. */
const streams = new Map<string, number>();
function stretchOf(stream: string, { gold }: LineQuestion): number {
  if (!streams.has(stream)) streams.set(stream, streams.size);
  return 1000 * streams.get(stream)! + Math.floor(gold.startSeconds / 300);
}

const share = (asked: readonly Asked[], of: "before" | "after") =>
  `${asked.reduce((sum, one) => sum + one[of], 0)}`;
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
        (tokens[1] / tokens[0]).toFixed(3),
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
total(
  "refused",
  all.filter(({ result }) => !result.activated),
);
rmSync(folder, { recursive: true, force: true });
