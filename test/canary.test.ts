/**
 * An adapter on canary: it writes a share of the streams, its standing is told everywhere, and it is taken back by itself when
 * answers about its streams get worse, and not otherwise.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { call, verbs } from "../src/contract/index.ts";
import { type AskedOf, canaryFor, fisherGreater, isOnCanary, judged } from "../src/taskmem/canary.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import type { Task } from "../src/tasks/task.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { keepWordAdapter } from "./support/word-adapter.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));

test("Fisher's exact test gives the published p-values of the lady tasting tea", () => {
  // Fisher 1935: of 8 cups 4 are rightly named by chance with 1/70; 3 or more with 17/70.
  assert.ok(Math.abs(fisherGreater({ asked: 4, bad: 4 }, { asked: 4, bad: 0 }) - 1 / 70) < 1e-12);
  assert.ok(Math.abs(fisherGreater({ asked: 4, bad: 3 }, { asked: 4, bad: 1 }) - 17 / 70) < 1e-12);
  assert.equal(fisherGreater({ asked: 5, bad: 0 }, { asked: 5, bad: 0 }), 1);
});

test("a share of the streams is on canary, at least one and never all, and each stays where it is", () => {
  for (const n of [2, 3, 4, 10, 37]) {
    const streams = Array.from({ length: n }, (_, i) => `camera-${i}`);
    for (const share of [0.01, 0.25, 0.5, 0.99]) {
      const canary = canaryFor("adapter_1", share, streams);
      const on = streams.filter((stream) => isOnCanary("adapter_1", canary, stream));
      const wanted = Math.min(n - 1, Math.max(1, Math.round(share * n)));
      // A hash below so small or above so large a share is rare.
      if (share === 0.25 || share === 0.5) assert.equal(on.length, wanted, `${n} ${share}`);
    }
  }
});

/** Questions as they come, one stream or another in turn. */
function questions(n: number, badOwn: number, badOthers: number, seed: string): AskedOf[] {
  const random = seededRandom(seed);
  return Array.from({ length: 2 * n }, (_, i) => {
    const isOwn = i % 2 === 0;
    return { isOwn, isSince: true, isBad: random() < (isOwn ? badOwn : badOthers) };
  });
}

/** Whether a canary is taken back at any moment while these questions come. */
const isTakenBack = (asked: readonly AskedOf[]) => asked.some((_, i) => judged(asked.slice(0, i + 1)).isToGo);

test("takes back what does worse, and seldom what does not", () => {
  const share = (badOwn: number, badOthers: number) =>
    Array.from({ length: 200 }, (_, run) =>
      isTakenBack(questions(60, badOwn, badOthers, `${badOwn} ${badOthers} ${run}`)),
    ).filter(Boolean).length / 200;
  const [same, better, worse] = [share(0.3, 0.3), share(0.2, 0.4), share(0.6, 0.2)];
  assert.ok(same <= 0.1, `of 60 questions in which nothing differs: ${same}`);
  assert.equal(better, 0);
  assert.ok(worse >= 0.9, `three times as many bad answers: ${worse}`);
});

test("one bad look is not enough, nor is what was as bad before", () => {
  const own = (isBad: boolean, isSince = true) => ({ isOwn: true, isSince, isBad });
  const other = { isOwn: false, isSince: true, isBad: false };
  const others = Array.from({ length: 20 }, () => other);
  const bad = (n: number) => Array.from({ length: n }, () => own(true));
  assert.equal(judged([...others, ...bad(9)]).p, null);
  const once = judged([...others, ...bad(10)]);
  assert.deepEqual([once.isWorse, once.isToGo], [true, false]);
  assert.equal(judged([...others, ...bad(15)]).isToGo, true);
  const past = Array.from({ length: 10 }, () => own(true, false));
  const asBefore = judged([...past, ...others, ...bad(15)]);
  assert.deepEqual([asBefore.before, asBefore.isToGo], [{ asked: 10, bad: 10 }, false]);
  const good = (n: number) => Array.from({ length: n }, () => own(false));
  const begun = [...others, ...bad(3), ...good(7)];
  const recovered = [...begun, ...good(5)];
  assert.deepEqual(
    [judged(begun).isWorse, judged(recovered).isWorse, isTakenBack(recovered)],
    [true, false, false],
  );
});

