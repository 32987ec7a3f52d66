/**
 * Ten questions of one kind about a made-up stream: the memory learns from them by itself, and keeps more of what later
 * questions of the kind ask about, in no more tokens. `perf/lessons.ts` measures the same on real streams.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import { inMemoryStore } from "../src/memory/in-memory.ts";
import { openTaskMem } from "../src/taskmem.ts";
import type { AdapterResult } from "../src/training/train-adapter.ts";
import { pick, type Random, seededRandom, shuffle } from "../src/util/random.ts";
import { temporaryFolder } from "./support/memory.ts";

const folder = temporaryFolder("lessons");
const topics: Readonly<Record<string, readonly string[]>> = {
  money: ["price", "ticket", "discount", "receipt", "crowns", "wallet"],
  garden: ["rose", "spade", "hedge", "seed", "pond", "gravel"],
  boats: ["anchor", "harbour", "sail", "rope", "deck", "tide"],
  music: ["violin", "choir", "tune", "drum", "stage", "chorus"],
};
const syllables = ["ba", "ko", "li", "mur", "ne", "pas", "rin", "so", "tul", "ve"];
const rareWord = (random: Random) => Array.from({ length: 3 }, () => pick(random, syllables)).join("");

/** A line said in 4 s: two words of a topic among four that are nearly always new. */
function talk(name: string, lines: number) {
  const random = seededRandom(`talk ${name}`);
  return Array.from({ length: lines }, (_, i) => {
    const topic = pick(random, Object.keys(topics));
    const [first, second] = shuffle(random, topics[topic]!);
    const rare = Array.from({ length: 4 }, () => rareWord(random));
    const text = `the ${first} ${rare[0]} and the ${rare[1]} of the ${second} near ${rare[2]} ${rare[3]}`;
    return {
      topic,
      first,
      second,
      startSeconds: 2 * i,
      endSeconds: 2 * i + 2,
      speaker: pick(random, ["Ann", "Ben"]),
      text,
    };
  });
}

/** Watches a talk, asks these questions about it, then watches another. */
async function lesson(name: string, questions: readonly string[]) {
  const results: AdapterResult[] = [];
  const store = inMemoryStore({ words: wordSpace, embedder: localEmbedder, now: Date.now });
  await using memory = await openTaskMem({
    ...{ directory: join(folder, name), store, choice: { budget: 0.2 } },
    onLearning: (event) => event.event === "learning-end" && results.push(event.result),
  });
  await memory.watch(fileOf("first", first));
  for (const question of questions) {
    await memory.ask(question);
    await memory.settled();
  }
  await memory.watch(fileOf("second", second));
  const entries = await memory.store.entries({ streams: ["second"] });
  const of = (topic: string) => second.filter((line) => line.topic === topic);
  const keptOf = (topic: string) =>
    of(topic).filter(({ text }) => entries.some((entry) => entry.text.endsWith(text))).length /
    of(topic).length;
  const tokens = entries.reduce((sum, { text }) => sum + wordSpace.countTokens(text), 0);
  return { results, keptOf, tokens };
}

const [first, second] = [talk("first", 300), talk("second", 300)];
function fileOf(name: string, lines: ReturnType<typeof talk>): string {
  const path = join(folder, `${name}.jsonl`);
  const rows = lines.map(({ startSeconds, endSeconds, speaker, text }) =>
    JSON.stringify({ startSeconds, endSeconds, speaker, text }),
  );
  writeFileSync(path, rows.join("\n"));
  return path;
}
const asks = (lines: ReturnType<typeof talk>) =>
  lines.map(({ first, second }) => `Who told about the ${first} and the ${second}?`);
const distinct = (questions: readonly string[], count: number) => [...new Set(questions)].slice(0, count);

test("ten questions of one kind are a lesson, and more of what later ones ask about is kept", async () => {
  const without = await lesson("without", []);
  const money = distinct(asks(first.filter(({ topic }) => topic === "money")), 10);
  const { results, keptOf, tokens } = await lesson("money", money);
  assert.equal(results.length, 2, "after the fifth question and after the tenth");
  const last = results.at(-1)!;
  assert.equal(last.activated, true, last.reason);
  assert.equal(last.questions, 10, "earlier questions count again");
  assert.ok(last.evidenceAfter > last.evidenceBefore);
  assert.ok(
    keptOf("money") > 1.3 * without.keptOf("money"),
    `${without.keptOf("money")} → ${keptOf("money")}`,
  );
  // What is saved for lines of the kind need not all be spent; a memory cut short would not do.
  const share = tokens / without.tokens;
  assert.ok(share > 0.85 && share < 1.02, `${tokens} for ${without.tokens}`);
});

test("five questions about what the stream does not tell are refused, with how many more it takes", async () => {
  const questions = ["moon", "lava", "comet", "glacier", "canyon"].map(
    (word) => `Who told about the ${word}?`,
  );
  const { results } = await lesson("elsewhere", questions);
  const [{ activated, reason }] = results as [AdapterResult];
  assert.equal(activated, false);
  assert.match(reason, /not significantly better .*: at least 4 more that gain by it are needed$/);
});
