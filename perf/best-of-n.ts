/**
 * What five questions teach a black box on the household: prints Markdown.
 *
 * Nano stands behind a server that speaks the OpenAI protocol, as any hosted model would; its weights are out of reach. It
 * watches held-out episodes, coded and cut as real video is, and writes eight memories of each clip. The best-of-n policy keeps
 * the first of them, or the one preferred by an adapter in closed form from five questions of one kind about another episode:
 * the matching kind's, or each foreign kind's. All watch the same samples, drawn once. The lexical reader answers from all
 * that was kept; accuracy counts abstentions as wrong; intervals are paired bootstraps over episodes (95 %). A sentence is
 * true that its clip shows.
 *
 * With `--preferences` the adapter comes from what nano wrote of that other episode, graded by its truth and compared by the
 * five questions. `node perf/best-of-n.ts [episodes] [--preferences] [--weights FILE] [--scripted]`; scripted, a sampler of the household's true sentences
 * writes instead of nano. Needs ffmpeg.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Adapter } from "../src/adapter/adapter.ts";
import { adapterNorm } from "../src/adapter/arithmetic.ts";
import type { Model } from "../src/engine.ts";
import { wordSpace } from "../src/engines/local/index.ts";
import { openNano } from "../src/engines/nano/nano-model.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import { createEpisode, type Episode, factKinds, renderEpisode, sentenceOf } from "../src/household/index.ts";
import { measuredEpisodes, seedOf } from "../src/household/splits.ts";
import type { Observation } from "../src/perception/observation.ts";
import { createPerceptors, perceive } from "../src/perception/perceive.ts";
import { bestOfNPolicy } from "../src/policies/best-of-n/best-of-n.ts";
import { trainableBestOfN } from "../src/policies/best-of-n/best-of-n-phase-two.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import { adapterFromTasks } from "../src/policies/choice/word-vector-trainer.ts";
import { modelPolicy } from "../src/policies/model/model-policy.ts";
import { adapterFromPreferences } from "../src/policies/word-adapter-trainer.ts";
import type { Policy } from "../src/policy/policy.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import { openSource } from "../src/stream/open-source.ts";
import { replay } from "../src/training/replay.ts";
import { householdWriter } from "../test/support/household-writer.ts";
import { startOpenAiServer } from "../test/support/openai-server.ts";
import {
  AnswerSheet,
  accuracy,
  gain,
  rightFrom,
  trialOf,
  type Watcher,
  watchers,
} from "./household-trials.ts";
import { printTable } from "./markdown.ts";

const { values: options, positionals } = parseArgs({
  options: {
    weights: { type: "string" },
    scripted: { type: "boolean", default: false },
    preferences: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const episodes = Number(positionals[0] ?? 20);
/** Four minutes: 24 decisions. */
const clips = 24;
const samples = 8;

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

/** What a watcher wrote, counted. */
interface Written {
  entries: number;
  tokens: number;
  sentences: number;
  true: number;
}

const sheet = new AnswerSheet();
const written = new Map<Watcher, Written>(
  watchers.map((watcher) => [watcher, { entries: 0, tokens: 0, sentences: 0, true: 0 }]),
);
const began = performance.now();
const calls = { made: 0, completionTokens: 0 };

async function watchEpisode(n: number, inner: Policy, folder: string): Promise<void> {
  const { asked, watched, taught, tests } = trialOf(n, clips);
  const observations = await observationsOf(watched, folder);
  const pool = options.preferences ? await observationsOf(asked, folder) : [];
  const judge = householdJudge((stream, clip) =>
    stream === asked.seed ? (asked.clips[clip]?.facts ?? null) : null,
  );
  const policyWith = (adapter: Adapter | null) =>
    bestOfNPolicy({ inner, words: wordSpace, samples, adapter });
  const adapterOf = async (watcher: Watcher): Promise<Adapter | null> => {
    if (watcher === "none") return null;
    const tasks = taught.get(watcher)!.map((question) => ({ question }));
    const { adapter } = adapterFromTasks(tasks, { words: wordSpace });
    if (!options.preferences) return adapter;
    const result = await adapterFromPreferences(tasks, [pool], {
      ...{ words: wordSpace, policy: policyWith, writes: true, judge, norm: adapterNorm(adapter) },
      trainable: () => trainableBestOfN({ inner, words: wordSpace, samples }),
    });
    return result.problem === null ? result.adapter : null;
  };
  for (const watcher of watchers) {
    const policy = policyWith(await adapterOf(watcher));
    const kept = await replay(policy, observations);
    for (const kind of factKinds) sheet.add(watcher, kind, await rightFrom(kept, tests.get(kind)!), n);
    const into = written.get(watcher)!;
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

const nano = options.scripted ? null : await openNano(weightsFile());
const folder = await mkdtemp(join(tmpdir(), "best-of-n-"));
try {
  for (let n = 0; n < episodes; n++) {
    const episode = createEpisode(seedOf(measuredEpisodes.benchmark, n), clips);
    const behind: Model = nano ?? householdWriter(episode);
    const server = await startOpenAiServer({ models: ["black-box"], model: behind });
    try {
      const model = openaiModel({
        baseURL: server.baseURL,
        model: "black-box",
        concurrency: 1,
        timeoutMs: 600_000,
      });
      const engine = modelPolicy({ model, countTokens: wordSpace.countTokens });
      const inner = rolloutCache(engine, { samples, oncePerClip: true });
      await watchEpisode(n, inner, folder);
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

const of = (chosen: readonly Watcher[], field: keyof Written) =>
  chosen.reduce((total, watcher) => total + written.get(watcher)![field], 0);
const perEntry = (chosen: readonly Watcher[]) => (of(chosen, "tokens") / of(chosen, "entries")).toFixed(1);
const trueShare = (chosen: readonly Watcher[]) =>
  ((100 * of(chosen, "true")) / of(chosen, "sentences")).toFixed(1);

console.log(
  `\n${options.scripted ? "A scripted sampler" : nano!.id}, ${episodes} episodes of ${clips} clips, ${samples} samples a clip: ` +
    `${calls.made} calls, ${calls.completionTokens} tokens written, ${Math.round((performance.now() - began) / 1000)} s.\n`,
);
const row = printTable(
  ...["Questions", "n", "Without", "With their own kind's adapter", "Gain", "With foreign adapters", "Gain"],
  ...["Tokens an entry without / own / foreign", "True sentences without / own / foreign (%)"],
);
for (const { name, kinds, without, own, foreign } of sheet.rows()) {
  const others = kinds.length === 1 ? factKinds.filter((kind) => kind !== kinds[0]) : factKinds;
  const three = (of: (chosen: readonly Watcher[]) => string) =>
    `${of(["none"])} / ${of(kinds)} / ${of(others)}`;
  row(
    ...[name, without.right.length, accuracy(without), accuracy(own), gain(without, own)],
    ...[accuracy(foreign), gain(without, foreign), three(perEntry), three(trueShare)],
  );
}
