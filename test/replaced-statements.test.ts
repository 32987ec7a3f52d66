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
import { lexicalReader, localEmbedder, wordSpace } from "../src/engines/local/index.ts";
import type { Memory } from "../src/memory/memory.ts";
import { openSqliteMemory } from "../src/memory/sqlite.ts";
import { observationOf } from "./support/memory.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-replaced-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Seven days from Monday 2026-03-02, one value of each fact a day. */
const firstDayMs = Date.UTC(2026, 2, 2);
const now = () => firstDayMs + 6 * 86_400_000 + 20 * 3_600_000;

/** Who says it, the values in order, and how each is told. */
interface Changing {
  readonly speaker: string;
  readonly values: readonly string[];
  readonly told: readonly string[];
  /** The question about now, without a word of time; the one about the past; and the one about its changes. */
  readonly now: string;
  readonly past: string;
  readonly changes: string;
}

const facts: readonly Changing[] = [
  {
    speaker: "Priya",
    values: ["10:15", "11:40", "13:05", "14:20", "15:35", "16:10", "9:25"],
    told: [
      "The budget meeting is at @.",
      "The budget meeting has been moved to @.",
      "We moved the budget meeting to @.",
      "The budget meeting is now at @.",
      "They rescheduled the budget meeting to @.",
      "Actually the budget meeting will be at @.",
      "The budget meeting starts at @ instead.",
    ],
    now: "When is the budget meeting?",
    past: "When was the budget meeting",
    changes: "How often was the budget meeting moved?",
  },
  {
    speaker: "Milo",
    values: [
      "Mill Lane",
      "Oak Street",
      "Harbour Road",
      "Castle Square",
      "Fern Avenue",
      "Station Road",
      "Baker Hill",
    ],
    told: [
      "The van is parked on @.",
      "I moved the van to @.",
      "The van is now on @.",
      "I parked the van on @.",
      "The van stands on @ now.",
      "I left the van on @.",
      "The van has been moved to @.",
    ],
    now: "Where is the van?",
    past: "Where was the van",
    changes: "How many times was the van moved?",
  },
  {
    speaker: "Ines",
    values: ["tiger7", "lion9", "otter3", "raven4", "bison8", "gecko2", "heron5"],
    told: [
      "The wifi password is @.",
      "The new wifi password is @.",
      "They changed the wifi password to @.",
      "The wifi password is now @.",
      "We switched the wifi password to @.",
      "The wifi password was updated to @.",
      "From today the wifi password is @.",
    ],
    now: "What is the wifi password?",
    past: "What was the wifi password",
    changes: "How often did the wifi password change?",
  },
  {
    speaker: "Omar",
    values: ["Leeds", "York", "Hull", "Derby", "Bath", "Ripon", "Truro"],
    told: [
      "I live in @.",
      "I moved to @.",
      "I live in @ now.",
      "I moved to @ with my brother.",
      "I live in @ these days.",
      "I have moved to @.",
      "I now live in @.",
    ],
    now: "Where does Omar live?",
    past: "Where did Omar live",
    changes: "How many times has Omar moved?",
  },
  {
    speaker: "Lena",
    values: ["3 euros", "4 euros", "5 euros", "6 euros", "7 euros", "8 euros", "9 euros"],
    told: [
      "The ferry ticket costs @.",
      "The ferry ticket is @ now.",
      "They raised the ferry ticket to @.",
      "The ferry ticket costs @ from today.",
      "The price of the ferry ticket is @.",
      "The ferry ticket went up to @.",
      "A ferry ticket costs @ now.",
    ],
    now: "How much is the ferry ticket?",
    past: "How much was the ferry ticket",
    changes: "How often did the ferry ticket change its price?",
  },
  {
    speaker: "Milo",
    values: ["Priya", "Omar", "Ines", "Lena", "Viktor", "Sofia", "Hanna"],
    told: [
      "@ leads the garden project.",
      "@ leads the garden project now.",
      "The garden project is now led by @.",
      "@ has taken over the garden project.",
      "From today @ leads the garden project.",
      "The garden project has a new leader, @.",
      "@ is leading the garden project instead.",
    ],
    now: "Who leads the garden project?",
    past: "Who led the garden project",
    changes: "How many times did the leader of the garden project change?",
  },
  {
    speaker: "Hanna",
    values: ["drawer", "basket", "cupboard", "shed", "hallway", "cellar", "attic"],
    told: [
      "The spare keys are in the @.",
      "I put the spare keys in the @.",
      "I moved the spare keys to the @.",
      "The spare keys are now in the @.",
      "I left the spare keys in the @.",
      "The spare keys moved to the @.",
      "I keep the spare keys in the @ now.",
    ],
    now: "Where are the spare keys?",
    past: "Where were the spare keys",
    changes: "How often were the spare keys moved?",
  },
  {
    speaker: "Viktor",
    values: ["4471", "5582", "6693", "7704", "8815", "9926", "1037"],
    told: [
      "The gate code is @.",
      "The gate code changed to @.",
      "The new gate code is @.",
      "They changed the gate code to @.",
      "The gate code is @ now.",
      "The code for the gate is @.",
      "The gate code was replaced by @.",
    ],
    now: "What is the gate code?",
    past: "What was the gate code",
    changes: "How many times has the gate code changed?",
  },
];

const talk = [
  "The soup needs more salt.",
  "Somebody rang the bell at the door.",
  "The heating was loud last night.",
  "My sister wants to see the garden.",
  "The train to the coast was late.",
  "There is a meeting of the choir in the hall.",
  "The car wash is closed.",
  "I lost a ticket for the theatre.",
  "The gate squeaks again.",
  "I put the letters on the desk.",
  "The router needs a new cable.",
  "We painted the shed.",
];

async function memoryOfWeek(): Promise<Memory> {
  const memory = await openSqliteMemory(join(folder, "week"), {
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

test("answers what holds, what held, since when and how often it changed", async () => {
  const memory = await memoryOfWeek();
  const reader = lexicalReader({ words: wordSpace });
  const wrong: string[] = [];
  for (const { now: current, past, changes, values } of facts) {
    const held = (i: number) => values.at(i)!;
    const plain = current.replace("?", "");
    /** Each question with the place of the value that answers it. */
    const asked: readonly (readonly [string, number])[] = [
      [current, -1],
      [`${plain} now?`, -1],
      [`${plain} at the moment?`, -1],
      [`Hi, can you tell me: ${current.charAt(0).toLowerCase()}${current.slice(1)}`, -1],
      [`${past} at first?`, 0],
      [`${past} originally?`, 0],
      [`${past} before that?`, -2],
      [`${past} previously?`, -2],
      [`${past} on Tuesday?`, 1],
      [`${past} on 2026-03-05?`, 3],
      [`Since when is that so: ${current.charAt(0).toLowerCase()}${current.slice(1)}`, -1],
    ];
    for (const [question, place] of asked) {
      const answer = await answerQuestion(question, { memory, reader, now, record: false });
      const stale = values.filter((value) => value !== held(place) && answer.answer.includes(value));
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
    const often = await answerQuestion(changes, { memory, reader, now, record: false });
    if (!often.answer.includes("6 times"))
      wrong.push(`${changes} → ${often.answer.replaceAll("\n", " // ")}`);
  }
  assert.deepEqual(wrong, []);
  await memory.close();
});