describe("an adapter on canary in a memory", () => {
  const directory = join(folder, "memory");
  let memory: TaskMem;
  const streams = ["attic", "cellar", "garden", "hall"];
  const film = (stream: string) => {
    const path = join(folder, `${stream}.srt`);
    const lines = [0, 10, 20].map(
      (from, i) =>
        `${i + 1}\n00:00:${from + 1},000 --> 00:00:${from + 4},000\nAnn: Parcel ${i} lies in the ${stream}.\n`,
    );
    writeFileSync(path, lines.join("\n"));
    return path;
  };
  before(async () => {
    memory = await openTaskMem({
      directory,
      adapt: { auto: false },
      embedder: { meaning: "off" },
      choice: { budget: 1 },
    });
  });
  after(() => memory.close());

  /** A question about a stream, as it is kept. */
  let asked = 0;
  const task = (stream: string, parts: Partial<Task> = {}): Omit<Task, "feedback"> => ({
    ...{ id: `task_${asked++}`, askedAtMs: Date.now(), asOfSeconds: null, stream },
    ...{ question: { text: "Where is it?", options: [] }, answer: "", option: null, abstained: true },
    ...{ citations: [], reader: "lexical@2", ...parts },
  });

  test("needs streams to compare", async () => {
    await keepWordAdapter(memory, "adapter_parcel", ["parcel"]);
    await assert.rejects(memory.adapters.promote("adapter_parcel", { share: 0.5 }), {
      code: "canary-streams",
    });
    for (const stream of streams) await memory.watch(film(stream), { stream });
    await assert.rejects(memory.adapters.promote("adapter_parcel", { share: 1 }), { code: "share-invalid" });
    await assert.rejects(memory.adapters.promote("none", { share: 0.5 }), { code: "adapter-unknown" });
    assert.equal(await memory.adapters.canary(), null);
  });

  test("writes its share of the streams, and is told with its standing", async () => {
    const flags = ["--memory", directory, "--meaning", "off", "--json"];
    const line = await taskmem([
      "adapt",
      "promote",
      "--adapter",
      "adapter_parcel",
      "--share",
      "0.5",
      ...flags,
    ]);
    assert.equal(line.rows[0]!.event, "adapter-canary", line.stderr);
    const standing = (await memory.adapters.canary())!;
    assert.equal(standing.streams.length, 2);
    const revisions = new Map<string, string>();
    for (const stream of ["attic", "cellar", "garden", "hall"]) {
      const kitchen = await memory.live({ stream: `${stream}-live` });
      await kitchen.push({ text: `The ladder leans on the ${stream}.` });
      await kitchen.flush();
      await kitchen.close();
      const decisions = await memory.store.decisions(`${stream}-live`);
      revisions.set(`${stream}-live`, decisions.at(-1)!.revision);
    }
    const now = (await memory.adapters.canary())!;
    for (const [stream, revision] of revisions)
      assert.equal(/\+/.test(revision), now.streams.includes(stream), `${stream} by ${revision}`);
    const { output, text } = await call(memory, verbs.adapters, {});
    const shown = output.adapters.find(({ adapter }) => adapter === "adapter_parcel")!;
    assert.deepEqual(
      [shown.state, shown.canary!.share, shown.canary!.streams],
      ["candidate", 0.5, [...now.streams]],
    );
    assert.match(text, /it writes .*; went badly: 0 of 0/);
    const status = await taskmem(["adapt", "--memory", directory, "--meaning", "off"]);
    assert.match(status.stdout, /adapter_parcel writes .*too few to tell/);
  });

  test("is taken back by itself when answers about its streams get worse", async () => {
    const { streams: own } = (await memory.adapters.canary())!;
    const others = streams.filter((stream) => !own.includes(stream));
    const mine = own.find((stream) => streams.includes(stream)) ?? own[0]!;
    const entry = await memory.remember("Something new.");
    for (let i = 0; i < 12; i++)
      await memory.store.addTask(
        task(others[0] ?? "x", { abstained: false, answer: "there", citations: [entry.entry.id] }),
      );
    for (let i = 0; i < 14; i++) await memory.store.addTask(task(mine));
    assert.equal(await memory.adapters.watchCanary(), false, "one look is not enough");
    const last = task(mine, { abstained: false, answer: "here", citations: [entry.entry.id] });
    await memory.store.addTask(last);
    const standing = (await memory.adapters.canary())!;
    assert.deepEqual(
      [standing.own, standing.others],
      [
        { asked: 15, bad: 14 },
        { asked: 12, bad: 0 },
      ],
    );
    await memory.feedback(last.id, "wrong");
    assert.equal(await memory.adapters.canary(), null);
    const kept = (await memory.adapters.list()).find(({ id }) => id === "adapter_parcel")!;
    assert.equal(kept.state, "retired");
    assert.match(
      kept.reason,
      /^taken back by itself: 15 of 15 questions about its streams .*, 0 of 12 about the others meanwhile \(p = /,
    );
  });

  test("is taken back by hand, before the active one", async () => {
    await memory.adapters.promote("adapter_parcel", { share: 0.5 });
    await keepWordAdapter(memory, "adapter_ladder", ["ladder"]);
    await memory.adapters.promote("adapter_ladder");
    assert.equal(await memory.adapters.canary(), null, "the active one changed");
    await memory.adapters.promote("adapter_parcel", { share: 0.5 });
    assert.equal(await memory.adapters.rollback(), "adapter_ladder");
    assert.equal(await memory.adapters.canary(), null);
    assert.equal(await memory.adapters.rollback(), null);
  });
});
