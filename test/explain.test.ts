/**
 * Which stage lost an answer, told from a memory that really lost it there: not watched, not perceived, waiting, dropped by
 * the policy, kept and not found by recall, found and not read. By the library, the command line and HTTP.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Reader } from "../src/answer/reader.ts";
import { serve } from "../src/http/index.ts";
import type { MemoryRow } from "../src/memory/memory.ts";
import type { MissRequest } from "../src/taskmem/miss.ts";
import { openTaskMem, type TaskMem } from "../src/taskmem.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { decisionOf, observationOf, rawDatabase } from "./support/memory.ts";

const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true }));
const root = join(folder, "spaces");
const directory = join(root, "home");
const settings = { adapt: { auto: false }, embedder: { meaning: "off" } } as const;

/** Much is said in half a minute, and most of it is dropped. */
const said = [
  "The caravan goes to Whitby harbour after the wedding of the mayor's eldest daughter.",
  "We saw seventeen herons, a kingfisher, two otters and a marsh harrier near the old weir.",
  "Grandmother's recipe wants cardamom, saffron, almonds, orange peel and a little rose water.",
  "The plumber replaced the boiler, the radiator valve, and the cracked basin upstairs.",
  "Professor Lindqvist lectures on Byzantine mosaics, Coptic textiles and Ottoman tiles tonight.",
  "So I would say that the spare key is now, as far as I can tell, over there in the blue tin, if you want to know where it is.",
];

