import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  addTestStream,
  decisionOf,
  frameOf,
  observationOf,
  openTestMemory,
  statementOf,
  temporaryFolder,
} from "../../../test/support/memory.ts";
import { answerQuestion } from "../../answer/answer.ts";
import { lexicalReader, wordSpace } from "../../engines/local/index.ts";
import { StoreError } from "../../errors.ts";
import type { Memory } from "../../memory/memory.ts";
import { letterOptions } from "../../tasks/task.ts";
import { sealMemory } from "./sealed.ts";

const folder = temporaryFolder("sealed");
const secret = "the code is 4711";

/** Three clips of the stream, with a secret in what was heard but not kept, and another stream. */
async function filledMemory(t: TestContext): Promise<Memory> {
  const memory = await openTestMemory(join(folder, t.name.replace(/\W+/g, "-").slice(0, 60)));
  t.after(() => memory.close());
  for (const stream of ["day", "other"]) {
    await addTestStream(memory, stream);
    for (const clip of [0, 1, 2]) {
      const sources = [
        {
          kind: "speech",
          startSeconds: clip * 10,
          endSeconds: clip * 10 + 3,
          text: secret,
          speaker: "Mira",
          confidence: null,
        },
      ] as const;
      await memory.addObservation(
        observationOf(stream, clip, { frames: [frameOf(clip, `${stream}-${clip}`)] }),
      );
      const statement = statementOf(clip, `Mira puts lantern ${clip} of ${stream} on the shelf`, {
        sources,
        frameSeconds: [clip * 10 + 1],
      });
      await memory.commit(decisionOf(stream, [statement]));
    }
  }
  await memory.addGap({
    kind: "gap",
    stream: "day",
    startSeconds: 30,
    endSeconds: 60,
    reason: "source-down",
    detail: "/home/mira/day.mp4 is gone",
  });
  return memory;
}

test("an honest answerer answers from it as from any memory", async (t) => {
  const memory = await filledMemory(t);
  const { memory: sealed, accesses } = sealMemory(memory, "day", "end");
  const question = {
    text: "Which lantern is on the shelf?",
    options: letterOptions(["lantern 1", "kettle"]),
  };
  const answer = await answerQuestion(question, {
    memory: sealed,
    reader: lexicalReader({ words: wordSpace }),
    now: () => 0,
    record: false,
    mode: "whole-memory",
  });
  assert.equal(answer.option, "A");
  assert.ok(answer.citations.every(({ stream }) => stream === "day"));
  assert.ok(accesses.some(({ call, returned }) => call === "recall" && returned === 3));
  assert.ok(accesses.every(({ refused }) => !refused));
});

test("a cheating answerer that reaches for media, paths or writing is refused and on record", async (t) => {
  const memory = await filledMemory(t);
  const [{ evidence }] = (await memory.entries({ streams: ["day"] })) as [
    Awaited<ReturnType<Memory["entry"]>> & object,
  ];
  const cheats: Record<string, (sealed: Memory) => unknown> = {
    blob: (sealed) => sealed.blob(evidence.frames[0]!.hash),
    observations: (sealed) => sealed.observations("day"),
    progress: (sealed) => sealed.progress("day", 5),
    rows: (sealed) => sealed.rows(),
    directory: (sealed) => sealed.directory,
    tasks: (sealed) => sealed.tasks(),
    adapters: (sealed) => sealed.adapters(),
    policyState: (sealed) => sealed.policyState("choice", "day"),
    addTask: (sealed) => sealed.addTask({} as never),
    commit: (sealed) => sealed.commit({} as never),
    prototype: (sealed) => (sealed as { prototype?: unknown }).prototype,
    "set entries": (sealed) => {
      (sealed as { entries: unknown }).entries = null;
    },
    "define blob": (sealed) => Object.defineProperty(sealed, "blob", { value: 1 }),
  };
  for (const [call, cheat] of Object.entries(cheats)) {
    const { memory: sealed, accesses } = sealMemory(memory, "day", "end");
    assert.throws(
      () => cheat(sealed),
      (error: unknown) =>
        error instanceof StoreError && error.code === "sealed" && error.message.includes(`\`${call}\``),
      call,
    );
    assert.deepEqual(accesses, [{ call, refused: true, returned: 0 }]);
  }
});

