import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../engines/local/index.ts";
import { ConfigError, DataError } from "../errors.ts";
import type { Entry, Memory, Statement } from "../memory/memory.ts";
import { openSqliteMemory } from "../memory/sqlite.ts";
import { letterOptions } from "../tasks/task.ts";
import type { Clock } from "../util/time.ts";
import { type AskOptions, answerQuestion } from "./answer.ts";
import type { Reader, ReadRequest } from "./reader.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-answer-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const now = () => 1_000_000;
let opened = 0;

/** `[seconds, speaker or null, text]` as one entry each, 10 s a clip, 2 s long. */
type Line = readonly [number, string | null, string];

async function memoryOf(
  lines: readonly Line[],
  stream = "home",
  clock: Clock = { kind: "media" },
): Promise<Memory> {
  const memory = await openSqliteMemory(join(folder, String(opened++)), {
    words: wordSpace,
    embedder: localEmbedder,
    now,
  });
  await watched(memory, lines, stream, clock);
  return memory;
}

async function watched(memory: Memory, lines: readonly Line[], stream: string, clock: Clock): Promise<void> {
  await memory.addStream({ id: stream, description: stream, clipSeconds: 10, clock, fingerprint: null });
  for (const [clip, said] of Map.groupBy(lines, ([seconds]) => Math.floor(seconds / 10))) {
    await memory.addObservation(observationOf(stream, clip));
    const statements = said.map(
      ([startSeconds, speaker, text]): Statement => ({
        clip,
        kind: "episodic",
        startSeconds,
        endSeconds: startSeconds + 2,
        text: speaker === null ? text : `${speaker}: ${text}`,
        speakers: speaker === null ? [] : [speaker],
        sources: [],
        frameSeconds: [],
      }),
    );
    await memory.commit({
      stream,
      clips: [clip],
      policy: "test",
      revision: "test@1",
      statements,
      stateChange: null,
    });
  }
}

const reader = lexicalReader({ words: wordSpace });
const ask = (
  memory: Memory,
  text: string,
  options: AskOptions & { choices?: string[]; by?: Reader } = {},
) => {
  const { choices = [], by = reader, ...rest } = options;
  return answerQuestion({ text, options: letterOptions(choices) }, { memory, reader: by, now, ...rest });
};

/** A reader that keeps what it is shown and cites the given entries. */
function witness(cited: readonly string[] = []): Reader & { readonly seen: ReadRequest[] } {
  const seen: ReadRequest[] = [];
  return {
    id: "witness",
    tokenBudget: 1000,
    seen,
    read: async (request) => {
      seen.push(request);
      return {
        answer: "So it is.",
        option: null,
        abstained: false,
        cited,
        cost: { calls: 1, promptTokens: 2, completionTokens: 3, usd: 4 },
      };
    },
  };
}

const kitchen: readonly Line[] = [
  [3, null, "Ann puts the keys on the desk."],
  [14, "Bob", "The dentist is at four."],
  [27, null, "Ann puts the keys on the shelf."],
  [41, "Ann", "I am going to the garden."],
];

