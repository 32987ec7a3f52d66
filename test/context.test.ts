/**
 * What a policy is shown, in all four uses of it: acting, drawing rollouts to learn from, trying an adapter, Phase One.
 * One stream goes through all of them, and the contexts are the same.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createAgent } from "../src/agent.ts";
import { noCost } from "../src/engine.ts";
import { lexicalReader, wordSpace } from "../src/engines/local/index.ts";
import type { Observation } from "../src/perception/observation.ts";
import { choiceFamily } from "../src/policies/choice/choice-training.ts";
import { wordAdapterTrainer } from "../src/policies/word-adapter-trainer.ts";
import { type ContextLimits, contextDefaults } from "../src/policy/context.ts";
import type { Action, Context, Policy } from "../src/policy/policy.ts";
import type { Judge } from "../src/reward/judge.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import type { Task } from "../src/tasks/task.ts";
import { phaseOne, phaseOneDefaults } from "../src/training/phase-one.ts";
import { openPhaseOneRun } from "../src/training/phase-one-run.ts";
import type { PhaseOnePolicy } from "../src/training/trainable-policy.ts";
import { observationOf, openTestMemory, temporaryFolder } from "./support/memory.ts";
import { TokenTrainer } from "./support/token-trainer.ts";

const folder = temporaryFolder("context");
const clips = 8;
const texts = ["Ann waters the fern.", "The kettle boils over.", "Bob reads the map.", "Rain hits the roof."];
const stream: Observation[] = Array.from({ length: clips }, (_, clip) =>
  observationOf("film", clip, {
    speech: [
      {
        ...{ startSeconds: clip * 10 + 1, endSeconds: clip * 10 + 2, speaker: null },
        text: `${texts[clip % texts.length]} It is number ${clip}.`,
      },
    ],
    tiers: {},
  }),
);

/** What is compared of a context; an entry of memory holds more than a policy is shown. */
interface Shown {
  readonly clips: readonly number[];
  readonly earlier: readonly number[];
  readonly entries: readonly string[];
  readonly counted: readonly [documents: number, words: number];
  readonly value: unknown;
}

const shownOf = ({ observations, recent, state }: Context): Shown => ({
  clips: observations.map(({ clip }) => clip),
  earlier: recent.observations.map(({ clip }) => clip),
  entries: recent.entries.map(({ kind, clip, text }) => `${kind} ${clip}: ${text}`),
  counted: [state.documents, state.words.size],
  value: state.value,
});

/** Writes one episodic and two semantic entries about each clip, the same each time, and keeps what it was shown. */
function scribe(seen: Shown[]): Policy {
  const revision = "scribe@1";
  return {
    ...{ id: "scribe", revision, clipsPerDecision: 1 },
    decide: async (context, { n = 1 } = {}) => {
      seen.push(shownOf(context));
      const { clip, startSeconds, endSeconds } = context.observations[0]!;
      const statement = (kind: "episodic" | "semantic", text: string, after: number) => ({
        ...{ clip, kind, text, startSeconds: startSeconds + after, endSeconds },
        ...{ speakers: [], sources: [], frameSeconds: [] },
      });
      const action: Action = {
        text: `Clip ${clip}.`,
        statements: [
          statement("episodic", `Clip ${clip} happened.`, 0),
          statement("semantic", `Things like ${clip} are known.`, 1),
          statement("semantic", `So are those like ${clip + 100}.`, 2),
        ],
        logprobs: { tokens: ["clip"], values: Float32Array.of(0) },
        ...{ revision, issues: [] },
      };
      return { actions: Array.from({ length: n }, () => action), cost: noCost };
    },
    advance: ({ observations }) => {
      const { clip } = observations[0]!;
      return { value: { last: clip }, documents: 3, words: new Map([[`word${clip}`, 1]]) };
    },
  };
}

async function whileActing(limits: ContextLimits): Promise<Shown[]> {
  const seen: Shown[] = [];
  const memory = await openTestMemory(join(folder, `acting-${limits.windowClips}`));
  const agent = createAgent({
    ...{ memory, limits, policy: scribe(seen), reader: lexicalReader({ words: wordSpace }) },
    perceptors: { transcriber: null, language: null, screenReader: null },
  });
  const source = {
    ...{ id: "film", description: "film", live: false, clock: { kind: "media" as const }, clipSeconds: 10 },
    ...{ endSeconds: 10 * clips, fingerprint: null, leftOut: [] },
    open: async function* () {
      for (const { clip, startSeconds, endSeconds, speech } of stream)
        yield {
          ...{ kind: "clip" as const, stream: "film", index: clip, startSeconds, endSeconds },
          ...{ frames: [], largeFrames: [], audio: null, shots: [] },
          cues: speech.map((line) => ({
            ...{ ...line, kind: "speech" as const, origin: "stream" as const, language: null },
          })),
        };
    },
  };
  for await (const event of agent.watch(source)) assert.notEqual(event.event, "clip-failed");
  await memory.close();
  return seen;
}

