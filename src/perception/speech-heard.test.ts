import assert from "node:assert/strict";
import { test } from "node:test";
import type { VoiceFinder } from "../engine.ts";
import { heardIn, heardOverall, heardText, withVoices } from "./speech-heard.ts";

const rate = 16_000;
/** A finder that finds given stretches. */
type Pair = readonly [start: number, end: number];
const finds = (...stretches: readonly Pair[]): VoiceFinder => ({
  id: "told",
  find: async () => stretches.map(([startSeconds, endSeconds]) => ({ startSeconds, endSeconds })),
});
/** Ten seconds of a tone from a second on, silence before it. */
const audio = (loudFrom = 0, startSeconds = 20) => ({
  startSeconds,
  samples: Int16Array.from({ length: 10 * rate }, (_, i) =>
    i < loudFrom * rate ? 0 : 2000 * Math.sin(i / 3),
  ),
});
const heard = async (loudFrom: number, ...stretches: readonly Pair[]) =>
  (await heardIn(audio(loudFrom), finds(...stretches))).map(
    ({ kind, startSeconds, endSeconds }) => [kind, startSeconds, endSeconds] as const,
  );

test("speech, sound without speech, and silence are told apart", async () => {
  assert.deepEqual(await heard(4, [22, 24]), [
    ["speech", 22, 24],
    ["sound", 24, 30],
  ]);
  assert.deepEqual(await heard(10), []);
  assert.deepEqual(await heard(0), [["sound", 20, 30]]);
});

test("pauses of a second belong to a talk, and short talk in the middle is none", async () => {
  assert.deepEqual(await heard(10, [22, 23], [23.8, 25], [27, 27.6]), [["speech", 22, 25]]);
  // It may go on in the next clip.
  assert.deepEqual(await heard(10, [29.4, 30]), [["speech", 29.4, 30]]);
});

test("clips are told of as one, with what lasts told as such", () => {
  const speech = (startSeconds: number, endSeconds: number) => ({
    ...{ kind: "speech" as const, startSeconds, endSeconds },
  });
  const over = heardOverall([speech(12, 20), speech(20.2, 27), speech(34, 35.5), speech(38, 38.4)], 40);
  assert.deepEqual(over, [
    {
      kind: "speech",
      startSeconds: 12,
      endSeconds: 35.5,
      seconds: 16.5,
      stretches: 2,
      voices: 1,
      lasts: false,
    },
  ]);
  assert.equal(heardText(over[0]!), "Somebody speaks for 17 s, 2 times.");
  assert.equal(heardText(heardOverall([speech(12, 20)], 20)[0]!), "Somebody speaks for at least 8 s.");
  assert.deepEqual(heardOverall([speech(12, 12.5)], 20), []);
});

test("voices that speak in turn are told of where each is heard for two seconds", async () => {
  const heard = [{ kind: "speech" as const, startSeconds: 20, endSeconds: 26 }];
  const told = async (...turns: readonly (readonly [number, number, number])[]) => {
    const speakers = {
      id: "told",
      turns: async () =>
        turns.map(([startSeconds, endSeconds, voice]) => ({ startSeconds, endSeconds, voice })),
    };
    return (await withVoices(heard, audio(), speakers))[0]!.voices;
  };
  assert.equal(await told([20, 23, 0], [23, 26, 1]), 2);
  assert.equal(await told([20, 25, 0], [25, 26, 1]), undefined);
  const [over] = heardOverall([{ ...heard[0]!, voices: 2 }], 40);
  assert.equal(heardText(over!), "More than one person speaks, in turn, for 6 s.");
});
