/** Runs in this process over made-up texts: what happens to answerers that cheat or fail, and to policies by the book. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inventedSubtitles, inventedVideo } from "../../../test/support/media.ts";
import { openTestMemory, temporaryFolder } from "../../../test/support/memory.ts";
import { noCost } from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { EngineError } from "../../errors.ts";
import { createPerceptors } from "../../perception/perceive.ts";
import type { Policy } from "../../policy/policy.ts";
import { letterOptions } from "../../tasks/task.ts";
import type { BenchmarkTask, LoadedBenchmark } from "../task.ts";
import { wordingJudge } from "./answer-judge.ts";
import type { Answered, Answerer } from "./answerers.ts";
import { totalCost } from "./cost.ts";
import type { RunOptions } from "./options.ts";
import { type Result, readResults } from "./results.ts";
import { runBenchmark } from "./run.ts";
import { type BenchmarkRow, benchmarkRows } from "./writers.ts";

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
    ...{ notes: [], root, streams, missing: [], unrecorded: new Set() },
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
    ...{ config: {}, command: "taskmem bench" },
    ...rest,
  };
}

const says = (answer: Answerer["answer"]): Answerer => ({
  ...{ id: "test", promptHash: "0", recall: "all" },
  answer,
});
const answered = (letter: string): Answered => ({
  choice: { kind: "option", letter },
  raw: [letter],
  ...{ prompts: [], leftOut: 0 },
});

async function resultsOf(run: RunOptions): Promise<Result[]> {
  await runBenchmark(run);
  return readResults(join(run.directory, "results.jsonl"));
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

test("an answerer is given a question's text and its options, and nothing of what is right", async (t) => {
  const truth = "beneath the seventh stair";
  const open: BenchmarkTask = {
    ...{ id: "open", stream: "video0", type: "place", askTime: "end", answer: truth },
    ...{ question: "Where is the key?", evidence: [{ startSeconds: 3, endSeconds: 5 }] },
  };
  const given: unknown[][] = [];
  const answerer = says(async (question, memory, options) => {
    given.push([question, await memory.entries(), options]);
    return question.options.length > 0
      ? answered("B")
      : { ...answered("B"), choice: { kind: "text", text: truth } };
  });
  const all = [...tasks, open];
  const run = options(t, answerer);
  const results = await resultsOf({
    ...run,
    tasks: all,
    loaded: { ...run.loaded, tasks: all, rows: all.length },
  });
  assert.deepEqual([results.length, new Set(results.map(({ outcome }) => outcome))], [7, new Set(["right"])]);
  assert.equal(given.length, 7);
  for (const [question, , asked] of given) {
    assert.deepEqual(Object.keys(question as object).sort(), ["options", "text"]);
    for (const option of (question as { options: object[] }).options)
      assert.deepEqual(Object.keys(option).sort(), ["letter", "text"]);
    assert.deepEqual(Object.keys(asked as object).sort(), ["askTime", "onCost", "sample", "signal"]);
  }
  assert.ok(!JSON.stringify(given).includes(truth));
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

const down = () => new EngineError("unreachable", "nobody there", { isRetryable: true });

test("an outage ends the run with what was done in order, and resuming asks the rest only", async (t) => {
  let left = 2;
  const asked: string[] = [];
  const answerer = says(async ({ text }) => {
    if (left-- <= 0) throw down();
    asked.push(text);
    return answered("B");
  });
  const run = options(t, answerer, { concurrency: 1 });
  await assert.rejects(runBenchmark(run), /nobody there/);
  const before = readResults(join(run.directory, "results.jsonl"));
  assert.deepEqual(
    before.map(({ failed }) => failed),
    [null, null, "answerer", "answerer", "answerer"],
    "three in a row are an outage",
  );
  left = 100;
  const { summary } = await runBenchmark({ ...run, resume: true });
  assert.equal(summary.rows.base!.overall.right, 6);
  assert.equal(new Set(asked).size, asked.length, "nobody is asked twice");
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

// An engine that fails.

/** A clip of a stream: `video0 3`. */
type Place = string;

/** What its engine is at: clips it fails at, clips it always refuses, and every call it got. */
interface Engine {
  fails: readonly Place[];
  refuses: readonly Place[];
  readonly calls: Place[];
}

