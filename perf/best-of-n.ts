/**
 * What five questions teach a black box on the household: prints Markdown.
 *
 * Nano stands behind a server that speaks the OpenAI protocol, as any hosted model would; nobody touches its weights. It
 * watches held-out episodes, coded and cut as real video is, and writes eight memories of each clip. The best-of-n policy keeps
 * the first of them, or the one preferred by an adapter in closed form from five questions of one kind about another episode:
 * the matching kind's, or each foreign kind's. All watch the same samples, drawn once. The lexical reader answers from all
 * that was kept; accuracy counts abstentions as wrong; intervals are paired bootstraps over episodes (95 %). A sentence is
 * true that its clip shows.
 *
 * `node perf/best-of-n.ts [episodes] [--weights FILE] [--scripted]`; scripted, a sampler of the household's true sentences
 * writes instead of nano. Needs ffmpeg.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Adapter } from "../src/adapter/adapter.ts";
import { clusterBootstrap } from "../src/benchmarks/statistics.ts";
import type { Model } from "../src/engine.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import { openNano } from "../src/engines/nano/nano-model.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import {
  askAbout,
  createEpisode,
  type Episode,
  episodeSeed,
  type FactKind,
  factKinds,
  type HouseholdQuestion,
  renderEpisode,
  sentenceOf,
} from "../src/household/index.ts";
import type { Statement } from "../src/memory/memory.ts";
import type { Observation } from "../src/perception/observation.ts";
import { createPerceptors, perceive } from "../src/perception/perceive.ts";
import { bestOfNPolicy } from "../src/policy/best-of-n.ts";
import { enginePolicy } from "../src/policy/engine.ts";
import type { Policy } from "../src/policy/policy.ts";
import { rolloutCache } from "../src/policy/rollout-cache.ts";
import { openSource } from "../src/stream/open-source.ts";
import { adapterFromTasks } from "../src/training/choice-trainer.ts";
import { replay } from "../src/training/replay.ts";
import { seededRandom } from "../src/util/random.ts";
import { householdWriter } from "../test/support/household-writer.ts";
import { startOpenAiServer } from "../test/support/openai-server.ts";
import { printTable, signed } from "./markdown.ts";

const { values: options, positionals } = parseArgs({
  options: { weights: { type: "string" }, scripted: { type: "boolean", default: false } },
  allowPositionals: true,
});
const episodes = Number(positionals[0] ?? 20);
/** Four minutes: 24 decisions. */
const clips = 24;
const samples = 8;
const tasksLearnt = 5;
const questionsPerKind = 10;

const reader = lexicalReader({ words: wordSpace });
const perceptors = createPerceptors({ screenText: false });

function weightsFile(): string {
  const places = options.weights
    ? [options.weights]
    : ["weights/nano.safetensors", "runs/nano/nano.safetensors"];
  const found = places.find((path) => existsSync(path));
  if (found) return found;
  throw new Error(`Expected nano's weights at ${places.join(" or ")}, found none: npm run nano:pretrain`);
}

async function observationsOf(episode: Episode, folder: string): Promise<Observation[]> {
  const { video } = await renderEpisode(episode, folder, { name: episode.seed });
  const observations: Observation[] = [];
  for await (const item of (await openSource(video)).open()) {
    if (item.kind === "clip" && item.index < clips)
      observations.push(await perceive({ ...item, stream: episode.seed }, perceptors));
  }
  return observations;
}

function questionsOf(episode: Episode, kind: FactKind, count: number): HouseholdQuestion[] {
  return askAbout(episode, seededRandom(`questions ${episode.seed} ${kind}`), {
    kinds: [kind],
    perKind: count,
  });
}

/** Whether each question is answered rightly from what was kept: 1 or 0. */
function scores(kept: readonly Statement[], questions: readonly HouseholdQuestion[]): Promise<number[]> {
  const recalled = kept.map((statement, i) => ({
    entry: {
      ...{
        id: `e${i}`,
        stream: "household",
        writtenAtMs: 0,
        policy: "best-of-n",
        revision: "",
        closed: null,
      },
      evidence: { clips: [], frames: [], tiers: {}, ...statement },
      ...statement,
    },
    score: { total: 1 },
  }));
  return Promise.all(
    questions.map(async (question) => {
      const { option } = await reader.read({ question, recalled, rendered: "", gaps: [] });
      return Number(option === question.answer);
    }),
  );
}

interface Tally {
  /** Right or wrong per question, and the episode it was asked about. */
  readonly right: number[];
  readonly episode: number[];
  entries: number;
  tokens: number;
  sentences: number;
  true: number;
}

type Watcher = "none" | FactKind;
const watchers: readonly Watcher[] = ["none", ...factKinds];
const tallies = new Map<string, Tally>();
const tally = (watcher: Watcher, kind: FactKind) => tallies.get(`${watcher} ${kind}`)!;
for (const watcher of watchers)
  for (const kind of factKinds)
    tallies.set(`${watcher} ${kind}`, {
      right: [],
      episode: [],
      entries: 0,
      tokens: 0,
      sentences: 0,
      true: 0,
    });

const began = performance.now();
const calls = { made: 0, completionTokens: 0 };