describe("answerQuestion", () => {
  test("cites the moment the answer comes from and records the task", async () => {
    const memory = await memoryOf(kitchen);
    const answer = await ask(memory, "Where does Ann put the keys?", {
      choices: ["on the desk", "on the shelf", "on the table"],
    });
    assert.deepEqual(
      [answer.option, answer.answer, answer.abstained, answer.nearestMisses],
      ["B", "on the shelf", false, []],
    );
    const [citation] = answer.citations;
    assert.deepEqual(
      { ...citation, entry: "" },
      {
        entry: "",
        stream: "home",
        startSeconds: 27,
        endSeconds: 29,
        text: "Ann puts the keys on the shelf.",
      },
    );
    assert.ok(answer.recall.some(({ entry, score }) => entry === citation!.entry && score.total > 0));
    const [task] = await memory.tasks();
    assert.equal(task!.id, answer.task);
    assert.deepEqual(
      [
        task!.askedAtMs,
        task!.stream,
        task!.option,
        task!.abstained,
        task!.citations,
        task!.reader,
        task!.feedback,
      ],
      [1_000_000, "home", "B", false, [citation!.entry], "lexical@2", null],
    );
    assert.equal(task!.question.options.length, 3);
    await memory.close();
  });

  test("sees nothing that ended after its as-of moment", async () => {
    const memory = await memoryOf(kitchen);
    const choices = ["on the desk", "on the shelf"];
    const early = await ask(memory, "Where does Ann put the keys?", { choices, asOfSeconds: 20 });
    assert.equal(early.option, "A");
    const byId = new Map((await memory.entries()).map((entry) => [entry.id, entry]));
    assert.ok(
      early.recall.length > 0 && early.recall.every(({ entry }) => byId.get(entry)!.endSeconds <= 20),
    );
    assert.equal((await memory.tasks())[0]!.asOfSeconds, 20);
    const before = await ask(memory, "Where does Ann put the keys?", { choices, asOfSeconds: 1 });
    assert.deepEqual([before.abstained, before.recall.length], [true, 0]);
    await memory.close();
  });

  test("abstains with the nearest entries and cites nothing", async () => {
    const memory = await memoryOf(kitchen);
    const answer = await ask(memory, "Where does Ann put the violin?", {
      choices: ["in the attic", "on the roof"],
    });
    assert.deepEqual([answer.abstained, answer.option, answer.citations], [true, null, []]);
    assert.match(answer.answer, /"violin"/);
    assert.ok(answer.nearestMisses.length > 0 && answer.nearestMisses.length <= 5);
    assert.equal((await memory.tasks())[0]!.abstained, true);
    await memory.close();
  });

  test("shows moments of talk: what was found with the lines before and after, none of them twice", async () => {
    const memory = await memoryOf([
      [8, "Ann", "Is the ferry full today?"],
      [13, "Bob", "The eleven o'clock one."],
      [16, "Ann", "Then let us take bicycles."],
      [90, "Ann", "The ferry smells of diesel."],
      [200, "Bob", "Nothing beats a ferry."],
    ]);
    const { abstained, nearestMisses, recall } = await ask(memory, "What does the ferry cost?");
    assert.equal(abstained, true);
    const texts = nearestMisses.map(({ text }) => text.split("\n")).toSorted((a, b) => b.length - a.length);
    assert.deepEqual(texts[0], ["Ann: Is the ferry full today?", "Bob: The eleven o'clock one."]);
    assert.equal(new Set(texts.flat()).size, texts.flat().length);
    const talk = nearestMisses.find(({ text }) => text.includes("eleven"))!;
    assert.deepEqual([talk.startSeconds, talk.endSeconds], [8, 15]);
    assert.ok(recall.some(({ entry }) => entry === talk.entry));
    const early = await ask(memory, "What does the ferry cost?", { asOfSeconds: 12 });
    assert.deepEqual(
      early.nearestMisses.map(({ text }) => text),
      ["Ann: Is the ferry full today?"],
    );
    await memory.close();
  });

  test("says that it was not watching if the question is about such a time", async () => {
    const memory = await memoryOf(kitchen);
    await memory.addGap({
      kind: "gap",
      stream: "home",
      startSeconds: 50,
      endSeconds: 70,
      reason: "source-down",
      detail: "The camera was off.",
    });
    const answer = await ask(memory, "Who sings at 1:05?");
    assert.deepEqual([answer.abstained, answer.gaps.length], [true, 1]);
    assert.match(
      answer.answer,
      /^I was not watching then \(00:00:50 to 00:01:10: The camera was off\.\)\. Memory holds/,
    );
    const near = await ask(memory, "Who sings?", { nearSeconds: 55 });
    assert.equal(near.gaps.length, 1);
    const elsewhere = await ask(memory, "Who sings at 0:14?");
    assert.deepEqual(elsewhere.gaps, []);
    const earlier = await ask(memory, "Who sings at 1:05?", { asOfSeconds: 45 });
    assert.deepEqual(earlier.gaps, []);
    await memory.close();
  });

  test("takes a clock time for the moment asked about, but not one beyond what the stream has", async () => {
    const memory = await memoryOf(kitchen);
    const scores = async (text: string) =>
      (await ask(memory, text, { by: witness() })).recall.map(({ score }) => score);
    assert.ok((await scores("Where are the keys at 0:03?")).some(({ time }) => time !== undefined));
    assert.ok((await scores("Where are the keys at 59:00?")).every(({ time }) => time === undefined));
    await memory.close();
  });

  test("reads hours and minutes on a day clock as the moment asked about", async () => {
    const hour = 3600;
    const memory = await memoryOf(
      [
        [9 * hour, null, "Bob waters the plants."],
        [11.5 * hour, null, "Ann waters the plants."],
        [15 * hour, null, "Eva waters the plants."],
      ],
      "day",
      { kind: "day" },
    );
    const by = witness();
    await ask(memory, "Who waters the plants at 11:30?", { by });
    assert.match(by.seen[0]!.recalled[0]!.entry.text, /^Ann/);
    assert.ok(by.seen[0]!.recalled[0]!.score.time);
    await memory.close();
  });

  test("ranks entries of a speaker the question names higher in recall", async () => {
    const memory = await memoryOf([...kitchen, [55, "Ann", "The dentist is at nine."]]);
    const answer = await ask(memory, "When is the dentist that ann mentions?", {
      choices: ["at four", "at nine"],
    });
    assert.equal(answer.option, "B");
    const scores = new Map(answer.recall.map(({ entry, score }) => [entry, score]));
    assert.ok(scores.get(answer.citations[0]!.entry)!.speaker);
    await memory.close();
  });

  test("compares a question by meaning without the speakers that it names, and asks for their entries", async () => {
    const memory = await memoryOf([
      ...kitchen,
      [55, "Jürgen", "Ich habe eine Leiter gekauft."],
      [65, "小明", "我买了一把伞。"],
      [75, "Will", "The tap drips."],
    ]);
    const last = async (text: string) => {
      let [meant, about]: [string | undefined, readonly string[] | undefined] = ["", []];
      const recall: Memory["recall"] = (query) => {
        [meant, about] = [query.meant, query.aboutSpeakers];
        return memory.recall(query);
      };
      await ask({ ...memory, recall }, text, { record: false });
      return [meant, about];
    };
    assert.deepEqual(await last("What did Bob say of the dentist?"), [
      "What did say of the dentist?",
      ["Bob"],
    ]);
    assert.deepEqual(await last("What is in Ann's garden?"), ["What is in garden?", ["Ann"]]);
    assert.deepEqual(await last("Was hat Juergen gekauft?"), ["Was hat gekauft?", ["Jürgen"]]);
    assert.deepEqual(await last("Ann什么时候去花园？"), ["什么时候去花园？", ["Ann"]]);
    assert.deepEqual(await last("小明买了什么？"), ["买了什么？", ["小明"]]);
    // Nothing is left to compare; a word that is no name; no speaker.
    assert.deepEqual(await last("Where is Ann?"), ["Where is Ann?", ["Ann"]]);
    assert.deepEqual(await last("Which tap will drip?"), ["Which tap will drip?", ["Will"]]);
    assert.deepEqual(await last("When is the dentist?"), ["When is the dentist?", undefined]);
    await memory.close();
  });

  test("hands the reader rendered memory with ids and clocks, best entries first", async () => {
    const memory = await memoryOf(kitchen);
    const by = witness();
    await ask(memory, "Where are the keys?", { by });
    const [{ recalled, rendered }] = by.seen as [ReadRequest];
    for (const { entry } of recalled) assert.ok(rendered.includes(`[${entry.id}] ${entry.text}`));
    assert.match(rendered, /00:00:03/);
    const totals = recalled.map(({ score }) => score.total);
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => b - a),
    );
    await memory.close();
  });

  test("reads the whole memory in time order on request", async () => {
    const memory = await memoryOf(kitchen);
    const by = witness();
    await ask(memory, "xylophone?", { by, mode: "whole-memory" });
    assert.deepEqual(
      by.seen[0]!.recalled.map(({ entry }) => entry.startSeconds),
      [3, 14, 27, 41],
    );
    await memory.close();
  });

  test("drops citations of entries that were not recalled and keeps the reader's cost", async () => {
    const memory = await memoryOf(kitchen);
    const real = (await memory.entries())[0]!.id;
    const answer = await ask(memory, "Where are the keys?", { by: witness([real, "entry_made_up"]) });
    assert.deepEqual(
      answer.citations.map(({ entry }) => entry),
      [real],
    );
    assert.equal(answer.cost.usd, 4);
    await memory.close();
  });

  test("asks only the named streams, and records no task if told not to", async () => {
    const memory = await memoryOf(kitchen);
    await watched(memory, [[5, null, "Ann puts the keys on the table."]], "hall", { kind: "media" });
    const choices = ["on the desk", "on the table", "on the shelf"];
    const answer = await ask(memory, "Where does Ann put the keys?", {
      choices,
      streams: ["hall"],
      record: false,
    });
    assert.deepEqual([answer.option, answer.citations[0]!.stream, answer.task], ["B", "hall", null]);
    assert.deepEqual(await memory.tasks(), []);
    await memory.close();
  });

  test("takes a plain string, and options without letters", async () => {
    const memory = await memoryOf(kitchen);
    const { answer, abstained } = await answerQuestion("Where does Ann put the keys?", {
      memory,
      reader,
      now,
    });
    assert.ok(!abstained && answer.includes("keys"));
    const options = ["on the desk", "on the shelf"];
    const chosen = await answerQuestion(
      { text: "Where does Ann put the keys?", options },
      { memory, reader, now },
    );
    assert.equal(chosen.option, "B");
    const [plain, choice] = await memory.tasks();
    assert.deepEqual(plain!.question, { text: "Where does Ann put the keys?", options: [] });
    assert.deepEqual(choice!.question.options, letterOptions(options));
    await memory.close();
  });

  test("refuses an empty question, one option, more options than letters, and an unknown key", async () => {
    const memory = await memoryOf(kitchen);
    const tools = { memory, reader, now };
    const wrong: [string, () => Promise<unknown>][] = [
      ["question-empty", () => answerQuestion("  ", tools)],
      ["options-few", () => answerQuestion({ text: "Which?", options: ["this"] }, tools)],
      ["options-many", () => answerQuestion({ text: "Which?", options: Array(27).fill("x") }, tools)],
      ["option-unknown", () => answerQuestion("Which?", { ...tools, stream: ["home"] } as never)],
    ];
    for (const [code, call] of wrong)
      await assert.rejects(call, (error) => error instanceof ConfigError && error.code === code, code);
    assert.deepEqual(await memory.tasks(), []);
    await memory.close();
  });

  test("names the known streams and people when asked about unknown ones", async () => {
    const memory = await memoryOf([...kitchen, [51, null, "Carla waters the fern."]]);
    const refused = (options: AskOptions, code: string, told: RegExp) =>
      assert.rejects(
        ask(memory, "Where are the keys?", options),
        (error) => error instanceof DataError && error.code === code && told.test(error.message),
      );
    await refused({ streams: ["home", "attic"] }, "stream-unknown", /attic. It holds home/);
    await refused({ speakers: ["Dan"] }, "speaker-unknown", /Dan. It knows Ann, Bob/);
    await refused({ speakers: ["Bobb"] }, "speaker-unknown", /Bobb. Did you mean Bob\? It knows Ann, Bob/);
    await refused({ streams: ["hoem"] }, "stream-unknown", /hoem. Did you mean home\? It holds home/);
    assert.deepEqual(await memory.tasks(), []);
    // Carla is named in a text and speaks nowhere.
    for (const speakers of [["Dan", "ann"], ["carla"], []])
      await ask(memory, "Where are the keys?", { speakers });
    const [{ id }] = (await memory.entries({ speakers: ["Carla"] })) as [Entry, ...Entry[]];
    await memory.closeEntry(id, "it withered");
    await refused({ speakers: ["Carla"] }, "speaker-unknown", /Carla/);
    await memory.close();
  });

  test("stops when its signal aborts, before or while the reader reads, and records nothing", async () => {
    const memory = await memoryOf(kitchen);
    const reason = new Error("enough");
    await assert.rejects(ask(memory, "Where are the keys?", { signal: AbortSignal.abort(reason) }), reason);
    const stop = new AbortController();
    const deaf = witness();
    const by: Reader = {
      ...deaf,
      read: (request) => {
        stop.abort(reason);
        return deaf.read(request);
      },
    };
    await assert.rejects(ask(memory, "Where are the keys?", { by, signal: stop.signal }), reason);
    assert.equal(deaf.seen.length, 1);
    assert.deepEqual(await memory.tasks(), []);
    await memory.close();
  });

  test("abstains on an empty memory", async () => {
    const memory = await memoryOf([]);
    const answer = await ask(memory, "Where are the keys?");
    assert.deepEqual([answer.abstained, answer.nearestMisses, answer.recall], [true, [], []]);
    await memory.close();
  });

  test("finds the names of speakers however they are typed, and other forms of words", async () => {
    const memory = await memoryOf([
      [3, "Søren", "I bought a tent."],
      [14, "Łukasz", "The tent leaks."],
    ]);
    assert.equal((await ask(memory, "What did Soren buy?")).answer, "Søren: I bought a tent.");
    assert.equal(
      (await ask(memory, "What does Lukasz say about the tent?")).answer,
      "Łukasz: The tent leaks.",
    );
    await memory.close();
  });

  test("cites the statement that holds, tells the earlier ones beside it and recalls them last", async () => {
    const memory = await memoryOf(kitchen);
    const answer = await ask(memory, "Where does Ann put the keys?");
    assert.deepEqual(
      [answer.answer, answer.citations.map(({ startSeconds }) => startSeconds)],
      ["Ann puts the keys on the shelf.", [27]],
    );
    assert.deepEqual(
      answer.earlier.map(({ startSeconds }) => startSeconds),
      [3],
    );
    assert.equal(answer.recall.at(-1)!.entry, answer.earlier[0]!.entry);
    await memory.close();
  });
});