/** Writes of each clip what it was shown with it, so that a clip written out of its turn reads otherwise. */
function showing(engine: Engine, revision: string): Policy {
  return {
    id: "showing",
    revision,
    clipsPerDecision: 1,
    decide: async ({ observations: [clip], recent }) => {
      const { stream, startSeconds, endSeconds } = clip!;
      const place = `${stream} ${clip!.clip}`;
      engine.calls.push(`${revision} ${place}`);
      if (engine.fails.includes(place))
        throw new EngineError("server-error", "out of order", { isRetryable: true });
      if (engine.refuses.includes(place)) throw new EngineError("bad-request", "not this clip");
      const shown = recent.observations.map((observation) => observation.clip).join();
      const kept = recent.entries.map((entry) => entry.clip).join();
      const heard = clip!.speech.map((utterance) => utterance.text).join();
      const text = `${revision} wrote clip ${clip!.clip} seeing ${shown} and knowing ${kept}, hearing ${heard}`;
      const statement = {
        ...{ clip: clip!.clip, kind: "episodic" as const, startSeconds, endSeconds, text },
        ...{ speakers: [], sources: [], frameSeconds: [] },
      };
      const action = { text, statements: [statement], logprobs: null, revision, issues: [] };
      return { actions: [action], cost: { ...noCost, calls: 1 } };
    },
    advance: () => null,
  };
}

/** Says all it was shown and how well one of it was found, so that results tell memories apart. */
const repeats = says(async (_, memory, { askTime }) => {
  const known = askTime === "end" ? {} : { asOfSeconds: askTime };
  const texts = (await memory.entries(known)).map(({ text }) => text);
  const [found] = await memory.recall({ ...known, text: "who wrote clip 0", mode: "search", limit: 1 });
  return { ...answered("B"), raw: [...texts, JSON.stringify(found!.score)] };
});

/** Three videos asked about at their end, or one asked about at seven times by two types. */
const asked: Record<"videos" | "day", readonly BenchmarkTask[]> = {
  videos: tasks,
  day: [40, 70, 100, 130, 160, 200, 240].map((askTime, i) => ({
    ...tasks[0]!,
    ...{ id: `d${i}`, type: i % 2 ? "wear" : "place", askTime },
  })),
};

function failing(t: TestContext, kind: "videos" | "day", part: string, engine: Engine): RunOptions {
  const row = (name: "base" | "taskmem"): BenchmarkRow => ({
    ...{ name, label: name, learns: name === "taskmem", budget: null },
    policyOf: (version) => showing(engine, version.name === "base" ? "base" : `learnt ${version.name}`),
  });
  const run = options(t, repeats, { tasks: asked[kind], rows: [row("base"), row("taskmem")] });
  const root = join(run.directory, "..", `${kind}-root`);
  mkdirSync(root, { recursive: true });
  const streams = new Map(
    [...run.loaded.streams.keys()].map((stream) => {
      const path = join(root, `${stream}.srt`);
      writeFileSync(path, inventedSubtitles(kind === "day" ? 260 : 60, 4, stream));
      return [stream, { stream, media: [{ path }], subtitles: null, cut: null }];
    }),
  );
  return { ...run, directory: `${run.directory}-${kind}-${part}`, loaded: { ...run.loaded, streams } };
}

const sameFiles = ["run.json", "results.jsonl"] as const;
const read = (run: RunOptions, name: string) => readFileSync(join(run.directory, name), "utf8");

const noReasons = { missed: 0, unheard: 0, unreadable: 0, answerer: 0, judge: 0 };

/** Clips apart: in the middle, two in a row, the last before a question, and before another policy takes over. */
const faults: Record<"videos" | "day", readonly Place[]> = {
  videos: ["video0 3", "video1 5", "video2 1", "video2 2"],
  day: ["video0 5", "video0 9", "video0 14", "video0 15"],
};
const refuses = ["video0 1", "video0 11"];

