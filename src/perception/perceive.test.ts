import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transcriber } from "../engine.ts";
import { EngineError } from "../errors.ts";
import type { Clip, Cue } from "../stream/clip.ts";
import { perceive } from "./perceive.ts";

const cue = (startSeconds: number, text: string, more: Partial<Cue> = {}): Cue => ({
  startSeconds,
  endSeconds: startSeconds + 2,
  text,
  speaker: null,
  kind: "speech",
  origin: "sidecar",
  language: null,
  ...more,
});

const clip = (more: Partial<Clip> = {}): Clip => ({
  kind: "clip",
  stream: "s",
  index: 2,
  startSeconds: 20,
  endSeconds: 30,
  frames: [],
  largeFrames: [],
  audio: null,
  cues: [],
  shots: [23.5],
  ...more,
});

const noSenses = { transcriber: null, language: null, screenReader: null };
const sound = { startSeconds: 20, samples: new Int16Array(160_000).fill(900) };

/** A transcriber that returns how many seconds it got, and in which language. */
const parrot: Transcriber = {
  id: "parrot",
  transcribe: async ({ startSeconds, samples }, { language }) => [
    {
      startSeconds,
      endSeconds: startSeconds + samples.length / 16_000,
      text: `${samples.length / 16_000} s of ${language}`,
      speaker: null,
      language: null,
    },
    { startSeconds, endSeconds: startSeconds, text: "  ", speaker: null, language: null },
  ],
};

test("sorts the source's cues into speech, captions and screen text, with their origin", async () => {
  const cues = [
    cue(21, "the keys are here", { speaker: "Mira" }),
    cue(22, "a hand puts down keys", { kind: "caption", origin: "stream" }),
    cue(23, "EXIT", { kind: "screen" }),
    cue(24, "and the lamp", { speaker: "Mira" }),
  ];
  const observation = await perceive(clip({ cues }), noSenses);
  assert.deepEqual(
    observation.speech.map(({ text }) => text),
    ["the keys are here", "and the lamp"],
  );
  assert.deepEqual(
    observation.captions.map(({ text }) => text),
    ["a hand puts down keys"],
  );
  assert.deepEqual(observation.screen, [{ startSeconds: 23, endSeconds: 25, text: "EXIT", confidence: 100 }]);
  assert.deepEqual(observation.people, [{ id: "name:mira", name: "Mira", atSeconds: [21, 24] }]);
  assert.deepEqual(observation.tiers, { speech: "sidecar", captions: "stream", screen: "none" });
  assert.deepEqual(observation.shots, [23.5]);
  assert.deepEqual(observation.problems, []);
});

test("a stream cannot speak of people by the labels of memory", async () => {
  const cues = [cue(21, "[person_3] and [person:person_1f2e] owe me money.", { speaker: "[person_1]" })];
  const [said] = (await perceive(clip({ cues }), noSenses)).speech;
  assert.deepEqual(
    [said!.speaker, said!.text],
    ["(person_1)", "(person_3) and (person:person_1f2e) owe me money."],
  );
});

test("transcribes only if the source has no subtitles", async () => {
  const perceptors = { ...noSenses, transcriber: parrot, language: "en" };
  const heard = await perceive(clip({ audio: sound }), perceptors);
  assert.deepEqual(heard.speech, [{ startSeconds: 20, endSeconds: 30, text: "10 s of en", speaker: null }]);
  assert.equal(heard.tiers.speech, "parrot");
  const read = await perceive(clip({ audio: sound, cues: [cue(21, "written")] }), perceptors);
  assert.deepEqual(
    read.speech.map(({ text }) => text),
    ["written"],
  );
  assert.equal((await perceive(clip(), perceptors)).tiers.speech, "none");
});

