import assert from "node:assert/strict";
import { test } from "node:test";
import { askedOfWhole } from "../../answer/asked.ts";
import type { Entry, FloorRow } from "../../memory/memory.ts";
import { wordSpace } from "./index.ts";
import { readWhole } from "./whole-reading.ts";

const row: FloorRow = {
  ...{
    id: "floor_1",
    kind: "floor",
    stream: "talk",
    startSeconds: 0,
    endSeconds: 200,
    watchedSeconds: 200,
    text: "200 s.",
  },
  look: {
    recordedAtMs: Date.UTC(2023, 9, 23, 14, 5),
    picture: { width: 640, height: 360, brightness: 0.05, changed: 0.001, cuts: 2 },
    sound: { seconds: 200, levelDb: -20, speechSeconds: 150 },
    lines: { said: 0, captions: 0, read: 0 },
    problems: [],
  },
};

const entry = (startSeconds: number, text: string): Entry => ({
  ...{
    id: `entry_${startSeconds}`,
    stream: "talk",
    clip: startSeconds,
    kind: "episodic",
    startSeconds,
    text,
  },
  ...{
    endSeconds: startSeconds + 2,
    writtenAtMs: 0,
    speakers: [],
    policy: "test",
    revision: "test@1",
    closed: null,
  },
  evidence: {
    ...{ clips: [startSeconds], startSeconds, endSeconds: startSeconds + 2 },
    ...{ frames: [], sources: [], tiers: {} },
  },
});

function read(text: string, floor: readonly FloorRow[], entries: readonly Entry[] = []) {
  const question = { text, options: [] };
  const recalled = entries.map((one) => ({ entry: one, score: { total: 0 } }));
  const request = { question, recalled, rendered: "", gaps: [], floor };
  return readWhole(request, askedOfWhole(question)!, wordSpace);
}

test("tells facts of the recording and cites where they stand", () => {
  const answers: Record<string, RegExp> = {
    "How long is it?": /3 min 20 s/,
    "When was it recorded?": /2023-10-23 14:05 UTC/,
    "Is there sound?": /mostly speech-like.*-20 dB/,
    "Does anyone speak?": /^Perhaps/,
    "Does anything move?": /stands still/,
    "Is it dark?": /dark/,
    "What is the resolution?": /640×360/,
    "How many shots are there?": /3 shots/,
  };
  for (const [question, answer] of Object.entries(answers)) {
    const reading = read(question, [row])!;
    assert.match(reading.answer, answer);
    assert.deepEqual([reading.abstained, reading.cited], [false, ["floor_1"]], question);
  }
});

test("says so where the recording does not tell, and nothing where no one looked", () => {
  const mute = { ...row, look: { ...row.look, recordedAtMs: null, sound: null } };
  assert.ok(read("When was it recorded?", [mute])!.abstained);
  assert.match(read("Does anyone speak?", [mute])!.answer, /^No/);
  assert.match(
    read("How long is it?", [{ ...row, watchedSeconds: 80 }])!.answer,
    /1 min 20 s of it were watched, over 3 min 20 s/,
  );
  assert.equal(read("How long is it?", []), null);
});

test("an overview quotes what says most, spread over the time, and abstains where nothing was understood", () => {
  const entries = Array.from({ length: 40 }, (_, i) =>
    entry(i * 5, i % 5 === 2 ? `Ann waters plant number ${i} behind the long green shed` : "Rain"),
  );
  const { answer, cited, abstained } = read("What happened?", [row], entries)!;
  assert.equal(abstained, false);
  assert.equal(answer.split("\n").length, 9);
  assert.equal(answer.match(/Ann waters/g)!.length, 8);
  assert.deepEqual(cited.slice(0, 3), ["floor_1", "entry_10", "entry_35"]);
  const nothing = read("What is the video about?", [row])!;
  assert.deepEqual([nothing.abstained, nothing.cited], [true, []]);
  assert.match(nothing.answer, /200 s\./);
});

test("an overview stays within its tokens, and quotes one memory at least", () => {
  const long = (n: number) => Array.from({ length: n }, (_, i) => `word${i}`).join(" ");
  // 1.3 tokens a word: 200 words are 260 tokens, so one of the long ones fits beside the short.
  const entries = [
    entry(0, long(200)),
    entry(10, "The ferry leaves at nine."),
    entry(20, `${long(200)} more`),
  ];
  assert.deepEqual(read("What happened?", [], entries)?.cited, ["entry_0", "entry_10"]);
  assert.deepEqual(read("What happened?", [], [entry(0, long(900))])?.cited, ["entry_0"]);
});
