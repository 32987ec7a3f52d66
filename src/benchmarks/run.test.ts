/** Runs in this process over made-up texts: what happens to answerers that cheat or fail, and to policies by the book. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inventedSubtitles } from "../../test/support/media.ts";
import { openTestMemory, temporaryFolder } from "../../test/support/memory.ts";
import { noCost } from "../engine.ts";
import { wordSpace } from "../engines/local/index.ts";
import { EngineError } from "../errors.ts";
import { createPerceptors } from "../perception/perceive.ts";
import { letterOptions } from "../tasks/task.ts";
import { wordingJudge } from "./answer-judge.ts";
import type { Answered, Answerer } from "./answerers.ts";
import { benchmarkRows } from "./rows.ts";
import { type Result, type RunOptions, readResults, runBenchmark } from "./run.ts";
import type { BenchmarkTask, LoadedBenchmark } from "./task.ts";

const folder = temporaryFolder("benchmark-run");

const tasks = Array.from(
  { length: 6 },
  (_, i): BenchmarkTask => ({
    ...{ id: `q${i}`, stream: `video${i % 3}`, type: "place", askTime: "end" },
    question: `Where is the lantern of question ${i}?`,
    options: letterOptions(["cellar", "attic", "garage", "pantry"]),
    answer: "B",
  }),
);

function options(t: TestContext, answerer: Answerer, rest: Partial<RunOptions> = {}): RunOptions {
  const directory = join(folder, t.name.replace(/\W+/g, "-").slice(0, 50));
  const root = `${directory}-root`;
  mkdirSync(root, { recursive: true });
  const streams = new Map(
    ["video0", "video1", "video2"].map((stream) => {
      const path = join(root, `${stream}.srt`);
      writeFileSync(path, inventedSubtitles(60, 4, stream));
      return [stream, { stream, media: [{ path }], subtitles: null, cut: null }];
    }),
  );
  const annotations = join(root, "made-up.json");
  writeFileSync(annotations, "[]");
  const loaded: LoadedBenchmark = {
    ...{ benchmark: "videomme", layout: "made up", files: [annotations], rows: 6, tasks, skipped: [] },
    ...{ notes: [], root, streams, missing: [] },
  };
  const { rows, missing } = benchmarkRows({
    base: { kind: "choice", options: { words: wordSpace } },
    ...{ words: wordSpace, clipSeconds: 10, samples: 1, seed: 1 },
    tasks: new Map(tasks.map((task) => [task.id, task])),
  });
  return {
    ...{ directory, loaded, tasks, missingRows: missing, answerer, votes: 1, words: wordSpace },
    rows: rows.filter(({ name }) => name === "base"),
    protocol: { updates: [2] },
    judge: wordingJudge(),
    openMemory: (place) => openTestMemory(place),
    perceptors: createPerceptors({ screenText: false }),
    source: { clipSeconds: 10 },
    windowClips: 5,
    concurrency: 2,
    resume: false,
    config: {},
    ...rest,
  };
}

const says = (answer: Answerer["answer"]): Answerer => ({ id: "test", promptHash: "0", answer });
const answered = (letter: string): Answered => ({
  choice: { kind: "option", letter },
  raw: [letter],
  prompts: [],
  cost: noCost,
});

async function resultsOf(run: RunOptions): Promise<Result[]> {
  await runBenchmark(run);
  return readResults(join(run.directory, "results.jsonl")).results;
}

test("an answerer that reaches for what is sealed is caught, also where it hides it", async (t) => {
  const cheats = [
    says(async (_, memory) => {
      await memory.observations("video0");
      return answered("B");
    }),
    says(async (_, memory) => {
      try {
        readFileSync(join(memory.directory, "memory.db"));
      } catch {
        // and answers as if nothing had been
      }
      return answered("B");
    }),
  ];
  for (const [i, cheat] of cheats.entries()) {
    const run = options(t, cheat);
    const results = await resultsOf({ ...run, directory: `${run.directory}-${i}` });
    assert.equal(results.length, 6);
    for (const { outcome, answer, problem, accesses } of results) {
      assert.deepEqual([outcome, answer], ["error", null]);
      assert.match(problem!, /^the answerer reached for `(observations|directory)`$/);
      assert.ok(accesses.some((access) => access.startsWith("refused")));
    }
  }
});

test("a question that a model refuses is an error; the others are answered", async (t) => {
  const answerer = says(async ({ text }) => {
    if (/question [24]/.test(text)) throw new EngineError("bad-request", "too long for this model");
    return answered(/question [01]/.test(text) ? "B" : "A");
  });
  const results = await resultsOf(options(t, answerer));
  const outcomes = Object.fromEntries(results.map(({ task, outcome }) => [task, outcome]));
  assert.deepEqual(outcomes, {
    q0: "right",
    q1: "right",
    q2: "error",
    q3: "wrong",
    q4: "error",
    q5: "wrong",
  });
});

test("an outage ends the run with what was done in order, and resuming asks the rest only", async (t) => {
  let left = 3;
  const asked: string[] = [];
  const answerer = says(async ({ text }) => {
    if (left-- <= 0) throw new EngineError("unreachable", "nobody there", { isRetryable: true });
    asked.push(text);
    return answered("B");
  });
  const run = options(t, answerer, { concurrency: 1 });
  await assert.rejects(runBenchmark(run), /nobody there/);
  const before = readResults(join(run.directory, "results.jsonl")).results.length;
  assert.ok(before > 0 && before <= 3);
  left = 100;
  const { summary } = await runBenchmark({ ...run, resume: true });
  assert.equal(summary.rows.base!.overall.right, 6);
  assert.ok(asked.length <= 3 + 6 - before);
});

test("the majority of several answers counts", async (t) => {
  const answerer = says(async (_, __, { sample }) => answered("BAB"[sample]!));
  const results = await resultsOf(options(t, answerer, { votes: 3 }));
  assert.ok(results.every(({ outcome, raw }) => outcome === "right" && raw.join("") === "BAB"));
});

test("each memory is read where the protocol says, and no other stream's", async (t) => {
  const seen = new Map<string, Set<string>>();
  const answerer = says(async ({ text }, memory) => {
    seen.set(text, new Set((await memory.entries()).map(({ stream }) => stream)));
    return answered("B");
  });
  await resultsOf(options(t, answerer));
  for (const { question, stream } of tasks) assert.deepEqual([...seen.get(question)!], [stream]);
});