const tasks = Array.from(
  { length: 6 },
  (_, i): Task => ({
    ...{ id: `t${i}`, askedAtMs: i, asOfSeconds: null, stream: null, answer: "", option: null },
    ...{ abstained: true, citations: [], reader: "nobody", feedback: null },
    question: { text: `Where is the fern of day ${i}?`, options: [] },
  }),
);

/** The trainer of the choice policy, with the scribe in its place. */
function trainerOf(limits: ContextLimits, acting: Policy, drawing: Policy) {
  const choice = choiceFamily({ words: wordSpace });
  return wordAdapterTrainer({
    ...{ ...choice, limits, method: "preferences", reader: lexicalReader({ words: wordSpace }) },
    policy: () => acting,
    trainable: () => ({
      ...choice.trainable(),
      policy: async () => drawing,
      sampleOf: async () => ({ input: {} as never, stems: [], picks: [] }),
    }),
  });
}

async function whileLearning(limits: ContextLimits): Promise<Shown[]> {
  const seen: Shown[] = [];
  const trainer = trainerOf(limits, scribe([]), scribe(seen));
  const { problem } = await trainer.train(tasks, [stream]);
  assert.equal(problem, "no-pairs", "all memories of a clip are the same");
  return seen;
}

async function whileTrying(limits: ContextLimits): Promise<Shown[]> {
  const seen: Shown[] = [];
  const trainer = trainerOf(limits, scribe(seen), scribe([]));
  const { adapter } = await trainer.train(tasks, []);
  await trainer.validate(tasks, [stream], adapter);
  // Watched without an adapter, with that of each fold (and once before, to train it), and with the adapter itself.
  assert.ok(seen.length > clips && seen.length % clips === 0);
  const watchings = Array.from({ length: seen.length / clips }, (_, i) =>
    seen.slice(i * clips, (i + 1) * clips),
  );
  for (const watching of watchings) assert.deepEqual(watching, watchings[0]);
  return watchings.at(-1)!;
}

async function inPhaseOne(limits: ContextLimits): Promise<Shown[]> {
  const seen: Shown[] = [];
  const words = new TokenTrainer(1);
  const path = join(folder, "never-written");
  const trainable: PhaseOnePolicy<readonly number[]> = {
    id: "scribe",
    trainer: {
      logprobs: (samples) => words.logprobs(samples),
      accumulate: (samples, weights) => words.accumulate(samples, weights),
      step: (how) => words.step(how),
      save: (file) => words.save(file),
      load: (file) => words.load(file),
      snapshot: async () => ({ kind: "checkpoint", revision: "scribe", path }),
    },
    policy: async () => scribe(seen),
    sampleOf: async () => [0],
  };
  const judge: Judge = {
    ...localJudge({ words: wordSpace }),
    quality: async () => ({ ok: true, value: { correct: true, clean: true, rationale: "" } }),
  };
  // One instance that starts at the first clip and walks to the last.
  const config = {
    ...{ ...phaseOneDefaults, ...limits, offPolicySteps: 0, steps: clips, batch: 1, group: 2, parts: 1 },
    curriculum: { leastSteps: clips, mostSteps: 2 * clips, resampleProbability: 0 },
  };
  await phaseOne({
    ...{ trainable, judge, config },
    video: () => ({ clips, observe: async (clip) => stream[clip]!, written: async () => "" }),
    score: { countTokens: wordSpace.countTokens, form: "statements" },
    run: openPhaseOneRun(join(folder, `phase-one-${limits.windowClips}`), config),
  });
  return seen;
}

for (const windowClips of [contextDefaults.windowClips, 8]) {
  test(`a policy is shown the same in all four uses, with a window of ${windowClips} clips`, async () => {
    const limits = { ...contextDefaults, windowClips };
    const acting = await whileActing(limits);
    assert.equal(acting.length, clips);
    const last = acting.at(-1)!;
    // The window holds the new clip too; of its earlier clips the last 4 episodic entries and both semantic ones each.
    assert.equal(last.earlier.length, windowClips - 1);
    assert.equal(last.entries.filter((entry) => entry.startsWith("episodic")).length, 4);
    assert.equal(last.entries.filter((entry) => entry.startsWith("semantic")).length, 2 * (windowClips - 1));
    assert.deepEqual(last.counted, [3 * (clips - 1), clips - 1]);
    assert.deepEqual(await whileLearning(limits), acting, "learning");
    assert.deepEqual(await whileTrying(limits), acting, "trying");
    assert.deepEqual(await inPhaseOne(limits), acting, "Phase One");
  });
}
