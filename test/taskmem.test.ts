/** One object: its defaults, when it learns, and what it refuses. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { inMemoryStore } from "../src/index.ts";
import type { Look } from "../src/perception/look.ts";
import type { LearningEvent } from "../src/taskmem/learning.ts";
import { openTaskMem, type TaskMemOptions, type TimelineFilter } from "../src/taskmem.ts";
import type { AdapterTrainer } from "../src/training/train-adapter.ts";
import { temporaryFolder } from "./support/cli.ts";
import { decisionOf, observationOf, statementOf } from "./support/memory.ts";

const talk = (folder: string) => {
  const path = join(folder, "talk.srt");
  writeFileSync(path, "1\n00:00:01,000 --> 00:00:03,000\nAnna: The deadline is Friday at noon.\n");
  return path;
};

const opened = (options: Partial<TaskMemOptions> = {}) =>
  openTaskMem({ directory: join(temporaryFolder(), "memory"), screenText: false, ...options });

test("watches, answers, remembers and forgets with nothing but a directory", async () => {
  const folder = temporaryFolder();
  await using memory = await openTaskMem({ directory: join(folder, "memory") });
  const end = await memory.watch(talk(folder));
  assert.deepEqual([end.reason, end.clips, end.entries], ["ended", 1, 1]);
  const { answer, citations, task } = await memory.ask("When is the deadline?");
  assert.match(answer, /Friday at noon/);
  assert.equal(citations[0]!.startSeconds, 1);
  assert.equal((await memory.store.tasks())[0]!.id, task);
  const [recalled] = await memory.recall("deadline");
  assert.equal(recalled!.entry.id, citations[0]!.entry);
  assert.equal((await memory.forget({ person: "Anna" })).entries, 1);
  assert.deepEqual((await memory.timeline()).entries, []);
});

test("watching begins when it is iterated or awaited, and events tell what was skipped", async () => {
  const folder = temporaryFolder();
  await using memory = await openTaskMem({ directory: join(folder, "memory") });
  const kinds: string[] = [];
  for await (const event of memory.watch(talk(folder))) {
    kinds.push(event.event);
    if (event.event === "stream-start") assert.deepEqual([event.live, event.problems], [false, []]);
  }
  assert.deepEqual(kinds, ["stream-start", "clip-end", "stream-end"]);
});

test("a string is a question, and so are options without letters", async () => {
  await using memory = await opened();
  await memory.remember("The gate code is 4711.");
  const { option, answer } = await memory.ask({ text: "What is the gate code?", options: ["1234", "4711"] });
  assert.deepEqual([option, answer], ["B", "4711"]);
});

describe("what is not there is named:", () => {
  test("an unknown option, stream, speaker or filter key", async () => {
    await using memory = await opened();
    await memory.remember({ text: "The gate code is 4711.", speaker: "Noor" });
    await assert.rejects(memory.ask("Who?", { stream: "x" } as never), { code: "option-unknown" });
    await assert.rejects(memory.ask("Who?", { streams: ["attic"] }), /attic.*remembered/);
    await assert.rejects(memory.ask("Who?", { speakers: ["Bob"] }), { code: "speaker-unknown" });
    await assert.rejects(memory.timeline({ speaker: "Noor" } as never), /speakers/);
    await assert.rejects(memory.timeline({ streams: ["attic"] }), { code: "stream-unknown" });
  });

  test("an unknown option of openTaskMem and a wrong one, together", async () => {
    const wrong = { directory: temporaryFolder(), polcy: "choice", stream: { clipSeconds: -1 } };
    await assert.rejects(
      openTaskMem(wrong as never),
      ({ code, message }: { code: string; message: string }) => {
        assert.equal(code, "config-invalid");
        assert.match(message, /polcy/);
        assert.match(message, /stream\.clipSeconds/);
        return true;
      },
    );
  });

  test("a memory that has to be there", async () => {
    await assert.rejects(opened({ mustExist: true }), { code: "memory-missing" });
  });

  test("an empty directory's name", async () => {
    await assert.rejects(openTaskMem({ directory: "" }), { code: "config-invalid" });
  });
});

describe("a fact", () => {
  test("is kept once per id, also by two at once, and again after it was forgotten", async () => {
    await using memory = await opened();
    const fact = { text: "Mia is allergic to walnuts.", id: "allergy" };
    const both = await Promise.all([memory.remember(fact), memory.remember(fact)]);
    assert.deepEqual(both.map(({ duplicate }) => duplicate).sort(), [false, true]);
    assert.equal(both[0]!.entry.id, both[1]!.entry.id);
    await memory.forget({ entries: [both[0]!.entry.id] });
    assert.equal((await memory.remember(fact)).duplicate, false);
    assert.equal((await memory.timeline()).entries.length, 1);
    assert.deepEqual(await memory.store.check(), []);
  });

  test("has a stream of its own", async () => {
    const folder = temporaryFolder();
    await using memory = await openTaskMem({ directory: join(folder, "memory") });
    await memory.watch(talk(folder), { stream: "talk" });
    await assert.rejects(memory.remember({ text: "A fact.", stream: "talk" }), { code: "stream-watched" });
    await assert.rejects(memory.remember(" "), { code: "fact-empty" });
  });

  test("trains no policy: it is not watched again", async () => {
    await using memory = await opened();
    await memory.remember("The gate code is 4711.");
    const [observation] = await memory.store.observations("remembered");
    assert.deepEqual(observation!.speech, []);
  });
});

/** Trains nothing; counts how often it is asked to. */
function countingTrainer(): { trainer: AdapterTrainer; trained: number[] } {
  const trained: number[] = [];
  const trainer = {
    ...{ policy: "choice", base: "choice@1", fitsBase: null, method: "closed-form", triedOn: "questions" },
    train: async (tasks: readonly unknown[]) => {
      trained.push(tasks.length);
      throw new Error("counted");
    },
    validate: async () => {
      throw new Error("not reached");
    },
    adapterWords: () => [],
    needsNoStream: true,
  } as unknown as AdapterTrainer;
  return { trainer, trained };
}