describe("why a question was missed", () => {
  let memory: TaskMem;
  const explain = (request: MissRequest) => memory.explain(request);

  before(async () => {
    memory = await openTaskMem({ directory, ...settings, choice: { budget: 0.35 } });
    const talk = join(folder, "talk.srt");
    const seconds = (at: number) => `00:00:${String(at).padStart(2, "0")},000`;
    writeFileSync(
      talk,
      said
        .map((text, i) => `${i + 1}\n${seconds(i * 5)} --> ${seconds(i * 5 + 4)}\nAnn: ${text}\n`)
        .join("\n"),
    );
    await memory.watch(talk);
    const { store } = memory;
    await store.addGap({
      ...{ kind: "gap", stream: "talk", startSeconds: 40, endSeconds: 70 },
      ...{ reason: "source-down", detail: "the camera was off" },
    });
    await store.addStream({
      ...{ id: "hall", description: "hall", clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
    });
    const spoken = (clip: number, text: string) => ({
      speech: [{ startSeconds: clip * 10 + 1, endSeconds: clip * 10 + 4, text, speaker: "Ben" }],
    });
    await store.addObservation(observationOf("hall", 900, spoken(900, "The ladder leans on the garage.")));
    await store.addObservation(observationOf("hall", 901, spoken(901, "The rake stands in the greenhouse.")));
    await store.failClip("hall", 901, {
      code: "bad-request",
      message: "The endpoint refused it.",
      retryable: false,
    });
  });
  after(() => memory.close());

  test("dropped by the policy: by which revision, and what it kept instead", async () => {
    const kept = (await memory.store.entries({ streams: ["talk"] })).map(({ text }) => text);
    assert.ok(!kept.some((text) => text.includes("blue tin")), "the line was dropped");
    const question = "Where is the spare key?";
    assert.equal((await memory.ask(question, { record: false })).abstained, true);
    const miss = await explain({ question, expected: "in the blue tin" });
    assert.equal(miss.outcome, "dropped", miss.reason);
    assert.deepEqual([miss.perceived!.text, miss.perceived!.startSeconds], [said[5], 25]);
    const [decided] = await memory.store.decisions("talk");
    assert.match(decided!.revision, /^choice@1/);
    assert.equal(miss.decision!.revision, decided!.revision);
    assert.equal(miss.decision!.decidedAtMs, decided!.decidedAtMs);
    assert.deepEqual(
      miss.keptInstead.map(({ text }) => text),
      kept,
    );
    assert.ok(
      miss.reason.includes(`at 00:00:25 of talk: “${said[5]}”`) && miss.reason.includes(decided!.revision),
    );
    const byMoment = await explain({ question, atSeconds: 27 });
    assert.deepEqual([byMoment.outcome, byMoment.perceived!.text], ["dropped", said[5]]);
    const byClock = await explain({ question: "When was the spare key spoken of?", expected: "00:27" });
    assert.deepEqual([byClock.outcome, byClock.atSeconds], ["dropped", 27]);
  });

  test("dropped because it could not be trusted", async () => {
    const { store } = memory;
    const screen = [{ startSeconds: 8000, endSeconds: 8004, text: "Platform eleven", confidence: 57 }];
    await store.addObservation(observationOf("hall", 800, { screen }));
    await store.commit(decisionOf("hall", [], { clips: [800] }));
    const miss = await explain({ question: "Which platform is it?", expected: "eleven" });
    assert.equal(miss.outcome, "dropped", miss.reason);
    assert.match(miss.reason, /could not trust it: it was read with a confidence of 57 in 100/);
  });

  test("answered: with the memory that tells it", async () => {
    const [kept] = await memory.store.entries({ streams: ["talk"], limit: 1 });
    const word = /Lindqvist|herons|cardamom|caravan|boiler/.exec(kept!.text)![0];
    const miss = await explain({ question: `Who spoke of ${word}?`, expected: kept!.text });
    assert.equal(miss.outcome, "answered", miss.reason);
    assert.deepEqual([miss.kept!.entry.id, miss.kept!.isFound], [kept!.id, true]);
  });

  test("never perceived: not watched, nothing of it there, no such words", async () => {
    const question = "Who rang the bell?";
    const gap = await explain({ question, atSeconds: 50, streams: ["talk"] });
    assert.deepEqual([gap.outcome, gap.gaps.length], ["never-perceived", 1]);
    assert.match(gap.reason, /talk was not watched then: the camera was off/);
    const never = await explain({ question, atSeconds: 500, streams: ["talk"] });
    assert.deepEqual(
      [never.outcome, never.reason],
      ["never-perceived", "Nothing was watched at 00:08:20 of talk."],
    );
    const other = await explain({ question, expected: "the postman", atSeconds: 12, streams: ["talk"] });
    assert.equal(other.outcome, "never-perceived");
    assert.match(other.reason, /clip 1 \(00:00:10 of talk\) perception found other text there: “Grandmother/);
    const nowhere = await explain({ question, expected: "the postman", streams: ["talk"] });
    assert.equal(nowhere.outcome, "never-perceived");
    assert.equal(nowhere.searched.observed, nowhere.searched.clips);
    const untold = await explain({ question, expected: "the postman" });
    assert.deepEqual(
      [untold.outcome, untold.searched.observed],
      ["never-perceived", untold.searched.clips],
      "clips that wait or failed were perceived too",
    );
  });

  test("unknown: what perception made of a clip is no longer kept", async () => {
    const { store } = memory;
    await store.addStream({
      ...{ id: "attic", description: "attic", clipSeconds: 10, clock: { kind: "media" }, fingerprint: null },
    });
    const speech = [{ startSeconds: 1, endSeconds: 4, text: "The sledge is in the loft.", speaker: "Ben" }];
    await store.addObservation(observationOf("attic", 0, { speech }));
    await store.failClip("attic", 0, { code: "bad-request", message: "Refused.", retryable: false });
    const asked = { question: "Where is the sledge?", expected: "in the loft", streams: ["attic"] };
    assert.equal((await explain(asked)).outcome, "not-decided");
    const database = rawDatabase(directory);
    database.exec("delete from observation where json_extract(value, '$.stream') = 'attic'");
    database.close();
    const miss = await explain(asked);
    assert.equal(miss.outcome, "unknown");
    assert.match(miss.reason, /of 1 more the observation is no longer kept \(1 failed for good\)/);
  });

  test("not decided: waiting, or failed for good", async () => {
    const waits = await explain({ question: "Where is the ladder?", expected: "on the garage" });
    assert.deepEqual([waits.outcome, waits.perceived!.clip], ["not-decided", 900]);
    assert.match(waits.reason, /It waits to be decided/);
    const question = "Where is the rake?";
    const failed = await explain({ question, expected: "in the greenhouse" });
    assert.deepEqual([failed.outcome, failed.perceived!.clip], ["not-decided", 901], failed.reason);
    assert.match(
      failed.reason,
      /at 02:30:11 of hall: “The rake stands in the greenhouse.” Its clip failed for good: The endpoint refused it/,
    );
    const other = await explain({ question, expected: "on the roof", atSeconds: 9012, streams: ["hall"] });
    assert.equal(other.outcome, "not-decided", other.reason);
    assert.match(other.reason, /Clip 901 \(02:30:10 of hall\) failed for good: The endpoint refused it/);
  });

  test("kept and not found: at which rank", async () => {
    const hay = Array.from(
      { length: 60 },
      (_, i) => `Where is the parcel? The parcel is not here, question ${i}.`,
    );
    await memory.store.addRows(rowsOf("post", [...hay, "The parcel? Try the shed."]), () => null);
    const miss = await explain({ question: "Where is the parcel?", expected: "the shed", streams: ["post"] });
    assert.deepEqual([miss.outcome, miss.kept!.isFound], ["not-found", false], miss.reason);
    assert.equal(miss.kept!.entry.text, "The parcel? Try the shed.");
    const ranks = await memory.store.recall({ text: "Where is the parcel?", streams: ["post"], limit: 100 });
    assert.equal(miss.searched.recalled, 30);
    assert.ok(miss.kept!.rank! > 30 && miss.kept!.rank! <= ranks.length, String(miss.kept!.rank));
    assert.ok(miss.reason.includes(`at rank ${miss.kept!.rank}`));
  });

  test("kept and closed: why recall passes it over", async () => {
    const { entry } = await memory.remember("The gate code is 4711.");
    await memory.store.closeEntry(entry.id, "the code was changed");
    const miss = await explain({ question: "What is the gate code?", expected: "4711" });
    assert.deepEqual([miss.outcome, miss.kept!.entry.id], ["not-found", entry.id]);
    assert.match(miss.reason, /closed: the code was changed/);
  });

  test("found and not read: at which rank, and by which reader", async () => {
    await memory.remember("Zelda feeds the axolotl with brine shrimp.");
    const silent: Reader = {
      ...{ id: "silent", tokenBudget: 1000 },
      read: async () => ({
        ...{ answer: "I do not know.", option: null, abstained: true, cited: [] },
        cost: { calls: 0, promptTokens: 0, completionTokens: 0, usd: null } as never,
      }),
    };
    await using deaf = await openTaskMem({ directory, ...settings, reader: silent });
    const question = "What does Zelda feed the axolotl with?";
    const miss = await deaf.explain({ question, expected: "brine shrimp" });
    assert.equal(miss.outcome, "not-read", miss.reason);
    assert.equal(miss.kept!.rank, 1);
    assert.match(miss.reason, /found at rank 1; the reader silent declined/);
    await using narrow = await openTaskMem({ directory, ...settings, reader: { ...silent, tokenBudget: 5 } });
    const unshown = await narrow.explain({ question, expected: "brine shrimp" });
    assert.deepEqual([unshown.outcome, unshown.kept!.isShown], ["not-read", false]);
    assert.match(unshown.reason, /shown 5 tokens at most/);
  });

  test("of a question that was asked, its correction is the right answer; of options, the letter", async () => {
    const asked = await memory.ask("Where is the spare key?");
    await memory.store.addFeedback(asked.task!, { atMs: 1, verdict: "wrong", correction: "in the blue tin" });
    const miss = await explain({ task: asked.task! });
    assert.deepEqual([miss.outcome, miss.expected], ["dropped", "in the blue tin"]);
    const options = ["in the blue tin", "on the hook"];
    const chosen = await explain({ question: { text: "Where is the spare key?", options }, expected: "A" });
    assert.equal(chosen.outcome, "dropped");
    const tasks = (await memory.store.tasks()).length;
    await explain({ task: asked.task! });
    assert.equal((await memory.store.tasks()).length, tasks, "nothing is recorded");
  });

  test("what cannot be told is refused", async () => {
    const question = "Where is the spare key?";
    await assert.rejects(explain({ question }), { code: "expected-missing" });
    await assert.rejects(explain({ question, expected: "of the" }), { code: "expected-missing" });
    await assert.rejects(explain({ expected: "blue" }), { code: "question-empty" });
    await assert.rejects(explain({ task: "task_none" }), { code: "task-unknown" });
    await assert.rejects(explain({ question, expected: "x", streams: ["none"] }), { code: "stream-unknown" });
  });

  test("the command line and the server tell the same", async () => {
    const miss = await explain({ question: "Where is the spare key?", expected: "in the blue tin" });
    const flags = ["--expected", "in the blue tin", "--memory", directory, "--meaning", "off"];
    const { rows, stdout } = await taskmem(["explain", "Where is the spare key?", ...flags, "--json"]);
    const shown = await taskmem(["explain", "Where is the spare key?", ...flags]);
    assert.match(shown.stdout, /^dropped: Perceived at 00:00:25 of talk/);
    assert.match(shown.stdout, /Kept instead:/);
    const { event, ...told } = rows[0]!;
    assert.equal(event, "explain-end", stdout);
    assert.deepEqual([told.outcome, told.reason], [miss.outcome, miss.reason]);
    const served = await serve({ root, port: 0, spaces: settings });
    try {
      const answer = await fetch(`${served.url}/v1/spaces/home/explain`, {
        ...{ method: "POST", headers: { "content-type": "application/json" } },
        body: JSON.stringify({ question: "Where is the spare key?", expected: "in the blue tin" }),
      });
      assert.deepEqual(await answer.json(), told);
    } finally {
      await served.close();
    }
    const wrong = await taskmem(["explain", "Where is the spare key?", "--memory", directory]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /--expected TEXT or --at TIME/);
  });
});

/** Entries of a stream that was imported. */
function rowsOf(stream: string, texts: readonly string[]): MemoryRow[] {
  return [
    {
      ...{ row: "stream", id: stream, description: stream, clipSeconds: 10, clock: { kind: "media" } },
      ...{ fingerprint: null, addedAtMs: 0, ended: true, leftOut: [], nextClip: texts.length },
    },
    ...texts.map((text, i): MemoryRow => {
      const span = { startSeconds: i * 10, endSeconds: i * 10 + 10 };
      return {
        ...{ row: "entry", id: `entry_${stream}_${i}`, stream, clip: i, kind: "episodic", ...span },
        ...{ writtenAtMs: i, text, speakers: [], closed: null, policy: "choice", revision: "choice@1" },
        evidence: { clips: [i], ...span, frames: [], sources: [], tiers: {} },
      };
    }),
  ];
}
