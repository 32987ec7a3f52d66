import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cue } from "../../clip.ts";
import { CueReader } from "./cue-reader.ts";
import type { TimedText } from "./timed-text.ts";

const about = { kind: "speech", origin: "embedded", language: null } as const;
const texts: TimedText[] = [
  ["ANA: The bridge is closed", 0.2, 4.3],
  ["until the evening, so we", 4.3, 8.4],
  ["take the ferry. It leaves", 8.4, 12.5],
  ["at nine.", 12.5, 14],
  ["[wind]", 15, 16],
  ["BEN: And the train?", 19.5, 21],
  ["It does not", 40, 41],
].map(([text, startSeconds, endSeconds]) => ({ text, startSeconds, endSeconds }) as TimedText);

/** As a track comes in: each text when its time has come, and time passing between. */
function streamed(all: readonly TimedText[]): { cues: Cue[]; latest: number } {
  const reader = new CueReader(about);
  const cues: Cue[] = [];
  let next = 0;
  let latest = 0;
  for (let now = 0; now < 60; now += 0.25) {
    while (next < all.length && all[next]!.startSeconds <= now) reader.add(all[next++]!);
    reader.advance(now - 2);
    const given = reader.take();
    cues.push(...given);
    for (const { startSeconds } of given) latest = Math.max(latest, now - startSeconds);
    assert.ok(given.every(({ startSeconds }) => reader.heldFrom === null || startSeconds <= reader.heldFrom));
  }
  reader.finish();
  return { cues: [...cues, ...reader.take()], latest };
}

test("a track that comes in gives the same utterances as a file that is known", () => {
  const { cues, latest } = streamed(texts);
  assert.deepEqual(cues, CueReader.readAll(texts, about).cues);
  assert.deepEqual(
    cues.map(({ speaker, text }) => [speaker, text]),
    [
      ["ANA", "The bridge is closed until the evening, so we take the ferry."],
      [null, "It leaves at nine."],
      ["BEN", "And the train?"],
      [null, "It does not"],
    ],
  );
  assert.ok(latest < 20, "an utterance is held for a bounded time");
});

test("a track that starts in the middle gives the same utterances after the first end of a sentence", () => {
  const { cues } = streamed(texts.slice(2));
  assert.deepEqual(
    cues.slice(1).map(({ text }) => text),
    ["It leaves at nine.", "And the train?", "It does not"],
  );
});

test("captions of pictures are taken as they are", () => {
  const captions = [
    { startSeconds: 0, endSeconds: 2, text: "A man (laughing) walks to" },
    { startSeconds: 2, endSeconds: 4, text: "the pier." },
  ];
  assert.deepEqual(
    CueReader.readAll(captions, { ...about, kind: "caption" }).cues.map(({ text }) => text),
    ["A man (laughing) walks to", "the pier."],
  );
});

test("what came since an earlier run is said by itself, and nothing twice", () => {
  const grown = [
    { startSeconds: 8, endSeconds: 9.5, text: "The bridge is" },
    { startSeconds: 9.5, endSeconds: 11, text: "The bridge is closed until" },
    { startSeconds: 11, endSeconds: 13, text: "the evening." },
  ];
  const said = (n: number) =>
    CueReader.readAll(grown, {
      ...about,
      wasRead: (text) => grown.indexOf(text as (typeof grown)[0]) < n,
    }).cues.map(({ startSeconds, text }) => [startSeconds, text]);
  assert.deepEqual(said(0), [[8, "The bridge is closed until the evening."]]);
  assert.deepEqual(said(1), [
    [8, "The bridge is"],
    [9.5, "closed until the evening."],
  ]);
});