async function watchEpisode(n: number, inner: Policy, observations: readonly Observation[]): Promise<void> {
  const asked = createEpisode(episodeSeed("train", n), clips);
  const watched = createEpisode(episodeSeed("held-out", n), clips);
  const lessons = new Map(factKinds.map((kind) => [kind, questionsOf(asked, kind, tasksLearnt)]));
  const known = new Set([...lessons.values()].flat().map(({ text }) => text));
  const tests = new Map(
    factKinds.map((kind) => [
      kind,
      questionsOf(watched, kind, questionsPerKind).filter(({ text }) => !known.has(text)),
    ]),
  );
  const adapterOf = (watcher: Watcher): Adapter | null => {
    if (watcher === "none") return null;
    const tasks = lessons.get(watcher)!.map((question) => ({ question }));
    return adapterFromTasks(tasks, { words: wordSpace }).adapter;
  };
  for (const watcher of watchers) {
    const policy = bestOfNPolicy({ inner, words: wordSpace, samples, adapter: adapterOf(watcher) });
    const kept = await replay(policy, observations);
    for (const kind of factKinds) {
      const into = tally(watcher, kind);
      const right = await scores(kept, tests.get(kind)!);
      into.right.push(...right);
      into.episode.push(...right.map(() => n));
      for (const { clip, text } of kept) {
        const truths = new Set(watched.clips[clip]!.facts.map(sentenceOf));
        const sentences = (text.match(/[^.]+\./g) ?? []).map((sentence) => sentence.trim());
        into.entries += 1;
        into.tokens += wordSpace.countTokens(text);
        into.sentences += sentences.length;
        into.true += sentences.filter((sentence) => truths.has(sentence)).length;
      }
    }
  }
}

const nano = options.scripted ? null : await openNano(weightsFile());
const folder = await mkdtemp(join(tmpdir(), "best-of-n-"));
try {
  for (let n = 0; n < episodes; n++) {
    const episode = createEpisode(episodeSeed("held-out", n), clips);
    const behind: Model = nano ?? householdWriter(episode);
    const server = await startOpenAiServer({ models: ["black-box"], model: behind });
    try {
      const model = openaiModel({
        baseURL: server.baseURL,
        model: "black-box",
        concurrency: 1,
        timeoutMs: 600_000,
      });
      const engine = enginePolicy({ model, countTokens: wordSpace.countTokens });
      const inner = rolloutCache(engine, { samples, oncePerClip: true });
      await watchEpisode(n, inner, await observationsOf(episode, folder));
      calls.made += model.cost().calls;
      calls.completionTokens += model.cost().completionTokens;
    } finally {
      await server.close();
    }
    process.stderr.write(
      `${n + 1} of ${episodes} episodes, ${Math.round((performance.now() - began) / 1000)} s\n`,
    );
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

const merged = (parts: readonly Tally[]): Tally => ({
  right: parts.flatMap(({ right }) => right),
  episode: parts.flatMap(({ episode }) => episode),
  entries: sum(parts, "entries"),
  tokens: sum(parts, "tokens"),
  sentences: sum(parts, "sentences"),
  true: sum(parts, "true"),
});
const sum = (parts: readonly Tally[], field: "entries" | "tokens" | "sentences" | "true") =>
  parts.reduce((total, part) => total + part[field], 0);
const percent = (values: readonly number[]) =>
  (100 * values.reduce((total, value) => total + value, 0)) / values.length;

/** Points gained per question, with their interval over episodes. */
function gain(before: readonly number[], after: readonly number[], clusters: readonly number[]): string {
  const differences = after.map((value, i) => 100 * (value - before[i]!));
  const { low, high } = clusterBootstrap(differences, clusters, seededRandom("bootstrap"));
  return `${signed(percent(differences) / 100)} [${signed(low)}, ${signed(high)}]`;
}

const perEntry = ({ tokens, entries }: Tally) => (tokens / entries).toFixed(1);
const fidelity = (part: Tally) => ((100 * part.true) / part.sentences).toFixed(1);

console.log(
  `\n${options.scripted ? "A scripted sampler" : nano!.id}, ${episodes} episodes of ${clips} clips, ${samples} samples a clip: ` +
    `${calls.made} calls, ${calls.completionTokens} tokens written, ${Math.round((performance.now() - began) / 1000)} s.\n`,
);
const row = printTable(
  ...["Questions", "n", "Without", "With their own kind's adapter", "Gain", "With foreign adapters", "Gain"],
  ...["Tokens an entry without / own / foreign", "True sentences without / own / foreign (%)"],
);
const foreignOf = (kind: FactKind) => {
  const parts = factKinds.filter((other) => other !== kind).map((other) => tally(other, kind));
  // Per question, the mean of the four foreign adapters.
  const right = parts[0]!.right.map((_, i) => parts.reduce((total, part) => total + part.right[i]!, 0) / 4);
  return { ...merged(parts), right, episode: parts[0]!.episode };
};
const print = (name: string, without: Tally, own: Tally, foreign: Tally) =>
  row(
    ...[name, without.right.length, percent(without.right).toFixed(1), percent(own.right).toFixed(1)],
    gain(without.right, own.right, without.episode),
    percent(foreign.right).toFixed(1),
    gain(without.right, foreign.right, without.episode),
    `${perEntry(without)} / ${perEntry(own)} / ${perEntry(foreign)}`,
    `${fidelity(without)} / ${fidelity(own)} / ${fidelity(foreign)}`,
  );
for (const kind of factKinds) print(kind, tally("none", kind), tally(kind, kind), foreignOf(kind));
print(
  "all",
  merged(factKinds.map((kind) => tally("none", kind))),
  merged(factKinds.map((kind) => tally(kind, kind))),
  merged(factKinds.map(foreignOf)),
);