describe("learning by itself", () => {
  const policy = {
    id: "quiet",
    revision: "quiet@1",
    clipsPerDecision: 1,
    decide: async () => ({
      actions: [{ text: "", statements: [], logprobs: null, revision: "quiet@1", issues: [] }],
      cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 },
    }),
    advance: () => null,
  };

  test("two that learn at once write into directories of their own, and leave none that is empty", async () => {
    const { trainer } = countingTrainer();
    const runs: string[] = [];
    let both = () => {};
    const together = new Promise<void>((resolve) => {
      both = resolve;
    });
    const train = async (_tasks: unknown, _streams: unknown, { run }: { readonly run?: string }) => {
      runs.push(basename(run!));
      if (runs.length === 2) both();
      await together;
      throw new Error("stopped");
    };
    const directory = join(temporaryFolder(), "memory");
    const custom = { policy: () => policy, trainer: { ...trainer, train } as unknown as AdapterTrainer };
    await using memory = await openTaskMem({ directory, policy: custom, adapt: { auto: false } });
    await using other = await openTaskMem({ directory, policy: custom, adapt: { auto: false } });
    for (let i = 0; i < 5; i++) await memory.recordTask({ question: `What has number ${i} to say?` });
    const learned = await Promise.allSettled([memory.learn(), other.learn()]);
    assert.deepEqual(
      learned.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.deepEqual(runs.sort(), ["unfinished-quiet", "unfinished-quiet-2"]);
    assert.deepEqual(readdirSync(join(directory, "runs")), []);
  });

  test("comes after every fifth new question, counted right also after the 200th", async () => {
    const { trainer, trained } = countingTrainer();
    const events: LearningEvent[] = [];
    await using memory = await opened({
      policy: { policy: () => policy, trainer },
      onLearning: (event) => events.push(event),
      store: await inMemoryStore(),
    });
    for (let i = 1; i <= 212; i++) {
      await memory.recordTask({ question: `What has number ${i} to say?` });
      await memory.settled();
      assert.equal(trained.length, Math.floor(i / 5), `after question ${i}`);
    }
    const starts = events.filter(({ event }) => event === "learning-start");
    assert.deepEqual(
      starts.map((event) => (event.event === "learning-start" ? event.questions : 0)),
      Array.from({ length: 42 }, (_, i) => 5 * (i + 1)),
    );
    assert.equal(events.filter(({ event }) => event === "learning-failed").length, 42);
  });

  test("that takes long is not started again for each fifth question meanwhile, but once for them all", async () => {
    const { trainer } = countingTrainer();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const tasks: number[] = [];
    const train = async (asked: readonly unknown[]) => {
      tasks.push(asked.length);
      await ended;
      throw new Error("stopped");
    };
    const events: LearningEvent[] = [];
    await using memory = await opened({
      policy: { policy: () => policy, trainer: { ...trainer, train } as unknown as AdapterTrainer },
      onLearning: (event) => events.push(event),
    });
    for (let i = 0; i < 30; i++) await memory.recordTask({ question: `What has number ${i} to say?` });
    end();
    await memory.settled();
    assert.deepEqual(tasks.slice(1), [30]);
    assert.equal(events.filter(({ event }) => event === "learning-start").length, 2);
    for (let i = 30; i < 35; i++) await memory.recordTask({ question: `What has number ${i} to say?` });
    await memory.settled();
    assert.deepEqual(tasks.slice(1), [30, 35]);
  });

  test("is off where it is switched off, and a failure never costs the answer", async () => {
    const { trainer, trained } = countingTrainer();
    await using off = await opened({ policy: { policy: () => policy, trainer }, adapt: { auto: false } });
    for (let i = 0; i < 5; i++) await off.ask(`Question ${i}?`);
    await off.settled();
    assert.deepEqual(trained, []);
    await using on = await opened({ policy: { policy: () => policy, trainer } });
    for (let i = 0; i < 5; i++) assert.equal((await on.ask(`Question ${i}?`)).abstained, true);
    await on.settled();
    assert.deepEqual(trained, [5]);
  });

  test("in a process of its own gives what it gives in this one", async () => {
    const folder = temporaryFolder();
    const directory = join(folder, "memory");
    await using memory = await openTaskMem({ directory, adapt: { auto: false } });
    await memory.watch(talk(folder));
    for (const what of ["deadline", "survey"]) await memory.ask(`When is the ${what}?`);
    const { ms: _, ...here } = await memory.learn();
    const { ms: __, ...apart } = await memory.learn({ apart: true });
    assert.deepEqual(apart, here);
    assert.match(here.reason, /2 of \d+ distinct questions/);
  });
});

