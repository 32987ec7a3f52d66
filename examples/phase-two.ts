/** Phase Two: five questions change what is remembered next, at the same budget. Run: node examples/phase-two.ts */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTaskMem } from "taskmem";

const piers = "Abbot Bream Cooper Dorset Elder Fisher Grange Hazel Ivory Juniper".split(" ");
const height = (pier: number, seed: number) => 12 + ((pier * 17 + seed * 11) % 80);
const numbers = (count: number) => Array.from({ length: count }, (_, k) => k);

/** A day at a harbour, made up: much talk of tides, and once in 90 s, among deliveries, what a gauge really reads. */
const day = (seed: number) =>
  [
    ...numbers(60).map((k) => `The radio reads tide, gauge and pier news in centimetres, part ${k}.`),
    ...piers.flatMap((pier, i) => [
      ...numbers(12).map((k) => {
        const n = 1000 * seed + 12 * i + k;
        return `Van ${n} brought parcel ${n + 3000} for cabin ${n + 5000} today.`;
      }),
      `The tide gauge at the ${pier} pier reads ${height(i, seed)} centimetres.`,
    ]),
  ]
    .map((text, k) => JSON.stringify({ startSeconds: k * 7, endSeconds: k * 7 + 6, text }))
    .join("\n");

const folder = await mkdtemp(join(tmpdir(), "taskmem-example-"));
await writeFile(join(folder, "monday.jsonl"), day(1));
await writeFile(join(folder, "tuesday.jsonl"), day(2));

// Three words in ten are kept. Learning by itself is off, to show each step.
await using memory = await openTaskMem({
  directory: join(folder, "memory"),
  choice: { budget: 0.3 },
  adapt: { auto: false },
});
const tides = async (stream: string) => {
  const { entries } = await memory.timeline({ streams: [stream] });
  return entries.filter(({ text }) => text.includes("gauge at")).length;
};

await memory.watch(join(folder, "monday.jsonl"));
for (const [i, pier] of [...piers.entries()].slice(4, 9)) {
  const heights = [height(i, 1), height(i, 1) + 3, height(i, 1) + 7];
  const text = `What does the tide gauge at the ${pier} pier read?`;
  const { task, option } = await memory.ask({ text, options: heights.map((cm) => `${cm} centimetres`) });
  const verdict = option === "A" ? "right" : "wrong";
  await memory.store.addFeedback(task!, { atMs: Date.now(), verdict, correction: "A" });
}
const result = await memory.learn();
console.log(result.reason, "|", result.words.map(({ word }) => word).join(", "));
assert.equal(result.activated, true, result.reason);

await memory.watch(join(folder, "tuesday.jsonl"));
const [before, after] = [await tides("monday"), await tides("tuesday")];
console.log(`lines on tides: ${before} of 10 on Monday, ${after} of 10 on Tuesday`);
assert.ok(after > before);

await memory.adapters.rollback();
assert.equal(await memory.adapters.active(), null);