for (const kind of ["videos", "day"] as const) {
  test(`resumed with a sound engine, a run of ${kind} is as if it had never failed`, async (t) => {
    const sound = failing(t, kind, "sound", { fails: [], refuses, calls: [] });
    const { summary: expected } = await runBenchmark(sound);
    const lost = kind === "day" ? 2 : 1;
    assert.deepEqual(Object.values(expected.rows)[0]!.clips, { missed: 0, unheard: 0, lost });

    const engine: Engine = { fails: faults[kind], refuses, calls: [] };
    const run = failing(t, kind, "faulty", engine);
    const { summary } = await runBenchmark(run);
    assert.ok(Object.values(summary.rows)[0]!.clips.missed > 0);
    const affected = readResults(join(run.directory, "results.jsonl")).filter(({ memory }) => memory!.missed);
    assert.ok(affected.length > 0);
    assert.notEqual(read(run, "results.jsonl"), read(sound, "results.jsonl"));

    // Nothing is lost where it still fails: what there is stays as it is.
    const before = read(run, "results.jsonl");
    await runBenchmark({ ...run, resume: true });
    assert.equal(read(run, "results.jsonl"), before);

    const found: unknown[] = [];
    engine.fails = [];
    const mended = await runBenchmark({ ...run, resume: true, onResume: (one) => found.push(one) });
    const all = 2 * asked[kind].length;
    const again = affected.length;
    assert.deepEqual(found, [{ done: all - again, again, reasons: { ...noReasons, missed: again } }]);
    for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
    assert.deepEqual({ ...mended.summary, id: "" }, { ...expected, id: "" });

    engine.calls.length = 0;
    await runBenchmark({ ...run, resume: true });
    assert.deepEqual(engine.calls, [], "what is refused is not asked again");
  });

  test(`a run of ${kind} stopped anywhere, by hand or by an outage, ends as one that was not`, async (t) => {
    const sound = failing(t, kind, "sound", { fails: [], refuses, calls: [] });
    await runBenchmark(sound);
    const engine: Engine = { fails: [2, 3, 4].map((clip) => `video0 ${clip}`), refuses, calls: [] };
    const run = failing(t, kind, "stopped", engine);
    await assert.rejects(runBenchmark(run), /out of order/);
    engine.fails = [];
    for (const [i, calls] of [1, 4, 6].entries()) {
      const hand = new AbortController();
      let left = calls;
      engine.calls.push = (place) => {
        if (--left < 0) hand.abort(new Error("stopped by hand"));
        return Array.prototype.push.call(engine.calls, place);
      };
      const going = { ...run, resume: true, concurrency: 1 + i, signal: hand.signal };
      await assert.rejects(runBenchmark(going), /stopped by hand/);
    }
    await runBenchmark({ ...run, resume: true });
    for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
  });
}

test("a clip that was missed when its question came, and written for the next, is mended too", async (t) => {
  const sound = failing(t, "day", "sound", { fails: [], refuses, calls: [] });
  await runBenchmark(sound);
  // The last clip before the question at 100 s.
  const engine: Engine = { fails: ["video0 9"], refuses, calls: [] };
  const run = failing(t, "day", "once", engine);
  const { summary } = await runBenchmark({
    ...run,
    onProgress: ({ done }) => {
      // Both rows were asked at 40, 70 and 100 s.
      if (done === 6) engine.fails = [];
    },
  });
  assert.deepEqual(summary.rows.base!.clips, { missed: 1, unheard: 0, lost: 2 });
  const found: unknown[] = [];
  await runBenchmark({ ...run, resume: true, onResume: (one) => found.push(one) });
  assert.deepEqual(found, [{ done: 12, again: 2, reasons: { ...noReasons, missed: 2 } }]);
  for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
});

test("each policy watches a long stream once, whoever is asked about it", async (t) => {
  const engine: Engine = { fails: [], refuses: [], calls: [] };
  const run = failing(t, "day", "once", engine);
  await runBenchmark(run);
  assert.deepEqual(
    engine.calls.filter((call, i) => engine.calls.indexOf(call) !== i),
    [],
  );
  const clipsOf = (revision: string) => engine.calls.filter((call) => call.startsWith(`${revision} `)).length;
  // 24 clips up to the last question. The second of `place` comes at 100 s, the last at 240; of `wear` at 130 and 200.
  assert.deepEqual(["base", "learnt place/2", "learnt wear/2"].map(clipsOf), [24, 14, 7]);
  assert.equal(readdirSync(join(run.directory, "memories")).length, 3);
  // A question sees nothing that ended after it.
  for (const { task, raw } of readResults(join(run.directory, "results.jsonl"))) {
    const { askTime } = asked.day.find(({ id }) => id === task)!;
    const clips = raw.slice(0, -1).map((text) => Number(/clip (\d+)/.exec(text)![1]));
    assert.deepEqual(clips, [...Array(Number(askTime) / 10).keys()]);
  }
});

