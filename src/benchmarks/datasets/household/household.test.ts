/** The household's protocol, on captions and by policies that need no model. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../../../../test/support/memory.ts";
import type { Adapter } from "../../../adapter/adapter.ts";
import { createAdapter } from "../../../adapter/arithmetic.ts";
import type { Reader } from "../../../answer/reader.ts";
import { lexicalReader, wordSpace } from "../../../engines/local/index.ts";
import {
  askAbout,
  createEpisode,
  episodeSeed,
  factKinds,
  type HouseholdQuestion,
  observeClip,
  sentenceOf,
} from "../../../household/index.ts";
import { choicePolicy } from "../../../policies/choice/choice.ts";
import { adapterFromTasks } from "../../../policies/choice/word-vector-trainer.ts";
import type { Policy } from "../../../policy/policy.ts";
import { seededRandom } from "../../../util/random.ts";
import { readResults } from "../../run/results.ts";
import type { HouseholdFilm } from "./films.ts";
import { type HouseholdPolicies, householdBenchmark } from "./household.ts";

const folder = temporaryFolder("household");
const reader = lexicalReader({ words: wordSpace });
const { countTokens } = wordSpace;

async function filmsOf(count: number): Promise<HouseholdFilm[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const episode = createEpisode(episodeSeed("validation", 300 + n), 9);
      const told = { stream: episode.seed, pictures: false, captions: true };
      return {
        episode,
        observations: await Promise.all(episode.clips.map((clip) => observeClip(clip, told))),
        questions: askAbout(episode, seededRandom(`questions ${n}`), { perKind: 4 }),
      };
    }),
  );
}

/** Writes all of a clip's true sentences, as a memory that forgets nothing. */
function perfectPolicy(films: readonly HouseholdFilm[]): Policy {
  return {
    ...{ id: "perfect", revision: "perfect", clipsPerDecision: 1 },
    decide: async ({ observations }) => {
      const { stream, clip, startSeconds, endSeconds } = observations[0]!;
      const { episode } = films.find((film) => film.episode.seed === stream)!;
      const text = episode.clips[clip]!.facts.map(sentenceOf).join(" ");
      const statement = {
        ...{ clip, kind: "episodic" as const, startSeconds, endSeconds, text },
        ...{ speakers: [], sources: [], frameSeconds: [] },
      };
      const action = { text, statements: [statement], logprobs: null, revision: "perfect", issues: [] };
      return { actions: [action], cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 } };
    },
    advance: () => null,
  };
}

const budget = { fraction: 0.2 };
const choice = (adapter: Adapter | null) => choicePolicy({ words: wordSpace, budget, adapter });

test("a memory that forgets nothing answers every question, and all of it is true", async () => {
  const films = await filmsOf(3);
  const perfect = perfectPolicy(films);
  const { rows, gain } = await householdBenchmark({
    films,
    ...{ reader, countTokens },
    policies: {
      ...{ base: null, takesSupplement: false, phaseOne: perfect },
      ...{ adapted: () => perfect, learn: async () => null },
    },
  });
  for (const { accuracy, coverage, trueShare, low, high, n } of rows) {
    assert.deepEqual([accuracy, coverage, trueShare, low, high], [1, 1, 1, 1, 1]);
    assert.ok(n > 0);
  }
  const questions = films.reduce((sum, film) => sum + film.questions.length, 0);
  assert.deepEqual(gain.overall, { gain: 0, n: questions, p: 1, low: 0, high: 0 });
});

test("five questions of a kind teach it, the first five are answered before, and foreign adapters do not help", async () => {
  const films = await filmsOf(10);
  const learntFrom: string[][] = [];
  const asked: string[] = [];
  /** Names of all that a question tells besides its text and options. */
  const more = new Set<string>();
  const lookAt = (question: object) => {
    for (const key of Object.keys(question)) if (key !== "text" && key !== "options") more.add(key);
  };
  const watching: Reader = {
    ...reader,
    read: (request) => {
      lookAt(request.question);
      asked.push(request.question.text);
      return reader.read(request);
    },
  };
  const policies: HouseholdPolicies = {
    ...{ base: null, takesSupplement: false, phaseOne: choice(null), adapted: choice },
    learn: async (tasks) => {
      for (const { question } of tasks) lookAt(question);
      learntFrom.push(tasks.map(({ question }) => question.text));
      return adapterFromTasks(tasks, { words: wordSpace }).adapter;
    },
  };
  const { rows, gain, swap } = await householdBenchmark({
    films,
    ...{ policies, reader: watching, countTokens },
  });
  for (const [i, kind] of factKinds.entries()) {
    const inOrder = films.flatMap(({ questions }) => questions.filter((question) => question.kind === kind));
    assert.deepEqual(
      learntFrom[i],
      inOrder.slice(0, 5).map(textOf),
      "the first five in the order of the films",
    );
    const foreign = factKinds.filter((other) => other !== kind).map((other) => swap[other][kind]);
    const mean = foreign.reduce((a, b) => a + b) / foreign.length;
    assert.ok(swap[kind][kind] > mean, `${kind}: ${swap[kind][kind]} with its own, ${mean} with others`);
  }
  assert.ok(gain.overall.low > 0 && gain.overall.p < 0.05, JSON.stringify(gain.overall));
  const all = (policy: string) => rows.find((row) => row.policy === policy && row.kind === "all")!;
  const right = ({ accuracy, n }: { accuracy: number; n: number }) => Math.round(accuracy * n);
  const difference = (100 * (right(all("TaskMem")) - right(all("Phase One")))) / all("TaskMem").n;
  assert.ok(Math.abs(difference - gain.overall.gain) < 1e-9, "the gain is that of the two rows");
  assert.ok(asked.length > 0);
  assert.deepEqual([...more], [], "neither the reader nor Phase Two is shown the answer");
});