describe("a question about a time", () => {
  const hour = 3600;
  /** Monday 2026-03-02, Tuesday and Thursday, asked on Friday. */
  const mondayMs = Date.UTC(2026, 2, 2);
  const dated: readonly (readonly [day: number, lines: readonly Line[]])[] = [
    [
      0,
      [
        [9 * hour, "Tom", "I watered the ferns."],
        [12.5 * hour, "Ann", "Lunch is pea soup today."],
        [15 * hour, "Tom", "The dentist called about the bill."],
        [15.2 * hour, "Tom", "I am off to the library."],
      ],
    ],
    [
      1,
      [
        [9.05 * hour, "Ann", "The plumber mended the sink."],
        [12.2 * hour, "Tom", "For lunch we had noodles."],
        [18 * hour, "Ann", "The car is parked on Mill Lane."],
        [20 * hour, "Ann", "After hearing it live I got a sore throat."],
      ],
    ],
    [
      3,
      [
        [9.5 * hour, "Tom", "The piano was tuned by Mr. Bell."],
        [19 * hour, "Ann", "After work I moved the car to Oak Street."],
      ],
    ],
  ];

  async function datedMemory(): Promise<Memory> {
    const memory = await memoryOf([]);
    for (const [day, lines] of dated)
      await watched(memory, lines, `notes-${day}`, {
        kind: "wall",
        originMs: mondayMs + day * 24 * hour * 1000,
      });
    return memory;
  }
  const friday = () => mondayMs + 4 * 24 * hour * 1000 + 10 * hour * 1000;
  const asked = async (memory: Memory, text: string) => {
    const answer = await answerQuestion(text, { memory, reader, now: friday, record: false });
    return {
      ...answer,
      lines: answer.answer.split("\n").map((line) => line.replace(/^.*?(?:Ann|Tom): /, "")),
    };
  };

  test("is answered from that time alone, and holds the moment where it asks when", async () => {
    const memory = await datedMemory();
    const right: Record<string, readonly string[]> = {
      "What happened yesterday morning?": ["The piano was tuned by Mr. Bell."],
      "What was for lunch last Tuesday?": ["For lunch we had noodles."],
      "What was for lunch on Monday?": ["Lunch is pea soup today."],
      "What happened at 09:00 on 2026-03-02?": ["I watered the ferns."],
      "What happened at 09:00?": ["I watered the ferns.", "The plumber mended the sink."],
      "What was said at 09:30 on Thursday?": ["The piano was tuned by Mr. Bell."],
      "What did Ann do after work on Thursday?": ["After work I moved the car to Oak Street."],
      "What did Tom do before lunch on Monday?": ["I watered the ferns."],
      "What happened after the dentist called?": ["I am off to the library."],
      "What did Ann get after hearing it live?": ["After hearing it live I got a sore throat."],
      "What did Ann say yesterday?": ["After work I moved the car to Oak Street."],
      "Who mended the sink on Tuesday?": ["The plumber mended the sink."],
      "Where was the car on Tuesday?": ["The car is parked on Mill Lane."],
      "Where is the car now?": ["After work I moved the car to Oak Street."],
      "What happened in the last ten minutes?": ["After work I moved the car to Oak Street."],
    };
    for (const [question, lines] of Object.entries(right))
      assert.deepEqual((await asked(memory, question)).lines, lines, question);
    assert.equal(
      (await asked(memory, "When was the piano tuned?")).answer,
      "2026-03-05 09:30:00: Tom: The piano was tuned by Mr. Bell.",
    );
    await memory.close();
  });

  test("is declined where that time does not hold the answer", async () => {
    const memory = await datedMemory();
    for (const question of [
      "Who mended the sink on Monday?",
      "What did Tom buy yesterday?",
      "Who tuned the piano on Tuesday?",
    ])
      assert.equal((await asked(memory, question)).abstained, true, question);
    await memory.close();
  });

  test("names a day of which nothing is remembered, and the days of which something is", async () => {
    const memory = await datedMemory();
    for (const question of [
      "What happened on Wednesday?",
      "What happened on 2026-03-04?",
      "Where was the car on Wednesday?",
    ]) {
      const { abstained, answer } = await asked(memory, question);
      assert.ok(abstained, question);
      assert.equal(
        answer,
        "Nothing is remembered of 2026-03-04 (a Wednesday). Memory holds 2026-03-02, 2026-03-03, 2026-03-05.",
      );
    }
    assert.match(
      (await asked(memory, "Summarise this morning")).answer,
      /2026-03-06 \(a Friday\) from 05:00 to 12:00/,
    );
    await memory.close();
  });

  test("shows memories of that time where none answers", async () => {
    const memory = await datedMemory();
    const { nearestMisses } = await asked(memory, "Which bird sang yesterday?");
    assert.deepEqual(
      nearestMisses.map(({ stream }) => stream),
      ["notes-3", "notes-3"],
    );
    await memory.close();
  });
});
