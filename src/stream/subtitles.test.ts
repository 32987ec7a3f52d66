import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError } from "../errors.ts";
import { parseSubtitles, splitSpeaker } from "./subtitles.ts";

const parse = (text: string) => parseSubtitles(text, { name: "talk.srt" });

test("an SRT cue has its times, its text without markup, and its speaker", () => {
  const { cues } = parse(
    "\uFEFF1\r\n00:00:01,500 --> 00:00:03,250 X1:40\r\n<i>Mira:</i> {\\an8}put the <b>key</b>\r\nin the drawer &amp; lock it\r\n\r\n",
  );
  assert.deepEqual(cues, [
    {
      startSeconds: 1.5,
      endSeconds: 3.25,
      text: "put the key in the drawer & lock it",
      speaker: "Mira",
      kind: "speech",
      origin: "stream",
      language: null,
    },
  ]);
});

test("WebVTT: header, notes, styles, identifiers, missing hours, voice tags", () => {
  const { cues, problems } = parse(
    [
      "WEBVTT",
      "Kind: captions",
      "Language: en",
      "",
      "NOTE a remark",
      "over two lines",
      "",
      "STYLE",
      "::cue { color: red }",
      "",
      "intro",
      "00:02.000 --> 00:04.000 align:start",
      "<v.loud Tomas>Where is <00:02.500>the ladder?</v> <v Ines>In the garage.",
      "",
    ].join("\n"),
  );
  assert.deepEqual(
    cues.map(({ startSeconds, speaker, text, language }) => [startSeconds, speaker, text, language]),
    [
      [2, "Tomas", "Where is the ladder?", "en"],
      [2, "Ines", "In the garage.", "en"],
    ],
  );
  assert.deepEqual(problems, []);
});

test("a cue in two languages gives one cue in each, with one speaker", () => {
  const { cues } = parse("1\n00:00:01,000 --> 00:00:02,000\nBruno: 把灯打开\nBruno: Turn on the lamp.\n");
  assert.deepEqual(
    cues.map(({ speaker, text, language }) => [speaker, text, language]),
    [
      ["Bruno", "把灯打开", "zh"],
      ["Bruno", "Turn on the lamp.", "und-Latn"],
    ],
  );
});

test("dialogue dashes separate two people", () => {
  const { cues } = parse("1\n00:00:01,000 --> 00:00:02,000\n- Did you call?\n- Not yet.\n");
  assert.deepEqual(
    cues.map(({ text }) => text),
    ["Did you call?", "Not yet."],
  );
});

test("a cue that does not parse is skipped with a sentence that names its line", () => {
  const { cues, problems } = parse(
    "1\n00:00:01,000 --> 00:00:02,000\ngood\n\n2\n00:00:99,000 --> soon\nbad\n\n3\n00:00:05,000 --> 00:00:04,000\nbackwards\n",
  );
  assert.deepEqual(
    cues.map(({ text }) => text),
    ["good"],
  );
  assert.equal(problems.length, 2);
  assert.match(problems[0]!, /talk\.srt:6/);
});

test("text that is no subtitle file is refused with its first line", () => {
  assert.throws(
    () => parse("It was a dark night.\n"),
    (error: DataError) => error instanceof DataError && /dark night/.test(error.message),
  );
});

test("an empty WebVTT is a file without cues, not an error", () => {
  assert.deepEqual(parse("WEBVTT\n").cues, []);
});

test("names before a colon are speakers; words and times are not", () => {
  assert.deepEqual(splitSpeaker("Speaker 2: yes"), { speaker: "Speaker 2", rest: "yes" });
  assert.deepEqual(splitSpeaker(">> DR. SMITH: hello"), { speaker: "DR. SMITH", rest: "hello" });
  assert.equal(splitSpeaker("Note: it rains").speaker, null);
  assert.equal(splitSpeaker("It is 10:30 now").speaker, null);
  assert.equal(splitSpeaker("See https://example.org").speaker, null);
});