/** `run` with an answerer, and a judge, that say what they are asked and fail at some tasks. */
function failingAt(run: RunOptions, fails: { answerer: readonly string[]; judge: readonly string[] }) {
  const calls = { answerer: [] as string[], judge: [] as string[] };
  const tasks = run.tasks.map((task) => ({ ...task, question: `Who wrote clip 0, task ${task.id}?` }));
  const call = (engine: "answerer" | "judge", text: string) => {
    const id = /task (\w+)/.exec(text)![1]!;
    calls[engine].push(id);
    if (fails[engine].includes(id)) throw down();
  };
  const answerer = says(async (question, memory, asked) => {
    call("answerer", question.text);
    const { raw } = await repeats.answer(question, memory, asked);
    asked.onCost?.({ ...noCost, calls: 1 });
    const choice = question.options.length > 0 ? answered("B").choice : { kind: "text", text: raw.join() };
    return { ...answered("B"), choice, raw } as Answered;
  });
  const judge: RunOptions["judge"] = {
    ...{ id: "test", promptHash: "0" },
    grade: async ({ question, answer, onCost }) => {
      call("judge", question);
      onCost?.({ ...noCost, calls: 1 });
      return {
        ok: true,
        verdict: { correct: answer.length % 2 === 0, mark: 3, reason: "so" },
        raw: [answer],
      };
    },
  };
  return { run: { ...run, tasks, answerer, judge }, calls };
}

for (const kind of ["videos", "day"] as const) {
  test(`resumed, a run of ${kind} asks again at what the answerer failed, and writes no memory again`, async (t) => {
    const nobody = { answerer: [], judge: [] };
    const sound = failingAt(failing(t, kind, "sound", { fails: [], refuses, calls: [] }), nobody).run;
    const { summary: expected } = await runBenchmark(sound);

    const ids = asked[kind].map(({ id }) => id);
    const fails = { answerer: [ids[1]!, ids[4]!], judge: [] };
    const engine: Engine = { fails: [], refuses, calls: [] };
    const { run, calls } = failingAt(failing(t, kind, "faulty", engine), fails);
    const { summary } = await runBenchmark({ ...run, concurrency: 1 });
    const { overall, retried } = summary.rows.base!;
    assert.deepEqual([overall.errors, retried], [2, { ...noReasons, answerer: 2 }]);
    const failed = readResults(join(run.directory, "results.jsonl")).filter((result) => result.failed);
    assert.deepEqual(
      failed.map(({ task, outcome, answer, problem }) => [task, outcome, answer, problem]).sort(),
      [...fails.answerer, ...fails.answerer].sort().map((id) => [id, "error", null, "nobody there"]),
    );

    engine.calls.length = 0;
    // Where it fails still, or the process is killed, nothing is lost.
    fails.answerer = [ids[4]!];
    await runBenchmark({ ...run, resume: true });
    fails.answerer = [];
    calls.answerer.length = 0;
    const found: unknown[] = [];
    const mended = await runBenchmark({ ...run, resume: true, onResume: (one) => found.push(one) });
    assert.deepEqual(found, [{ done: 2 * ids.length - 2, again: 2, reasons: { ...noReasons, answerer: 2 } }]);
    assert.deepEqual(calls.answerer, [ids[4], ids[4]], "what was answered is not asked again");
    assert.deepEqual(engine.calls, [], "no memory is written again");
    for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
    assert.deepEqual({ ...mended.summary, id: "" }, { ...expected, id: "" });
    const memories = readdirSync(join(run.directory, "memories"));
    assert.ok(!memories.some((name) => name.includes("-at-")), "memories kept for it are gone");
  });
}

test("resumed, an answer is graded that was not, without being asked for again", async (t) => {
  const open = asked.day.map(({ options: _, ...task }) => task);
  const make = (part: string, fails: { answerer: string[]; judge: string[] }) => {
    const run = failing(t, "day", part, { fails: [], refuses, calls: [] });
    return failingAt({ ...run, tasks: open }, fails);
  };
  const sound = make("sound", { answerer: [], judge: [] });
  await runBenchmark(sound.run);
  const fails = { answerer: ["d4"], judge: ["d1", "d5"] };
  const { run, calls } = make("faulty", fails);
  const { summary } = await runBenchmark({ ...run, concurrency: 1 });
  assert.deepEqual(summary.rows.base!.retried, { ...noReasons, answerer: 1, judge: 2 });
  assert.equal(summary.rows.base!.overall.errors, 3, "a failed grade is no grade");
  fails.answerer = [];
  fails.judge = ["d5"];
  calls.answerer.length = 0;
  await runBenchmark({ ...run, resume: true });
  assert.deepEqual(calls.answerer, ["d4", "d4"]);
  fails.judge = [];
  calls.judge.length = 0;
  await runBenchmark({ ...run, resume: true });
  assert.deepEqual(
    [calls.answerer, calls.judge],
    [
      ["d4", "d4"],
      ["d5", "d5"],
    ],
  );
  for (const name of sameFiles) assert.equal(read(run, name), read(sound.run, name), name);
});