test("the base with the questions in its prompt has its first five answers from before they were asked", async () => {
  const films = await filmsOf(4);
  const supplements: (string | undefined)[] = [];
  const base: Policy = {
    ...choice(null),
    decide: (context, options) => {
      supplements.push(context.supplement);
      return choice(null).decide(context, options);
    },
  };
  const { rows } = await householdBenchmark({
    films,
    ...{ reader, countTokens },
    policies: {
      ...{ base, takesSupplement: true, phaseOne: choice(null), adapted: choice },
      learn: async () => createAdapter(wordSpace.id, wordSpace.dimension, []),
    },
  });
  assert.deepEqual([...new Set(rows.map(({ policy }) => policy))].length, 4);
  const [first] = films
    .flatMap(({ questions }) => questions.filter(({ kind }) => kind === "place"))
    .map(textOf);
  assert.ok(
    supplements.some((supplement) => supplement?.includes(first!)),
    "the prompt names the question",
  );
  assert.ok(supplements.includes(undefined), "the plain base has no supplement");
  // A policy that reads no prompt is the same with and without.
  const all = (policy: string) => rows.find((row) => row.policy === policy && row.kind === "all")!.accuracy;
  assert.equal(all("base + task prompt"), all("base"));
  assert.equal(all("TaskMem"), all("Phase One"), "an adapter that adds nothing changes nothing");
});

test("a film keeps the memory of its first question, also for what is asked of it after the update", async () => {
  const films = await filmsOf(4);
  const silent: Policy = {
    ...{ ...perfectPolicy(films), revision: "silent" },
    decide: async () => ({
      actions: [{ text: "", statements: [], logprobs: null, revision: "silent", issues: [] }],
      cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 },
    }),
  };
  // Of one kind each film is asked four times: the update after the fifth falls in the middle of the second film.
  const { rows, gain, swap } = await householdBenchmark({
    films,
    ...{ reader, countTokens },
    policies: {
      ...{ base: null, takesSupplement: false, phaseOne: silent, adapted: () => perfectPolicy(films) },
      learn: async () => createAdapter(wordSpace.id, wordSpace.dimension, []),
    },
  });
  for (const kind of factKinds) {
    const asked = films.map(({ questions }) => questions.filter((question) => question.kind === kind).length);
    let before = 0;
    const later = asked.filter((count) => {
      before += count;
      return before - count >= 5;
    });
    const right = later.reduce((sum, count) => sum + count, 0);
    const row = rows.find((one) => one.policy === "TaskMem" && one.kind === kind)!;
    assert.ok(right > 0 && right < row.n - 5, `${kind}: ${asked} questions of the films`);
    assert.equal(Math.round(row.accuracy * row.n), right, kind);
    assert.equal(Math.round((gain.kinds[kind].gain * row.n) / 100), right, kind);
    assert.equal(swap[kind][kind], 1, "the control has all films written by the adapted policy");
  }
});

test("stopped and resumed, or several films at once, it gives the same; what stands is not done again", async () => {
  const films = await filmsOf(6);
  let learnt = 0;
  let decided = 0;
  const counted = (adapter: Adapter | null): Policy => {
    const policy = choice(adapter);
    return {
      ...policy,
      decide: (context, options) => {
        decided += 1;
        return policy.decide(context, options);
      },
    };
  };
  const runIn = (directory: string, concurrency = 1, answers = Number.POSITIVE_INFINITY) => {
    const stop = new AbortController();
    return householdBenchmark({
      films,
      ...{ reader, countTokens, directory, concurrency, signal: stop.signal },
      policies: {
        ...{ base: null, takesSupplement: false, phaseOne: counted(null), adapted: counted },
        learn: async (tasks) => {
          learnt += 1;
          return adapterFromTasks(tasks, { words: wordSpace }).adapter;
        },
      },
      onProgress: () => {
        if (--answers === 0) stop.abort(new Error("killed"));
      },
    });
  };
  const [stopped, whole] = ["stopped", "whole"].map((name) => join(folder, name)) as [string, string];
  await assert.rejects(runIn(stopped, 1, 30), /killed/);
  const found = await runIn(stopped);
  const decisions = decided;
  assert.equal(learnt, factKinds.length, "each kind is learnt once");
  assert.deepEqual(found, await runIn(whole, 3));
  assert.equal(decided, 2 * decisions, "nothing is watched twice");
  assert.equal(found.results.length, 2 * films.flatMap(({ questions }) => questions).length);
  assert.equal(readResults(join(whole, "swap.jsonl")).length, (factKinds.length * found.results.length) / 2);
});

const textOf = ({ text }: HouseholdQuestion) => text;
