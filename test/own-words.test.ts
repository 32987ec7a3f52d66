/**
 * What people ask and how they ask it, through the product without a model: notes watched from a file for each hour, questions by kind.
 * Every fault that was once found by asking is here as its kind, or in the file named beside it:
 *
 * | kind of fault | tested in |
 * | --- | --- |
 * | a name and asking words taken for evidence; wrong person; first word taken for a name | here |
 * | days, weekdays, clock times, before and after something; "when" without its moment | here, `src/answer/answer.test.ts` |
 * | questions in other languages in the memory's own words | here, `src/engines/local/lexical-reader.test.ts` |
 * | questions in another language than the memory's | `test/meaning.test.ts` |
 * | irregular forms, letters typed otherwise, numbers and units, denials | here |
 * | a filter that names no one; overview questions; questions that ask nothing | here |
 * | deleting and importing | `src/memory/forget.test.ts`, `src/memory/export.test.ts` |
 * | subtitles in two languages kept and asked as one | here |
 * | laughter and sound tags kept as memories | here, `src/stream/texts/subtitles/cue-reader.test.ts` |
 * | statements that replace one another | `test/replaced-statements.test.ts` |
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-own-words-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Notes of four days, from Monday 2026-03-02; asked on Friday 2026-03-06 at 10:00. */
const notes: Readonly<Record<string, readonly (readonly [time: string, speaker: string, text: string])[]>> = {
  "2026-03-02": [
    ["08:00", "Nora", "The ferry leaves at 17:00."],
    ["08:30", "Otto", "Vera hates celery."],
    ["12:30", "Nora", "We had lentil soup for lunch."],
    ["15:00", "Pia", "The plumber called about the tap."],
    ["15:02", "Otto", "I painted the fence green."],
  ],
  "2026-03-03": [
    ["09:00", "Otto", "I bought a canoe."],
    ["12:30", "Nora", "We had pancakes for lunch."],
    ["18:00", "Pia", "Der Besen steht im Keller."],
    ["18:02", "Zoë", "Łucja weighs the flour: 2.5 kg."],
  ],
  "2026-03-05": [
    ["09:00", "Pia", "The chimney was swept."],
    ["10:00", "Otto", "I never eat mushrooms."],
    ["11:00", "Jürgen", "My tent is orange."],
    ["11:30", "Nora", "Four guests stayed overnight."],
    ["19:00", "Otto", "Ha ha ha."],
  ],
};

const now = () => Date.UTC(2026, 2, 6, 10);
let memory: TaskMem;

before(async () => {
  const opened = { directory: join(folder, "memory"), embedder: { meaning: "off" } } as const;
  await using watching = await openTaskMem(opened);
  for (const [day, lines] of Object.entries(notes)) {
    for (const [hour, own] of Object.entries(Object.groupBy(lines, ([time]) => time.slice(0, 2)))) {
      const file = join(folder, `${day}_${hour}-00-00.jsonl`);
      const rows = own!.map(([time, speaker, text]) => {
        const startSeconds = 60 * Number(time.slice(3));
        return { startSeconds, endSeconds: startSeconds + 3, speaker, text };
      });
      writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
      await watching.watch(file);
    }
  }
  memory = await openTaskMem({ ...opened, now });
});
after(() => memory.close());

/** The answer's text; `null` for a question that is declined. */
async function ask(text: string, options: readonly string[] = []): Promise<string | null> {
  const asked = options.length > 0 ? { text, options } : text;
  const { answer, abstained } = await memory.ask(asked, { record: false });
  return abstained ? null : answer;
}

async function answers(rows: readonly (readonly [question: string, part: string | null])[]): Promise<void> {
  for (const [question, part] of rows) {
    const answer = await ask(question);
    if (part === null) assert.equal(answer, null, question);
    else assert.ok(answer?.includes(part), `${question} → ${answer}`);
  }
}

describe("people", () => {
  test("a name and words that ask are no evidence", () =>
    answers([
      ["Where is Otto?", null],
      ["Who saw Otto?", null],
      ["What is the name of Otto?", null],
      ["When did Pia call?", null],
      ["What colour was Nora wearing?", null],
    ]));

  test("who says something is told from whom it is said of", () =>
    answers([
      ["What does Otto hate?", null],
      ["What does Vera hate?", "Vera hates celery"],
      ["What did Otto paint green?", "fence"],
    ]));

  test("a filter that names no one is named, with who is nearest", async () => {
    await assert.rejects(memory.ask("What was bought?", { speakers: ["Oto"] }), {
      code: "speaker-unknown",
      message: /Otto/,
    });
  });
});

