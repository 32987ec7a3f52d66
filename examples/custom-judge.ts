/** A judge of your own: which of two memories the policy learns to prefer. Run: node examples/custom-judge.ts */
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Judge, openTaskMem } from "taskmem";

let comparisons = 0;
/** Prefers the memory that names more people; it does not grade. */
const judge: Judge = {
  id: "names-people",
  quality: async () => ({ ok: true, value: { correct: true, clean: true, rationale: "not looked at" } }),
  richness: async ({ memories }) => ({ ok: true, value: memories.map(({ length }) => length) }),
  async relevance({ first, second }) {
    comparisons += 1;
    const people = (text: string) => text.match(/\b(Mia|Noor|Olaf|Pia)\b/g)?.length ?? 0;
    const difference = people(first) - people(second);
    return { ok: true, value: difference > 0 ? "first" : difference < 0 ? "second" : "tie" };
  },
};

const names = ["Mia", "Noor", "Olaf", "Pia"];
const lines = Array.from({ length: 96 }, (_, i) =>
  i % 4 === 0
    ? `${names[(i / 4) % 4]} walks by with ${names[(i / 4 + 1) % 4]} and stops at gate ${i}.`
    : `Gate ${i} opens, a lamp turns green and bell ${100 + i} rings ${i} times.`,
);
const folder = await mkdtemp(join(tmpdir(), "taskmem-example-"));
const rows = lines.map((text, i) => JSON.stringify({ startSeconds: i * 7, endSeconds: i * 7 + 6, text }));
await writeFile(join(folder, "yard.jsonl"), rows.join("\n"));

await using memory = await openTaskMem({
  ...{ directory: join(folder, "memory"), judge, choice: { budget: 0.3 }, adapt: { auto: false } },
});
await memory.watch(join(folder, "yard.jsonl"));
for (const name of [...names, "the guard"])
  await memory.recordTask({ question: `Where does ${name} stop today?` });

const result = await memory.learn({ method: "preferences" });
console.log(`${comparisons} comparisons, ${result.pairs} pairs, ${result.steps} steps: ${result.reason}`);
assert.ok(comparisons > 0 && result.pairs > 0);
const learned = result.words.slice(0, 6).map(({ word }) => word.toLowerCase());
console.log(learned.join(", "));
assert.ok(names.some((name) => learned.includes(name.toLowerCase())));
