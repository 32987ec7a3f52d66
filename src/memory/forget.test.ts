import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  addTask,
  canary,
  canaryPicture,
  canaryRequests,
  canaryText,
  counted,
  fillWithCanary,
  nothing,
  traces,
} from "../../test/support/canary.ts";
import { guest, guestWords, watchGuests } from "../../test/support/long-stream.ts";
import {
  addTestStream,
  decisionOf,
  filesHolding,
  frameOf,
  observationOf,
  openTestMemory,
  remember,
  temporaryFolder,
} from "../../test/support/memory.ts";
import { localEmbedder, wordSpace } from "../engines/local/index.ts";
import { StoreError } from "../errors.ts";
import { randomInt, seededRandom } from "../util/random.ts";
import { exportMemory } from "./export.ts";
import type { Entry } from "./memory.ts";
import type { StoredMemory } from "./stored-memory.ts";

const folder = temporaryFolder("forget");
let opened = 0;

async function household(): Promise<{ memory: StoredMemory; target: Entry }> {
  const memory = await openTestMemory(join(folder, String(opened++)));
  return { memory, target: await fillWithCanary(memory) };
}

function assertNoTrace(directory: string, label: string): void {
  for (const trace of traces) assert.deepEqual(filesHolding(directory, trace), [], `${label}: ${trace}`);
}

/** Asserts that the canary is found before forgetting, so that its absence afterwards means something. */
function assertTraces(directory: string): void {
  const held = traces.flatMap((trace) => filesHolding(directory, trace));
  assert.ok(
    held.some((name) => name.startsWith("memory.db")) && held.some((name) => name.startsWith("blobs")),
  );
}

describe("after forgetting, a text is in no file of the memory", () => {
  for (const [name, [request, expected]] of Object.entries(canaryRequests)) {
    test(`by ${name}, with a dry run first that reports the same and changes nothing`, async () => {
      const { memory, target } = await household();
      assertTraces(memory.directory);
      const known = await memory.entries();
      const counts = await memory.policyState("choice", "hall");
      const dry = await memory.forget(request(target), { dryRun: true });
      assert.equal(dry.dryRun, true);
      assert.ok(dry.sample.some(({ id, text }) => id === target.id && text === canaryText));
      assert.deepEqual(await memory.entries(), known);
      assert.deepEqual(await memory.policyState("choice", "hall"), counts);
      assert.deepEqual(
        Buffer.from((await memory.blob(target.evidence.frames[0]!.hash))!).toString(),
        canaryPicture,
      );

      const report = await memory.forget(request(target));
      assert.deepEqual(report, { ...dry, dryRun: false });
      assert.deepEqual(counted(report), { ...nothing, ...expected });
      assert.ok(report.words > 0);
      assertNoTrace(memory.directory, "open");
      if (name === "person") assert.deepEqual(filesHolding(memory.directory, "quentin"), []);
      const gone = new Set(
        known.filter((entry) => (name === "stream" ? entry.stream === "kitchen" : entry.id === target.id)),
      );
      assert.deepEqual(
        await memory.entries(),
        known.filter((entry) => !gone.has(entry)),
      );
      assert.equal(await memory.entry(target.id), null);
      assert.deepEqual(
        (await memory.recall({ text: canary })).filter(({ score }) => score.fullText),
        [],
      );
      assert.deepEqual(
        (await memory.tasks()).map(({ id }) => id),
        ["task_other"],
      );
      assert.deepEqual(await memory.check(), []);
      assert.deepEqual(
        counted(await memory.forget(request(target))),
        nothing,
        "a second time there is nothing",
      );
      await memory.close();
      assertNoTrace(memory.directory, "closed");
    });
  }

  test("by query, also if it was never kept: said in a clip without an entry", async () => {
    const { memory } = await household();
    await memory.forget({ streams: ["kitchen"] });
    const line = { startSeconds: 100, endSeconds: 101, text: canaryText, speaker: "Quentin" };
    await memory.addObservation(observationOf("hall", 10, { speech: [line] }));
    const words = new Map(wordSpace.stems(canaryText).map((stem) => [stem, 1]));
    await memory.commit(
      decisionOf("hall", [], { clips: [10], stateChange: { value: null, documents: 1, words } }),
    );
    for (let clip = 11; clip < 20; clip++) await remember(memory, "hall", clip, [`Rain ${clip}`]);
    assert.ok(filesHolding(memory.directory, traces[1]!).length > 0, "its counts outlive the observation");
    const report = await memory.forget({ query: canary });
    assert.equal(report.entries, 0);
    assert.ok(report.words > 0);
    assertNoTrace(memory.directory, "open");
    await memory.close();
  });

  test("by query, in a clip that is still undecided", async () => {
    const { memory, target } = await household();
    await memory.forget({ entries: [target.id] });
    const line = { startSeconds: 100, endSeconds: 101, text: canaryText, speaker: "Quentin" };
    const frames = [frameOf(10, canaryPicture)];
    await memory.addObservation(observationOf("hall", 10, { speech: [line], frames }));
    const report = await memory.forget({ query: canary });
    assert.deepEqual([report.entries, report.clips, report.observations, report.blobs], [0, 1, 1, 1]);
    assert.deepEqual((await memory.progress("hall", 5)).pending, []);
    assertNoTrace(memory.directory, "open");
    await memory.close();
  });

  for (const request of [{ query: canary }, { person: "Quentin" }, { fromSeconds: 200, toSeconds: 210 }]) {
    test(`by ${Object.keys(request)[0]}, in an old clip without an entry`, async () => {
      const { memory, target } = await household();
      await memory.forget({ entries: [target.id] });
      const line = { startSeconds: 200, endSeconds: 201, text: canaryText, speaker: "Quentin" };
      await remember(memory, "hall", 20, [], { speech: [line], frames: [frameOf(20, canaryPicture)] });
      for (let clip = 21; clip < 31; clip++) await remember(memory, "hall", clip, []);
      assert.ok(filesHolding(memory.directory, canary).some((name) => name.startsWith("blobs")));
      const report = await memory.forget(request);
      assert.deepEqual([report.entries, report.observations, report.blobs], [0, 1, 1]);
      assertNoTrace(memory.directory, "open");
      assert.deepEqual(await memory.check(), []);
      await memory.close();
    });
  }

  test("by person, in questions and corrections about them", async () => {
    const { memory, target } = await household();
    await memory.forget({ entries: [target.id] });
    await addTask(memory, "task_named", "Where was Zanzibarkanarie?", []);
    await memory.addFeedback("task_other", { atMs: 1, verdict: "wrong", correction: "zanzibarkanarie did" });
    assert.equal((await memory.forget({ person: "Zanzibarkanarie" })).tasks, 2);
    assert.deepEqual(await memory.tasks(), []);
    assertNoTrace(memory.directory, "open");
    await memory.close();
  });
});

