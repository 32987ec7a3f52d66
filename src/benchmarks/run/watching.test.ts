import assert from "node:assert/strict";
import { test } from "node:test";
import { localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { inMemoryStore } from "../../memory/in-memory.ts";
import { choicePolicy } from "../../policies/choice/choice.ts";
import type { Clip, Gap, Source } from "../../stream/clip.ts";
import type { Span } from "../task.ts";
import { sealMemory } from "./sealed.ts";
import { limited, watchUntil } from "./watching.ts";

const clip = (index: number, endSeconds = index * 10 + 10): Clip => ({
  ...{ kind: "clip", stream: "s", index, startSeconds: index * 10, endSeconds },
  ...{ frames: [], largeFrames: [], audio: null, cues: [], shots: [] },
});
const gap = (startSeconds: number, endSeconds: number): Gap => ({
  ...{ kind: "gap", stream: "s", startSeconds, endSeconds, reason: "between-files", detail: "" },
});

/** Twelve clips with a gap from 50 to 70, the last one short. */
const items = [
  ...[0, 1, 2, 3, 4].map((i) => clip(i)),
  gap(50, 70),
  ...[7, 8, 9, 10].map((i) => clip(i)),
  clip(11, 113),
];
const opened: number[] = [];
const source: Source = {
  ...{ id: "s", description: "s", live: false, clock: { kind: "media" }, clipSeconds: 10 },
  ...{ endSeconds: 113, fingerprint: null, leftOut: [] },
  async *open({ fromSeconds = 0 } = {}) {
    opened.push(fromSeconds);
    yield* items.filter((item) => item.endSeconds > fromSeconds);
  },
};

async function seen(
  spans: readonly Span[] | null,
  until: number | "end",
  grid: number,
  fromSeconds = 0,
): Promise<string> {
  const found: string[] = [];
  for await (const item of limited(source, spans, until, grid).open({ fromSeconds })) {
    found.push(item.kind === "clip" ? String(item.index) : `gap ${item.startSeconds}-${item.endSeconds}`);
  }
  return found.join(", ");
}

const span = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });

test("shows nothing that a decision after the limit would hold", async () => {
  assert.equal(await seen(null, "end", 10), "0, 1, 2, 3, 4, gap 50-70, 7, 8, 9, 10, 11");
  assert.equal(await seen(null, 35, 10), "0, 1, 2");
  assert.equal(await seen(null, 35, 30), "0, 1, 2");
  assert.equal(await seen(null, 59.9, 30), "0, 1, 2");
  assert.equal(await seen(null, 30, 30), "0, 1, 2");
  assert.equal(await seen(null, 9, 10), "");
});

test("a gap is yielded when it is over", async () => {
  assert.equal(await seen(null, 60, 10), "0, 1, 2, 3, 4");
  assert.equal(await seen(null, 70, 10), "0, 1, 2, 3, 4, gap 50-70");
});

test("where one stops the next continues, and nothing is lost between", async () => {
  for (const grid of [10, 30]) {
    for (let stop = 0; stop <= 120; stop += 7) {
      const first = await seen(null, stop, grid);
      const clips = first.split(", ").filter((name) => /^\d+$/.test(name));
      const next = clips.length === 0 ? 0 : 10 * (Number(clips.at(-1)) + 1);
      const rest = await seen(null, "end", grid, next);
      const together = [...new Set([...first.split(", "), ...rest.split(", ")])].filter(Boolean).join(", ");
      assert.equal(together, "0, 1, 2, 3, 4, gap 50-70, 7, 8, 9, 10, 11", `stopped at ${stop} of ${grid}`);
    }
  }
});

test("spans are widened to whole decisions, what lies between was not watched", async () => {
  assert.equal(await seen([span(12, 18), span(85, 88)], "end", 10), "1, gap 20-80, 8");
  assert.equal(await seen([span(12, 18), span(85, 88)], "end", 30), "0, 1, 2, gap 30-60, gap 50-70, 7, 8");
  assert.equal(await seen([span(12, 31), span(35, 38)], "end", 30), "0, 1, 2, 3, 4");
  assert.equal(await seen([span(12, 18), span(85, 88)], 88, 10), "1");
});

test("spans are opened where they begin, and taken up where a run stopped", async () => {
  opened.length = 0;
  await seen([span(12, 18), span(85, 88)], "end", 10);
  assert.deepEqual(opened, [10, 80]);
  assert.equal(await seen([span(12, 38), span(85, 88)], "end", 10, 20), "2, 3, gap 40-80, 8");
  assert.equal(await seen([span(12, 18), span(85, 88)], "end", 10, 20), "gap 20-80, 8");
});

test("a memory that is asked before anything was watched holds the stream and answers from nothing", async () => {
  const memory = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now });
  const plan = { parts: [{ policy: choicePolicy({ words: wordSpace }), fromSeconds: 0 }], spans: null };
  const perceptors = { transcriber: null, language: null, screenReader: null };
  await watchUntil(memory, source, { ...plan, untilSeconds: 0 }, { perceptors, windowClips: 5 });
  assert.deepEqual(
    (await memory.streams()).map(({ id }) => id),
    ["s"],
  );
  const { memory: sealed } = sealMemory(memory, "s", 0);
  assert.deepEqual(
    [await sealed.entries(), await sealed.recall({ text: "keys" }), await sealed.gaps()],
    [[], [], []],
  );
});