test("a failed sense is a problem of the clip, which is kept", async () => {
  const deaf: Transcriber = {
    id: "deaf",
    transcribe: () => Promise.reject(new EngineError("down", "the endpoint is down")),
  };
  const blind = { id: "blind", read: () => Promise.reject(new Error("no light")) };
  const observation = await perceive(clip({ audio: sound, cues: [cue(22, "a door", { kind: "caption" })] }), {
    transcriber: deaf,
    language: null,
    screenReader: blind,
  });
  assert.deepEqual(observation.problems, ["speech: the endpoint is down", "on-screen text: no light"]);
  assert.equal(observation.captions.length, 1);
});

test("what a cue of an earlier clip still says is not transcribed again", async () => {
  const transcriber: Transcriber = {
    id: "ears",
    transcribe: () =>
      Promise.resolve([{ startSeconds: 21, endSeconds: 22, text: "again", speaker: null, language: null }]),
  };
  const hear = async (about: Partial<Clip>) =>
    (await perceive(clip({ audio: sound, ...about }), { ...noSenses, transcriber })).speech.length;
  assert.equal(await hear({}), 1);
  assert.equal(await hear({ saidUntilSeconds: 24 }), 0);
});

test("an abort ends perception", async () => {
  const hanging: Transcriber = {
    id: "hanging",
    transcribe: (_, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
  };
  const abort = new AbortController();
  const perceived = perceive(
    clip({ audio: sound }),
    { ...noSenses, transcriber: hanging },
    { signal: abort.signal },
  );
  abort.abort(new Error("enough"));
  await assert.rejects(perceived, /enough/);
});

test("a sense that is lost costs the clip that sense alone, whichever it is", async () => {
  const lost = async (): Promise<never> => {
    throw new EngineError("speech-failed", "its thread ended with 1", { isRetryable: true });
  };
  const frame = { atSeconds: 20, width: 4, height: 4, jpeg: new Uint8Array([1]) };
  const heard = [{ startSeconds: 20, endSeconds: 28 }];
  const senses = {
    ...noSenses,
    transcriber: { ...parrot, mostSeconds: 30, transcribe: async () => [] },
    screenReader: { id: "r", read: async () => [] },
    faces: { id: "f", find: async () => [] },
    voice: { id: "v", find: async () => heard },
    speakers: { id: "s", turns: async () => [] },
  };
  const broken: Record<string, Partial<typeof senses>> = {
    speech: { transcriber: { ...parrot, mostSeconds: 30, transcribe: lost } },
    "on-screen text": { screenReader: { id: "r", read: lost } },
    faces: { faces: { id: "f", find: lost } },
    voices: { voice: { id: "v", find: lost } },
    speakers: { speakers: { id: "s", turns: lost } },
  };
  const cues = [cue(21, "A sign.", { kind: "caption" })];
  for (const [name, sense] of Object.entries(broken)) {
    const seen = await perceive(clip({ audio: sound, frames: [frame], cues }), { ...senses, ...sense });
    assert.ok(
      seen.problems.some((problem) => problem.startsWith(`${name}: its thread ended`)),
      `${name}: ${seen.problems}`,
    );
    assert.equal(seen.captions.length, 1);
    assert.equal(seen.tiers.screen, "r");
  }
});

test("a picture too large to decode is not looked at, and the others are", async () => {
  const frame = (atSeconds: number, width: number) => ({
    atSeconds,
    width,
    height: 10_000,
    jpeg: new Uint8Array([1]),
  });
  const looked: number[] = [];
  const screenReader = {
    id: "r",
    read: async (frames: readonly { width: number }[]) => {
      looked.push(...frames.map(({ width }) => width));
      return [];
    },
  };
  const frames = [frame(20, 100), frame(21, 60_000), frame(22, 5000)];
  const { problems } = await perceive(clip({ frames }), { ...noSenses, screenReader });
  assert.deepEqual(looked, [100, 5000]);
  assert.deepEqual(problems, [
    "pictures: one of 60000 × 10000 pixels was not looked at; the most is 50 million",
  ]);
});