test("a timeline shows the floor where no entry is, never in place of entries", async () => {
  await using memory = await opened();
  const { store } = memory;
  const added = { id: "hall", description: "hall", clipSeconds: 10, fingerprint: null };
  await store.addStream({ ...added, clock: { kind: "media" } });
  const look: Look = {
    ...{ recordedAtMs: null, sound: null, problems: [], lines: { said: 0, captions: 0, read: 0 } },
    picture: { width: 640, height: 360, brightness: 0.5, changed: 0.2, cuts: 0 },
  };
  // Rows of the floor cover 0–60, 60–120 and 120–130 s.
  for (let clip = 0; clip < 13; clip++) await store.addObservation(observationOf("hall", clip, { look }));
  await store.commit(decisionOf("hall", [statementOf(7, "Ann comes in")]));
  const spans = async (filter: TimelineFilter = {}) =>
    (await memory.timeline(filter)).floor.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]);
  assert.deepEqual(await spans(), [
    [0, 60],
    [120, 130],
  ]);
  assert.deepEqual(await spans({ limit: 2 }), [[120, 130]]);
  assert.deepEqual(await spans({ limit: 1 }), []);
  assert.deepEqual(await spans({ toSeconds: 20 }), [[0, 20]]);
  assert.deepEqual(await spans({ speakers: ["Ann"] }), []);
});

test("pages of a list have cursors, and changes tell what is written", async () => {
  await using memory = await opened();
  const stop = new AbortController();
  const seen: string[] = [];
  const listening = (async () => {
    for await (const change of memory.changes({ signal: stop.signal })) {
      seen.push(change.kind);
      if (seen.filter((kind) => kind === "entry").length === 3) return;
    }
  })();
  for (const n of [1, 2, 3]) await memory.remember(`Fact number ${n}.`);
  await listening;
  const first = await memory.page("entries", {}, { limit: 2 });
  const second = await memory.page("entries", {}, { limit: 2, cursor: first.next! });
  assert.deepEqual([first.items.length, second.items.length, second.next], [2, 1, null]);
  stop.abort();
});

test("the log gets decisions with what the policy was shown", async () => {
  const folder = temporaryFolder();
  const told: string[] = [];
  await using memory = await openTaskMem({
    directory: join(folder, "memory"),
    log: (event) =>
      told.push(event.log === "decision" ? `${event.stream} ${event.actions[0]!.text}` : event.log),
  });
  await memory.watch(talk(folder), { stream: "talk" });
  assert.deepEqual(told, ["talk Anna: The deadline is Friday at noon."]);
});
