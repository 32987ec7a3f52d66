/**
 * A hosted model that learns: a model behind the OpenAI protocol writes several texts of each clip, and an adapter made from
 * five questions picks the one to keep.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Adapter } from "../src/adapter/adapter.ts";
import { adapterText } from "../src/adapter/adapter-file.ts";
import { signFlipTest } from "../src/benchmarks/statistics.ts";
import type { Model } from "../src/engine.ts";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { openaiModel } from "../src/engines/openai/index.ts";
import {
  askAbout,
  captionsOf,
  createEpisode,
  drawScene,
  type Episode,
  episodeSeed,
  type FactKind,
  factKinds,
  sentenceOf,
} from "../src/household/index.ts";
import type { Statement } from "../src/memory/memory.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import type { Observation } from "../src/perception/observation.ts";
import { bestOfNPolicy } from "../src/policies/best-of-n/best-of-n.ts";
import { rolloutCache } from "../src/policies/best-of-n/rollout-cache.ts";
import { adapterFromTasks } from "../src/policies/choice/word-vector-trainer.ts";
import { modelPolicy } from "../src/policies/model/model-policy.ts";
import { memoryPrompt } from "../src/policy/prompts.ts";
import { replay } from "../src/training/replay.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { type HouseholdWriter, householdWriter } from "./support/household-writer.ts";
import { startOpenAiServer } from "./support/openai-server.ts";

const clips = 30;
const samples = 8;
const folder = temporaryFolder();

/** What is seen of an episode, two pictures a clip. */
async function observationsOf(episode: Episode): Promise<Observation[]> {
  return Promise.all(
    episode.clips.map(async ({ index, startSeconds, endSeconds, scenes }) => ({
      ...{ stream: episode.seed, clip: index, startSeconds, endSeconds },
      frames: await Promise.all(
        [scenes[0]!, scenes[2]!].map(async (scene) => ({
          ...{ atSeconds: scene.startSeconds, width: 448, height: 252 },
          jpeg: new Uint8Array(await drawScene(scene).encode("jpeg", 60)),
        })),
      ),
      ...{ speech: [], captions: [], screen: [], shots: [], people: [], tiers: {}, problems: [] },
    })),
  );
}

/** A server with a writer of an episode behind it, and the model that speaks to it. */
async function serve(t: TestContext, episode: Episode): Promise<{ writer: HouseholdWriter; model: Model }> {
  const writer = householdWriter(episode);
  const server = await startOpenAiServer({ models: ["household"], model: writer });
  t.after(() => server.close());
  return { writer, model: openaiModel({ baseURL: server.baseURL, model: "household" }) };
}

/** What five questions of one kind about another episode teach. */
function adapterFor(kind: FactKind): Adapter {
  const episode = createEpisode(episodeSeed("train", 3), clips);
  const questions = askAbout(episode, seededRandom(`best-of-n ${kind}`), { kinds: [kind], perKind: 5 });
  assert.equal(questions.length, 5);
  return adapterFromTasks(
    questions.map((question) => ({ question })),
    { words: wordSpace },
  ).adapter;
}