describe("times", () => {
  test("days, weekdays, clock times and what came before or after: 8 of 8", () =>
    answers([
      ["What did we have for lunch on Tuesday?", "pancakes"],
      ["What was for lunch on 2026-03-02?", "lentil soup"],
      ["What was for lunch on March 2?", "lentil soup"],
      ["What was swept yesterday morning?", "chimney"],
      ["What happened at 09:00 on Tuesday?", "canoe"],
      ["What did Otto paint after the plumber called?", "fence green"],
      ["What did Otto buy last Tuesday?", "canoe"],
      ["When was the chimney swept?", "2026-03-05 09:00"],
    ]));

  test("a day of which nothing is remembered is named", async () => {
    const { answer, abstained } = await memory.ask("What was for lunch on Wednesday?", { record: false });
    assert.ok(abstained);
    assert.match(answer, /2026-03-04/);
  });
});

describe("words", () => {
  test("greetings and requests are passed over, and no first word is a name", () =>
    answers([
      ["Hi, when does the ferry leave?", "17:00"],
      ["Remind me when the ferry leaves", "17:00"],
      ["Thanks! When does the ferry leave?", "17:00"],
      ["Find the green fence", "fence green"],
    ]));

  test("irregular forms, letters, numbers and units are one", () =>
    answers([
      ["What did Otto buy?", "canoe"],
      ["What did Otto purchase?", "canoe"],
      ["What colour is Juergen's tent?", "orange"],
      ["How many kilos of flour does Lucja weigh?", "2.5 kg"],
      ["Did 4 guests stay overnight?", "Four guests"],
      ["Which ferry leaves at 5 pm?", "17:00"],
    ]));

  test("what is denied is answered by what is denied", async () => {
    assert.match((await ask("What does Otto never eat?")) ?? "", /mushrooms/);
    assert.equal(await ask("What does Otto eat?"), null);
  });

  test("questions in the words of a memory of another language are answered", () =>
    answers([
      ["Wo steht der Besen?", "Keller"],
      ["Kannst du mir sagen, wo der Besen steht?", "Keller"],
      ["Wo steht der Eimer?", null],
    ]));
});

describe("what asks for nothing in particular", () => {
  test("an overview quotes memories, and marks alone are declined with what is near", async () => {
    for (const question of ["Summarize everything", "What happened on Monday?"])
      assert.match((await ask(question)) ?? "", /ferry|soup|fence|celery|plumber/, question);
    const { abstained } = await memory.ask("??", { record: false });
    assert.ok(abstained);
  });

  test("a declined question shows the nearest moments, which are no answer", async () => {
    const { abstained, citations, nearestMisses } = await memory.ask("Who repaired the ferry's engine?", {
      record: false,
    });
    assert.ok(abstained && citations.length === 0);
    assert.ok(nearestMisses.some(({ text }) => text.includes("ferry")));
  });

  test("laughter is no memory", async () => {
    const { entries } = await memory.timeline();
    assert.ok(!entries.some(({ text }) => /ha ha/i.test(text)));
  });
});

test("subtitles in two languages are one memory each, asked in either, and as many are kept as of one", async () => {
  const said = [
    ["这把伞是在车站找到的", "We found this umbrella at the station"],
    ["面包店星期天不开门", "The bakery is shut on Sundays"],
    ["邻居养了三只鹦鹉", "The neighbour keeps three parrots"],
    ["钥匙在蓝色的罐子里", "The keys are in the blue tin"],
    ["暖气昨天修好了", "The heating was repaired yesterday"],
    ["我们下周去爬山", "Next week we climb the mountain"],
  ];
  const kept = async (name: string, lines: readonly (readonly string[])[]) => {
    const cues = lines.map(
      (text, i) => `${i + 1}\n00:00:${10 + 2 * i},000 --> 00:00:${11 + 2 * i},500\n${text.join("\n")}\n`,
    );
    const file = join(folder, `${name}.srt`);
    writeFileSync(file, cues.join("\n"));
    const own = await openTaskMem({ directory: join(folder, name), embedder: { meaning: "off" } });
    await own.watch(file);
    return own;
  };
  await using both = await kept("both", said);
  await using one = await kept(
    "one",
    said.map(([, english]) => [english!]),
  );
  const [inBoth, inOne] = [(await both.timeline()).entries, (await one.timeline()).entries];
  assert.equal(inBoth.length, inOne.length);
  assert.ok(inBoth.every(({ text }) => text.includes(" / ")));
  for (const question of ["Who keeps parrots?", "邻居养了几只鹦鹉？"]) {
    const { citations } = await both.ask(question, { record: false });
    assert.match(citations[0]?.text ?? "", /三只鹦鹉 .* three parrots/, question);
  }
});
