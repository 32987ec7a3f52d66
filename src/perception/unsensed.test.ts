import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transcriber } from "../engine.ts";
import type { Look } from "./look.ts";
import { lengthText } from "./look-text.ts";
import type { ScreenReader } from "./screen-text.ts";
import { unsensed } from "./unsensed.ts";

const picture = { width: 640, height: 360, brightness: 0.5, changed: 0.2, cuts: 0 };
const speech = { seconds: 41, levelDb: -20, speechSeconds: 30 };
const none = { said: 0, captions: 0, read: 0 };
const look = (parts: Partial<Look>): Look => ({
  ...{ recordedAtMs: null, picture, sound: speech, lines: none, problems: [] },
  ...parts,
});
const deafAndBlind = { transcriber: null, language: null, screenReader: null };
const screenReader: ScreenReader = { id: "r", read: async () => [] };
const transcriber: Transcriber = { id: "t", transcribe: async () => [] };
const kinds = (...given: Parameters<typeof unsensed>) => unsensed(...given).map(({ kind }) => kind);

test("names sound that no one heard and pictures that no one saw, with the way out", () => {
  const [sound, pictures] = unsensed(look({}), 41, deafAndBlind, false);
  assert.match(sound!.reason, /41 s of sound, mostly speech-like.*--transcribe-base-url/);
  assert.match(pictures!.reason, /41 s.*text in them was not read.*--base-url/);
  assert.match(
    unsensed(look({}), 41, { ...deafAndBlind, screenReader }, false)[1]!.reason,
    /no text was found/,
  );
  const reads = look({ lines: { ...none, read: 3 } });
  assert.match(unsensed(reads, 41, { ...deafAndBlind, screenReader }, false)[1]!.reason, /only the text/);
});

test("says how people are known by voice, where that was switched on and somebody speaks", () => {
  const lacking = { ...deafAndBlind, transcriber, lacksForVoices: "taskmem models pull speakers" };
  const [voices] = unsensed(look({}), 41, lacking, true);
  assert.match(voices!.reason, /by their voices. To do it: taskmem models pull speakers$/);
  const tone = { ...speech, speechSeconds: 0, byVoice: true as const };
  assert.deepEqual(kinds(look({ sound: tone }), 41, lacking, true), []);
});

test("says how more print is read, where tesseract found some", () => {
  const lacking = { ...deafAndBlind, transcriber, screenReader, lacksForText: "taskmem models pull text" };
  const [text] = unsensed(look({ lines: { ...none, read: 3 } }), 41, lacking, true);
  assert.match(text!.reason, /read by r, .* To read more of it: taskmem models pull text$/);
  assert.deepEqual(kinds(look({}), 41, lacking, true), []);
});

test("names nothing that a sense took care of, or that is not there", () => {
  assert.deepEqual(kinds(look({}), 41, { ...deafAndBlind, transcriber }, true), []);
  assert.deepEqual(kinds(look({ lines: { ...none, said: 1 } }), 41, deafAndBlind, true), []);
  assert.deepEqual(kinds(look({ sound: null }), 41, deafAndBlind, true), []);
  assert.deepEqual(kinds(look({ sound: { ...speech, levelDb: -90 } }), 41, deafAndBlind, true), []);
  assert.deepEqual(kinds(look({ picture: null }), 41, deafAndBlind, false), ["sound"]);
});

test("where a net listened, asks for a transcriber only if somebody speaks", () => {
  const byVoice = (speechSeconds: number) => look({ sound: { ...speech, speechSeconds, byVoice: true } });
  assert.deepEqual(kinds(byVoice(0.4), 41, deafAndBlind, true), []);
  assert.match(unsensed(byVoice(30), 41, deafAndBlind, true)[0]!.reason, /somebody speaks for 30 s/);
  const lacks = { ...deafAndBlind, lacksForVoice: "taskmem models pull voice" };
  assert.match(unsensed(look({}), 41, lacks, true)[0]!.reason, /models pull voice$/);
  assert.doesNotMatch(unsensed(byVoice(30), 41, lacks, true)[0]!.reason, /models pull/);
});

test("names senses that failed", () => {
  const senses = { ...deafAndBlind, transcriber };
  const [failed] = unsensed(look({ problems: ["speech: the endpoint is down"] }), 41, senses, true);
  assert.match(failed!.reason, /the endpoint is down/);
});

test("names a missing screen reader only where there are pictures", () => {
  const item = { kind: "text", name: null, reason: "Install it." } as const;
  const senses = { ...deafAndBlind, leftOut: [item] };
  assert.deepEqual(kinds(look({ sound: null }), 41, senses, true), ["text"]);
  assert.deepEqual(kinds(look({ picture: null }), 41, { ...senses, transcriber }, true), []);
});

test("lengths are written as people say them", () => {
  assert.deepEqual([0.4, 42, 200, 3600, 3900].map(lengthText), [
    "0.4 s",
    "42 s",
    "3 min 20 s",
    "1 h",
    "1 h 5 min",
  ]);
});