const firstWords: Record<FactKind, string> = {
  ...{ place: "On", wear: "Dressed", speech: "Quote", display: "The", activity: "Busy" },
};
const sentencesIn = ({ text }: Statement) => text.match(/[^.]+\./g)!.map((sentence) => sentence.trim());
const countOf = (kind: FactKind, statement: Statement) =>
  sentencesIn(statement).filter((sentence) => sentence.startsWith(`${firstWords[kind]} `)).length;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("the model behind the server gets texts word for word, pictures byte for byte, and the sampling options", async (t) => {
  const episode = createEpisode(episodeSeed("held-out", 0), 2);
  const { writer, model } = await serve(t, episode);
  const [observation] = await observationsOf(episode);
  const context = {
    observations: [observation!],
    recent: { observations: [], entries: [] },
    state: { value: null, documents: 0, words: new Map() },
  };
  const { countTokens } = wordSpace;
  const { actions } = await modelPolicy({ model, countTokens }).decide(context, {
    n: samples,
    random: seededRandom(1),
  });
  assert.equal(actions.length, samples);
  const { parts, n, sampling, system, schema } = writer.requests.at(-1)!;
  const texts = (all: typeof parts) => all.map((part) => (part.type === "text" ? part.text : part.type));
  assert.deepEqual(texts(parts), texts(memoryPrompt(context, { semantic: false, countTokens })));
  const frames = parts.flatMap((part) => (part.type === "video" ? part.frames : []));
  assert.deepEqual(
    frames.map(({ jpeg }) => Buffer.from(jpeg)),
    observation!.frames.map(({ jpeg }) => Buffer.from(jpeg)),
  );
  assert.deepEqual([n, sampling!.temperature, sampling!.topP], [samples, 0.6, 0.95]);
  assert.ok(Number.isInteger(sampling!.seed));
  assert.match(system!, /long-term memory/);
  assert.equal(schema!.name, "clip_memory");
});

test("five questions of a kind make it keep more of that kind, as true and as long, at one call a clip", async (t) => {
  const gains: number[] = [];
  const foreignGains: number[] = [];
  const tokens = { without: 0, own: 0 };
  const told = { without: { true: 0, all: 0 }, own: { true: 0, all: 0 } };
  for (const number of [0, 1, 2, 3]) {
    const episode = createEpisode(episodeSeed("held-out", number), clips);
    const { writer, model } = await serve(t, episode);
    const observations = await observationsOf(episode);
    const engine = modelPolicy({ model, countTokens: wordSpace.countTokens });
    const inner = rolloutCache(engine, { samples, oncePerClip: true });
    const watch = async (adapter: Adapter | null) => {
      const kept = await replay(bestOfNPolicy({ inner, words: wordSpace, samples, adapter }), observations);
      assert.equal(kept.length, clips);
      return kept;
    };
    const tally = (name: "without" | "own", kept: readonly Statement[]) => {
      for (const statement of kept) {
        const truths = new Set(episode.clips[statement.clip]!.facts.map(sentenceOf));
        const sentences = sentencesIn(statement);
        told[name].all += sentences.length;
        told[name].true += sentences.filter((sentence) => truths.has(sentence)).length;
        tokens[name] += wordSpace.countTokens(statement.text);
      }
    };
    const without = await watch(null);
    for (const [i, kind] of factKinds.entries()) {
      const own = await watch(adapterFor(kind));
      const foreign = await watch(adapterFor(factKinds[(i + 1) % factKinds.length]!));
      tally("without", without);
      tally("own", own);
      for (const [clip, statement] of without.entries()) {
        gains.push(countOf(kind, own[clip]!) - countOf(kind, statement));
        foreignGains.push(countOf(kind, foreign[clip]!) - countOf(kind, statement));
      }
    }
    // One call a clip, and the probe of what the server can do.
    assert.equal(writer.requests.length, clips + 1);
  }
  const perClip = (differences: readonly number[]) => sum(differences) / differences.length;
  const p = signFlipTest(gains, seededRandom("gains"));
  t.diagnostic(
    `sentences of the kind a clip: ${perClip(gains).toFixed(2)} more with its adapter (p ${p.toFixed(4)}), ` +
      `${perClip(foreignGains).toFixed(2)} with a foreign one; ${(tokens.own / tokens.without).toFixed(3)} × the tokens; ` +
      `true ${(told.without.true / told.without.all).toFixed(3)} without, ${(told.own.true / told.own.all).toFixed(3)} with`,
  );
  assert.ok(perClip(gains) > 0.3 && p < 0.001, `${perClip(gains)} more sentences a clip, p ${p}`);
  assert.ok(perClip(foreignGains) <= 0.02, `${perClip(foreignGains)} more sentences a clip`);
  const ratio = tokens.own / tokens.without;
  assert.ok(ratio > 0.9 && ratio < 1.1, `${ratio} times as long`);
  // Four films of 30 clips, nearly two sentences a text: about 220 without an adapter, the same for every kind, 88 % of them
  // true. That share alone has a standard error of 2.2 points (the root of 0.88 · 0.12 / 220). An adapter may cost 5: the
  // gate's limit.
  const fidelity = told.own.true / told.own.all - told.without.true / told.without.all;
  assert.ok(Math.abs(fidelity) < 0.05, `${fidelity} truer`);
});