describe("after forgetting a person, of a stream longer than observations are kept", () => {
  test("no file of the memory or of a new export holds a word that only they said", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    await watchGuests(memory, 800);
    const words = [guest, ...[...guestWords.values()].flat()];
    for (const word of words) assert.ok(filesHolding(memory.directory, word).length > 0, word);
    await memory.forget({ person: guest });
    const exported = join(folder, String(opened++));
    await exportMemory(memory, exported);
    for (const place of [memory.directory, exported])
      for (const word of words) assert.deepEqual(filesHolding(place, word), [], word);
    await memory.close();
    for (const word of words) assert.deepEqual(filesHolding(memory.directory, word), [], word);
  });
});

describe("after forgetting a stream", () => {
  test("nothing of it is in a file: names, marks of files, things left out, failures, gaps, words", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    const id = "xylokeller";
    await memory.addStream({
      ...{ id, description: "/videos/xylokeller.mp4", clipSeconds: 10, clock: { kind: "media" } },
      fingerprint: "print-xylokeller",
    });
    await (await memory.lease(id)).release();
    const file = { id: "xylokeller-part", name: "xylokeller-1.mp4", startSeconds: 0, watchedSeconds: 20 };
    await memory.keepFiles(id, [{ ...file, bytes: 12345, whole: true }]);
    const said = { startSeconds: 1, endSeconds: 2, text: "The xylokeller is quuxy", speaker: "Xylokeller" };
    await remember(memory, id, 0, ["Ann: the xylokeller is wet"], { speech: [said] });
    await memory.addObservation(observationOf(id, 1, { speech: [said] }));
    await memory.failClip(id, 1, { code: "bad-request", message: "xylokeller", retryable: false });
    await memory.addObservation(observationOf(id, 2, { captions: [said] }));
    await memory.keepLeftOut(id, [{ kind: "file", name: "xylokeller.doc", reason: "It is not read." }]);
    await memory.addGap({
      ...{ kind: "gap", stream: id, startSeconds: 40, endSeconds: 50, reason: "unreadable" },
      detail: "xylokeller-2.mp4 breaks off",
    });
    for (const word of ["xylokeller", "quux"])
      assert.ok(filesHolding(memory.directory, word).length > 0, word);
    const report = await memory.forget({ streams: [id] });
    assert.deepEqual([report.streams, report.clips, report.gaps], [1, 3, 1]);
    for (const word of ["xylokeller", "quux"]) assert.deepEqual(filesHolding(memory.directory, word), []);
    assert.deepEqual(await memory.check(), []);
    await memory.close();
    for (const word of ["xylokeller", "quux"]) assert.deepEqual(filesHolding(memory.directory, word), []);
  });
});

