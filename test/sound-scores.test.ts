/** The scores of `perf/senses.ts` on cases that a reader can compute. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { detectionErrors } from "../perf/sound/detection.ts";
import { diarizationErrors } from "../perf/sound/diarization.ts";
import { readRttm } from "../perf/sound/rttm.ts";
import { wordErrors, wordsOf } from "../perf/sound/words.ts";

const turn = (speaker: string, startSeconds: number, endSeconds: number) => ({
  speaker,
  startSeconds,
  endSeconds,
});
const near = (found: number, wanted: number) =>
  assert.ok(Math.abs(found - wanted) < 1e-9, `${found}, not ${wanted}`);

test("what was missed and invented are shares of the speech there is", () => {
  // Speech 0–4 and 6–10 (8 s, with an overlap that counts once); found 1–7: misses 0–1 and 7–10, invents 4–6.
  const truth = [turn("a", 0, 3), turn("b", 2, 4), turn("a", 6, 10)];
  const { miss, falseAlarm, speechSeconds } = detectionErrors(truth, [turn("", 1, 5), turn("", 4, 7)]);
  near(speechSeconds, 8);
  near(miss, 4 / 8);
  near(falseAlarm, 2 / 8);
  assert.throws(() => detectionErrors([], truth), /Expected speech/);
});

test("words are compared without case, punctuation and the kind of apostrophe", () => {
  assert.deepEqual(wordsOf("NASA’s “clean room”, 24 of them."), [
    "nasa's",
    "clean",
    "room",
    "24",
    "of",
    "them",
  ]);
  // the/a replaced, the second "the" missed, "now" invented: 3 of 6.
  const errors = wordErrors(wordsOf("The cat sat on the mat."), wordsOf("A cat now sat on mat."));
  assert.deepEqual(errors, { replaced: 1, missed: 1, invented: 1, words: 6, rate: 0.5 });
  assert.equal(wordErrors(["a", "b"], []).missed, 2);
  assert.equal(wordErrors(["a"], ["a", "b", "c"]).rate, 2);
  assert.throws(() => wordErrors([], ["a"]), /Expected words/);
});

test("speakers are matched so that least is confused, and nothing is forgiven", () => {
  // Said: a 0–6, b 6–10. Found: 1 0–5, 2 5–10: only 5–6 is given to the wrong one, 1 s of 10.
  const said = [turn("a", 0, 6), turn("b", 6, 10)];
  const errors = diarizationErrors(said, [turn("1", 0, 5), turn("2", 5, 10)]);
  near(errors.confusion, 0.1);
  near(errors.rate, 0.1);
  // One speaker for all: b's 4 s are confused.
  near(diarizationErrors(said, [turn("1", 0, 10)]).confusion, 0.4);
  // Three found for two: the smallest of them matches no one. 0–3 one, 3–6 another of a: 3 s of 10.
  near(diarizationErrors(said, [turn("1", 0, 3), turn("2", 3, 6), turn("3", 6, 10)]).confusion, 0.3);
  // A second voice at once counts for itself: 10 s of speech and 2 s over them, of which the 2 s are missed.
  const both = [...said, turn("b", 2, 4)];
  const overlapping = diarizationErrors(both, [turn("1", 0, 6), turn("2", 6, 11)]);
  near(overlapping.speechSeconds, 12);
  near(overlapping.miss, 2 / 12);
  near(overlapping.falseAlarm, 1 / 12);
  near(overlapping.confusion, 0);
});

test("turns are read from RTTM, and other lines refused", () => {
  assert.deepEqual(readRttm("SPEAKER f 1 6.690 0.430 <NA> <NA> s90 <NA> <NA>\n"), [
    turn("s90", 6.69, 6.69 + 0.43),
  ]);
  assert.throws(() => readRttm("SPEAKER f 1 6.690 - <NA> <NA> s90"), /Expected a turn/);
});