test("a running `watch` samples and picks from the decision after an adapter becomes active", async (t) => {
  const episode = createEpisode(episodeSeed("held-out", 2), 8);
  const source = join(folder, "home.descriptions.srt");
  writeFileSync(source, captionsOf(episode));
  const directory = join(folder, "memory");
  mkdirSync(directory);
  const adapter = adapterFor("wear");
  const server = await startOpenAiServer({ models: ["household"], model: householdWriter(episode) });
  t.after(() => server.close());
  /** An adapter becomes active while the model writes about clip 4. */
  let came: Promise<undefined> | undefined;
  server.setFaults(({ text }) => {
    if (!text.includes("runs from 00:00:40")) return undefined;
    came ??= putInForce(directory, adapter);
    return came;
  });
  const watch = await taskmem([
    ...["watch", source, "--json", "--memory", directory, "--samples", "6"],
    ...["--base-url", server.baseURL, "--model", "household"],
  ]);
  assert.equal(watch.code, 0, watch.stderr);
  const written = watch.rows.filter(({ event }) => event === "clip-end");
  assert.deepEqual(
    written.map(({ clip }) => clip),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  const revisions = written.map(({ revision }) => String(revision));
  for (const revision of revisions.slice(0, 5))
    assert.match(revision, /^best-of-1@1:model:openai:household@\w+$/);
  for (const revision of revisions.slice(5)) {
    assert.ok(revision.startsWith("best-of-6@1:model:openai:household@"), revision);
    assert.ok(revision.endsWith(`+${adapter.revision}`), revision);
  }
  const asked = server.requests.filter(({ text }) => text.includes("The clip runs from"));
  assert.deepEqual(
    asked.map(({ body }) => body.n ?? 1),
    [1, 1, 1, 1, 1, 6, 6, 6],
  );
  assert.equal(written[0]!.policy, "best-of-n");
});

async function putInForce(directory: string, adapter: Adapter): Promise<undefined> {
  const memory = await openSqliteMemory(directory, {
    words: wordSpace,
    embedder: localEmbedder,
    now: Date.now,
  });
  const provenance = { method: "closed-form" as const, parents: [], tasks: [], createdAtMs: 0, report: {} };
  await memory.addAdapter({
    ...{ id: "adapter_wear", policy: "best-of-n", revision: adapter.revision, state: "active" },
    ...{ reason: "promoted by hand", atMs: Date.now(), tasks: [] },
    file: adapterText({ adapter, base: null, provenance }, "wear"),
  });
  await memory.close();
  return undefined;
}

test("says what it needs: a model, and a temperature at which samples differ", async () => {
  const source = join(folder, "needs.descriptions.srt");
  writeFileSync(source, captionsOf(createEpisode(episodeSeed("held-out", 2), 1)));
  const alone = await taskmem(["watch", source, "--memory", join(folder, "needs"), "--policy", "best-of-n"]);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /`best-of-n` needs .*--base-url/);
  const flags = ["--base-url", "http://localhost:1/v1", "--model", "m", "--samples", "4"];
  const cold = await taskmem([
    "watch",
    source,
    "--memory",
    join(folder, "needs"),
    ...flags,
    "--temperature",
    "0",
  ]);
  assert.equal(cold.code, 2);
  assert.match(cold.stderr, /temperature: expected above 0 for `best-of-n`/);
  const one = await taskmem(["watch", source, "--memory", join(folder, "needs"), ...flags, "--samples", "1"]);
  assert.equal(one.code, 2);
  assert.match(one.stderr, /bestOfN\.samples/);
});