describe("the file is rewritten", () => {
  test("so that rows that SQLite moved between pages leave no bytes behind", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    await addTestStream(memory, "kitchen");
    const random = seededRandom("moved rows");
    const rare: string[] = [];
    for (let clip = 0; clip < 300; clip++) {
      const speech = Array.from({ length: randomInt(random, 5) }, (_, i) => {
        const filler = Array.from({ length: randomInt(random, 30) }, () => `w${randomInt(random, 400)}`);
        const isQuentin = random() < 0.4;
        if (isQuentin) rare.push(`zq${clip}x${i}k`);
        const text = [isQuentin ? rare.at(-1) : "lamp", ...filler].join(" ");
        const [startSeconds, speaker] = [clip * 10 + i, isQuentin ? "Quentin" : "Ann"];
        return { startSeconds, endSeconds: startSeconds + 1, text, speaker };
      });
      const kept = speech.filter(() => random() < 0.5);
      await remember(
        memory,
        "kitchen",
        clip,
        kept.map(({ speaker, text }) => `${speaker}: ${text}`),
        { speech },
      );
    }
    await memory.forget({ person: "Quentin" });
    const bytes = ["", "-wal"].map((end) =>
      readFileSync(join(memory.directory, `memory.db${end}`), "latin1"),
    );
    assert.deepEqual(
      rare.filter((word) => bytes.some((text) => text.includes(word))),
      [],
    );
    await memory.close();
  });

  test("and the vectors that stay are found, where whole chunks of others are gone", async () => {
    const memory = await openTestMemory(join(folder, String(opened++)));
    for (const stream of ["hall", "kitchen"]) {
      await addTestStream(memory, stream);
      for (let clip = 0; clip < 3; clip++) {
        const texts = Array.from({ length: 100 }, (_, i) => `Ann: lamp ${clip * 100 + i} of the ${stream}`);
        await remember(memory, stream, clip, texts);
      }
    }
    await memory.forget({ streams: ["hall"] });
    assert.deepEqual(await memory.check(), []);
    for (const entry of (await memory.entries()).filter((_, place) => place % 50 === 0)) {
      const found = await memory.recall({ text: entry.text, limit: 5 });
      const { vector } = found.find((one) => one.entry.id === entry.id)!.score;
      assert.ok(vector!.score > 0.999);
    }
    await memory.close();
  });
});

describe("forgetting", () => {
  test("leaves no vector of a forgotten text in the file", async () => {
    const { memory, target } = await household();
    const [vector] = await localEmbedder.embed([target.text]);
    const bytes = Buffer.from(vector!.buffer, vector!.byteOffset, 64 * 4);
    const isHeld = () =>
      readdirSync(memory.directory)
        .filter((name) => name.startsWith("memory.db"))
        .some((name) => readFileSync(join(memory.directory, name)).includes(bytes));
    assert.ok(isHeld());
    await memory.forget({ entries: [target.id] });
    assert.ok(!isHeld());
    await memory.close();
  });

  test("says so when a reader stops the log from being emptied, and empties it on the next call", async () => {
    const { memory } = await household();
    const reader = memory.rows()[Symbol.asyncIterator]();
    await reader.next();
    await assert.rejects(
      memory.forget({ query: canary }),
      (error: unknown) => error instanceof StoreError && error.code === "store-busy",
    );
    assert.equal((await memory.recall({ text: canary }))[0]?.score.fullText, undefined);
    await reader.return!(undefined);
    await memory.forget({ query: canary });
    assertNoTrace(memory.directory, "open");
    await memory.close();
  });

  test("deletes the matrices of adapters that it removes, and keeps those of others", async () => {
    const { memory } = await household();
    const [gone, kept] = ["5f0e", "77aa"].map((name) => join(memory.directory, "adapters", name));
    for (const path of [gone!, kept!]) mkdirSync(path, { recursive: true });
    const [task] = await memory.tasks();
    for (const [id, tasks, uri] of [
      ["of-canary", [task!.id], "5f0e"],
      ["imported", [], "77aa"],
    ] as const)
      await memory.addAdapter({
        ...{ id, policy: "model", revision: uri, state: "candidate", reason: "", atMs: 1, tasks },
        file: JSON.stringify({ uri }),
      });
    await memory.forget({ query: canary });
    assert.deepEqual([existsSync(gone!), existsSync(kept!)], [false, true]);
    await memory.close();
  });

  test("deletes the records of training, because they hold texts", async () => {
    const { memory } = await household();
    const run = join(memory.directory, "runs", "adapter_1");
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, "rollouts.jsonl"), `{"text":"${canaryText}"}\n`);
    await memory.forget({ query: canary }, { dryRun: true });
    assert.ok(existsSync(run));
    await memory.forget({ query: canary });
    assertNoTrace(memory.directory, "open");
    await memory.close();
  });
});