test("what comes back holds nothing but what was written: no sources, frames, paths, other streams", async (t) => {
  const memory = await filledMemory(t);
  const { memory: sealed } = sealMemory(memory, "day", "end");
  const seen = [
    await sealed.streams(),
    await sealed.entries(),
    await sealed.entries({ streams: ["other"] }),
    await sealed.entries({ streams: ["other", "day"] }),
    await sealed.recall({ text: "lantern code" }),
    await sealed.recall({ text: "lantern", mode: "whole-memory", streams: ["other"] }),
    await sealed.gaps(),
  ] as const;
  const text = JSON.stringify(seen);
  assert.ok(text.includes("lantern 2 of day"));
  for (const hidden of [secret, "day.mp4", "of other", "sidecar", "print-day", folder]) {
    assert.ok(!text.includes(hidden), hidden);
  }
  assert.equal(seen[2].length, 0);
  const [entry] = seen[1];
  assert.deepEqual(entry!.evidence.frames, []);
  const others = await memory.entries({ streams: ["other"] });
  assert.equal(await sealed.entry(others[0]!.id), null);
});

test("nothing after the question is seen, for any query", async (t) => {
  const memory = await filledMemory(t);
  // Entries end at 3, 13 and 23 s, and are known with their clip's end.
  const { memory: sealed } = sealMemory(memory, "day", 25);
  const all = { asOfSeconds: 1e9, toSeconds: 1e9, includeClosed: true };
  const ids = (await memory.entries({ streams: ["day"] })).map(({ id }) => id);
  for (const entries of [
    await sealed.entries(all),
    (await sealed.recall({ text: "lantern", ...all })).map(({ entry }) => entry),
    (await sealed.recall({ text: "lantern", mode: "whole-memory" })).map(({ entry }) => entry),
  ]) {
    assert.deepEqual(entries.map(({ id }) => id).sort(), ids.slice(0, 2).sort());
  }
  assert.equal(await sealed.entry(ids[2]!), null);
  assert.deepEqual(await sealed.gaps(), []);
  const odd = [
    { asOfSeconds: "zzz" },
    { asOfSeconds: Number.NaN },
    { asOfSeconds: { valueOf: () => 1e9 } },
    { streams: { filter: () => ["other"], includes: () => true } },
    { streams: Object.assign(["day"], { filter: () => ["other"] }) },
  ];
  for (const filter of odd as never[]) {
    const texts = (await sealed.entries(filter)).map(({ id }) => id);
    assert.deepEqual(texts.sort(), ids.slice(0, 2).sort(), JSON.stringify(filter));
  }
  assert.deepEqual(await sealed.gaps({ toSeconds: "zzz" } as never), []);
  const { memory: later } = sealMemory(memory, "day", 40);
  assert.deepEqual(
    (await later.gaps()).map(({ endSeconds, detail }) => [endSeconds, detail]),
    [[40, "source-down"]],
  );
});

test("what it hands out cannot be changed, and changes nothing", async (t) => {
  const memory = await filledMemory(t);
  const { memory: sealed } = sealMemory(memory, "day", "end");
  const [entry] = await sealed.entries();
  assert.throws(() => {
    (entry as { text: string }).text = "changed";
  }, TypeError);
  assert.throws(() => (entry!.evidence.clips as number[]).push(9), TypeError);
});

test("a read that fails does not say where the memory lies", async () => {
  const broken = {
    entries: () => Promise.reject(new Error("/home/mira/.taskmem/memory.db is damaged")),
  } as unknown as Memory;
  const { memory: sealed, accesses } = sealMemory(broken, "day", "end");
  await assert.rejects(
    sealed.entries(),
    (error: Error) => !`${error.stack}${error.cause}`.includes("/home/mira"),
  );
  assert.deepEqual(accesses, [{ call: "entries", refused: true, returned: 0 }]);
});