test("resumed, clips that the transcriber failed at are written with what was said in them", async (t) => {
  const ears = { fails: [] as number[], heard: 0 };
  const hearing = (part: string, kind: "videos" | "day"): RunOptions => {
    const run = failing(t, kind, part, { fails: [], refuses: [], calls: [] });
    const root = join(run.directory, "..", `${kind}-films`);
    mkdirSync(root, { recursive: true });
    const streams = new Map(
      [...run.loaded.streams.keys()].map((stream) => {
        const path = inventedVideo(root, kind === "day" ? 90 : 40, { name: stream, subtitles: false });
        return [stream, { stream, media: [{ path }], subtitles: null, cut: null }];
      }),
    );
    const perceptors: RunOptions["perceptors"] = {
      ...{ screenReader: null, language: null },
      transcriber: {
        id: "ears",
        transcribe: async ({ startSeconds }) => {
          ears.heard += 1;
          if (ears.fails.includes(startSeconds)) throw down();
          const text = `a word at ${startSeconds}`;
          return [{ startSeconds, endSeconds: startSeconds + 1, text, speaker: null, language: null }];
        },
      },
    };
    const tasks =
      kind === "day"
        ? asked.day.slice(0, 3).map((task, i) => ({ ...task, askTime: 30 * (i + 1) }))
        : run.tasks;
    return { ...run, tasks, perceptors, loaded: { ...run.loaded, streams } };
  };
  for (const [kind, fails] of [
    ["videos", [20]],
    ["day", [10, 60]],
  ] as const) {
    ears.fails = [];
    const sound = hearing("heard", kind);
    await runBenchmark(sound);
    ears.fails = [...fails];
    const run = hearing("unheard", kind);
    const { summary } = await runBenchmark({ ...run, concurrency: 1 });
    const counts = summary.rows.base!.clips;
    assert.deepEqual(counts, { missed: 0, unheard: kind === "day" ? 2 : 3, lost: 0 });
    // A clip that always fails does not keep the others from being written.
    await runBenchmark({ ...run, resume: true });
    ears.fails = [];
    ears.heard = 0;
    const found: unknown[] = [];
    await runBenchmark({ ...run, resume: true, onResume: (one) => found.push(one) });
    const again = 2 * run.tasks.length;
    assert.deepEqual(found, [{ done: 0, again, reasons: { ...noReasons, unheard: again } }]);
    // The three films sound alike.
    assert.equal(ears.heard, kind === "day" ? 2 : 1, "what was heard is not transcribed again");
    for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
  }
  // Without ears for long, a run stops rather than write memories that are not worth it.
  ears.fails = [0, 10, 20];
  const run = hearing("deaf", "day");
  await assert.rejects(runBenchmark(run), /nobody there/);
  ears.fails = [];
  await runBenchmark({ ...run, resume: true });
  const sound = hearing("heard", "day");
  for (const name of sameFiles) assert.equal(read(run, name), read(sound, name), name);
});

test("what a watch and a question cost is on the book, however they end", async (t) => {
  const engine: Engine = { fails: [5, 6, 7].map((clip) => `video0 ${clip}`), refuses: [], calls: [] };
  const run = failing(t, "day", "dear", engine);
  const costOf = () => totalCost(run.directory).calls;
  await assert.rejects(runBenchmark(run), /out of order/);
  assert.equal(costOf(), 5, "the clips before the outage");
  engine.fails = [];
  engine.refuses = [];
  const hand = new AbortController();
  const policy = run.rows[0]!.policyOf;
  const rows = run.rows.map(
    (row): BenchmarkRow => ({
      ...row,
      policyOf: (version) => {
        const written = policy(version);
        return {
          ...written,
          decide: async (context, options) => {
            if (context.observations[0]!.clip === 9) hand.abort(new Error("stopped by hand"));
            options?.signal?.throwIfAborted();
            return written.decide(context, options);
          },
        };
      },
    }),
  );
  const stopping = { ...run, rows: [rows[0]!, run.rows[1]!], resume: true, signal: hand.signal };
  await assert.rejects(runBenchmark(stopping), /stopped by hand/);
  assert.ok(costOf() > 5, "and those before a Ctrl-C");
});
