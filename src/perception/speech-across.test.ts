/** What is said across the borders of clips: whole sentences, each once, in the clip it begins in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transcriber, VoiceFinder } from "../engine.ts";
import type { Audio, Clip, Gap } from "../stream/clip.ts";
import { perceive } from "./perceive.ts";
import { withSoundAhead } from "./speech-ahead.ts";

const rate = 100; // samples that matter a second; the rest of 16,000 are filler
const samplesPerSecond = 16_000;

/** A talk: sentences that fill their times. Its sound holds the number of the sentence in each sample. */
type Said = readonly (readonly [start: number, end: number, text: string])[];

function soundOf(said: Said, startSeconds: number, endSeconds: number): Audio {
  const samples = new Int16Array((endSeconds - startSeconds) * samplesPerSecond);
  for (const [i, [start, end]] of said.entries())
    for (let at = Math.ceil(start * rate); at < end * rate; at++) {
      const place = Math.round((at / rate - startSeconds) * samplesPerSecond);
      if (place >= 0) samples.fill(i + 1, place, place + samplesPerSecond / rate);
    }
  return { startSeconds, samples };
}

/** Finds what is not silent; sentences without a pause are one stretch. */
const voice: VoiceFinder = {
  id: "voice",
  find: async ({ startSeconds, samples }) => {
    const found: { startSeconds: number; endSeconds: number }[] = [];
    let from: number | null = null;
    for (let i = 0; i <= samples.length; i++) {
      const isSpeech = (samples[i] ?? 0) !== 0;
      if (isSpeech) from ??= i;
      else if (from !== null) {
        found.push({
          startSeconds: startSeconds + from / samplesPerSecond,
          endSeconds: startSeconds + i / samplesPerSecond,
        });
        from = null;
      }
    }
    return found;
  },
};

/** Hears the sentences of a talk, each with three dots where a part of it is missing. */
const transcriberOf = (said: Said): Transcriber & { readonly asked: Audio[] } => {
  const asked: Audio[] = [];
  return {
    ...{ id: "ears", mostSeconds: 30, asked },
    transcribe: async (audio) => {
      asked.push(audio);
      const end = audio.startSeconds + audio.samples.length / samplesPerSecond;
      return said.flatMap(([start, until, text]) => {
        const [from, to] = [Math.max(start, audio.startSeconds), Math.min(until, end)];
        if (to - from < 0.15) return [];
        const whole = `${from > start + 0.11 ? "..." : ""}${text}${to < until - 0.11 ? "..." : ""}`;
        return [{ startSeconds: from, endSeconds: to, text: whole, speaker: null, language: null }];
      });
    },
  };
};

async function heard(said: Said, seconds: number, gapAt?: number) {
  async function* items(): AsyncGenerator<Clip | Gap> {
    for (let start = 0; start < seconds; start += 10) {
      if (start === gapAt)
        yield {
          ...{ kind: "gap", stream: "s", startSeconds: start, endSeconds: start + 10 },
          ...{ reason: "unreadable", detail: "" },
        };
      else
        yield {
          ...{ kind: "clip", stream: "s", index: start / 10, startSeconds: start, endSeconds: start + 10 },
          ...{ frames: [], largeFrames: [], cues: [], shots: [], audio: soundOf(said, start, start + 10) },
        };
    }
  }
  const transcriber = transcriberOf(said);
  const senses = { transcriber, voice, language: null, screenReader: null };
  const clips: string[][] = [];
  for await (const { item, ahead } of withSoundAhead(items(), false))
    if (item.kind === "clip")
      clips.push((await perceive(item, senses, { ahead })).speech.map(({ text }) => text));
  return { clips, asked: transcriber.asked };
}

test("a sentence over a border is heard whole, once, in the clip it begins in", async () => {
  const { clips } = await heard(
    [
      [2, 4, "One."],
      [8, 12, "Two."],
      [13, 15, "Three."],
    ],
    20,
  );
  assert.deepEqual(clips, [["One.", "Two."], ["Three."]]);
});

test("what follows it without a pause is heard with it, and belongs to the next clip", async () => {
  const { clips } = await heard(
    [
      [7, 11, "One."],
      [11.05, 14, "Two."],
      [14.9, 16, "Three."],
    ],
    20,
  );
  assert.deepEqual(clips, [["One."], ["Two.", "Three."]]);
});

test("talk without any pause loses nothing and says nothing twice", async () => {
  const said = Array.from({ length: 13 }, (_, i) => [3 * i, 3 * i + 3, `S${i}.`] as const);
  const { clips } = await heard(said, 40);
  assert.deepEqual(
    clips.flat(),
    said.map(([, , text]) => text),
  );
  assert.deepEqual(clips[0], ["S0.", "S1.", "S2.", "S3."]);
});

test("a sentence that a gap cuts off is heard as far as it goes", async () => {
  const { clips } = await heard(
    [
      [8, 12, "One."],
      [25, 27, "Two."],
    ],
    30,
    10,
  );
  assert.deepEqual(clips, [["One...."], ["Two."]]);
});

test("the next clip is read only where somebody speaks at the end", async () => {
  let read = 0;
  async function* items(): AsyncGenerator<Clip> {
    for (const start of [0, 10]) {
      read += 1;
      yield {
        ...{ kind: "clip", stream: "s", index: start / 10, startSeconds: start, endSeconds: start + 10 },
        ...{
          frames: [],
          largeFrames: [],
          cues: [],
          shots: [],
          audio: soundOf([[2, 4, ""]], start, start + 10),
        },
      };
    }
  }
  const senses = { transcriber: transcriberOf([[2, 4, "One."]]), voice, language: null, screenReader: null };
  for await (const { item, ahead } of withSoundAhead(items(), false)) {
    await perceive(item as Clip, senses, { ahead });
    assert.equal(read, 1);
    break;
  }
});

test("speech of which no words come is told of as such", async () => {
  const silent: Transcriber = { id: "ears", mostSeconds: 30, transcribe: async () => [] };
  const audio = soundOf([[2, 6, ""]], 0, 10);
  const clip: Clip = {
    ...{ kind: "clip", stream: "s", index: 0, startSeconds: 0, endSeconds: 10, audio },
    ...{ frames: [], largeFrames: [], cues: [], shots: [] },
  };
  const { heard: found } = await perceive(clip, {
    transcriber: silent,
    voice,
    language: null,
    screenReader: null,
  });
  assert.deepEqual(found, [{ kind: "speech", startSeconds: 2, endSeconds: 6 }]);
});
