/**
 * Facts that change, told in other words each time and among other talk: a question gets the statement that holds, or,
 * where it asks for it, the first, the one before, since when, how often it changed, or what held on a day.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { answerQuestion } from "../src/answer/answer.ts";
import type { Reader } from "../src/answer/reader.ts";
import { noCost } from "../src/engine.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import type { Memory } from "../src/memory/memory.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { type Changing, facts, otherFacts, otherTalk, talk } from "./support/changing-facts.ts";
import { observationOf } from "./support/memory.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-replaced-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Seven days from Monday 2026-03-02, one value of each fact a day. */
const firstDayMs = Date.UTC(2026, 2, 2);
const now = () => firstDayMs + 6 * 86_400_000 + 20 * 3_600_000;

async function memoryOfWeek(
  name: string,
  facts: readonly Changing[],
  talk: readonly string[],
): Promise<Memory> {
  const memory = await openSqliteMemory(join(folder, name), {
    words: wordSpace,
    embedder: localEmbedder,
    now,
  });
  const stream = "house";
  const clock = { kind: "wall", originMs: firstDayMs } as const;
  await memory.addStream({ id: stream, description: stream, clipSeconds: 10, clock, fingerprint: null });
  for (let day = 0; day < 7; day++) {
    const lines = [
      ...facts.map(({ speaker, told, values }) => [speaker, told[day]!.replace("@", values[day]!)] as const),
      ...talk.map((text, i) => [facts[(i + day) % facts.length]!.speaker, text] as const),
    ];
    for (const [i, [speaker, text]] of lines.entries()) {
      const clip = (day * 86_400 + 9 * 3600 + i * 600) / 10;
      await memory.addObservation(observationOf(stream, clip));
      const [startSeconds, endSeconds] = [clip * 10, clip * 10 + 3];
      const statement = {
        clip,
        kind: "episodic" as const,
        startSeconds,
        endSeconds,
        sources: [],
        frameSeconds: [],
      };
      await memory.commit({
        ...{ stream, clips: [clip], policy: "test", revision: "test@1", stateChange: null },
        statements: [{ ...statement, text: `${speaker}: ${text}`, speakers: [speaker] }],
      });
    }
  }
  return memory;
}

/** Each question with the place of the value that answers it. */
type Asked = readonly (readonly [question: string, place: number])[];
const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);

const openers = ({ now: current, past }: Changing): Asked => {
  const plain = current.replace("?", "");
  return [
    [current, -1],
    [`${plain} now?`, -1],
    [`${plain} at the moment?`, -1],
    [`Hi, can you tell me: ${lower(current)}`, -1],
    [`${past} at first?`, 0],
    [`${past} originally?`, 0],
    [`${past} before that?`, -2],
    [`${past} previously?`, -2],
    [`${past} on Tuesday?`, 1],
    [`${past} on 2026-03-05?`, 3],
    [`Since when is that so: ${lower(current)}`, -1],
  ];
};

const otherOpeners = ({ now: current, past }: Changing): Asked => {
  const plain = current.replace("?", "");
  return [
    [current, -1],
    [`${plain} right now?`, -1],
    [`${plain} currently?`, -1],
    [`Could you remind me ${lower(current)}`, -1],
    [`As of now, ${lower(current)}`, -1],
    [`${past} in the beginning?`, 0],
    [`What came first: ${lower(past)}?`, 0],
    [`${past} before the current one?`, -2],
    [`${past} until recently?`, -2],
    [`${past} on Wednesday?`, 2],
    [`${past} on March 6?`, 4],
    [`Since when: ${lower(current)}`, -1],
  ];
};

for (const [name, changing, noise, asking] of [
  ["the question's words", facts, talk, openers],
  ["other words", otherFacts, otherTalk, otherOpeners],
] as const) {
  test(`in ${name}: answers what holds, what held, since when and how often it changed`, async () => {
    const memory = await memoryOfWeek(name, changing, noise);
    const reader = lexicalReader({ words: wordSpace });
    const wrong: string[] = [];
    for (const fact of changing) {
      const held = (place: number) => fact.values.at(place)!;
      for (const [question, place] of asking(fact)) {
        const answer = await answerQuestion(question, { memory, reader, now, record: false });
        const stale = fact.values.filter((value) => value !== held(place) && answer.answer.includes(value));
        const day = question.startsWith("Since") ? "2026-03-08" : "";
        if (
          answer.abstained ||
          !answer.answer.includes(held(place)) ||
          stale.length > 0 ||
          !answer.answer.includes(day)
        )
          wrong.push(`${question} → ${answer.answer.replaceAll("\n", " // ")}`);
        const shown = answer.recall.slice(0, 3).map(({ entry }) => entry);
        if (answer.earlier.some(({ entry }) => shown.includes(entry)))
          wrong.push(`${question} recalls a stale one`);
      }
      const often = await answerQuestion(fact.changes, { memory, reader, now, record: false });
      if (!often.answer.includes("6 times"))
        wrong.push(`${fact.changes} → ${often.answer.replaceAll("\n", " // ")}`);
    }
    assert.deepEqual(wrong, []);
    await memory.close();
  });
}

test("what is recalled, and shown to a model, begins with what holds; the replaced come last", async () => {
  const store = await memoryOfWeek("recalled", facts, talk);
  await using memory = await openTaskMem({ directory: join(folder, "recall"), store, now });
  const shown: string[][] = [];
  const reader: Reader = {
    ...lexicalReader({ words: wordSpace }),
    read: async ({ recalled }) => {
      shown.push(recalled.map(({ entry }) => entry.text));
      return { answer: "", option: null, abstained: true, cited: [], cost: noCost };
    },
  };
  for (const { now: current, past, values } of facts) {
    const staleAmong = (texts: readonly string[]) =>
      texts.slice(0, 8).filter((text) => values.slice(0, -1).some((value) => text.endsWith(`${value}.`)));
    const texts = (await memory.recall(current)).map(({ entry }) => entry.text);
    assert.deepEqual(staleAmong(texts), [], current);
    assert.ok(
      texts.slice(0, 3).some((text) => text.includes(values.at(-1)!)),
      current,
    );
    await answerQuestion(current, { memory: store, reader, now, record: false });
    assert.deepEqual(staleAmong(shown.at(-1)!), [], current);
    const asked = (await memory.recall(`${past} at first?`)).map(({ entry }) => entry.text);
    assert.ok(staleAmong(asked).length > 0, `${past} at first?`);
  }
});
