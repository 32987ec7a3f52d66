/**
 * Writes the household as files that household-VL is trained from: pictures, clips, memories with the product's prompt.
 *
 *   node scripts/household-vl/examples.ts [--folder runs/household-vl/examples] [--captions 120000] [--memories 30000] [--measured 512]
 *
 * `words.json`                    the language: its words, sentences, some questions, the system message
 * `looks.json`                    every strip that looks different: its kind and its words
 * `sheets.jsonl`, `sheets.bin`    frames of three strips as JPEG, and which strips they show
 * `captions.jsonl`                clips of train episodes: strips scene by scene, lines of speech, facts
 * `memories.jsonl`                the same with the prompt and some right answers
 * `validation.…`, `held-out.…`    as memories, of those splits, with the clip's frames as JPEG
 *
 * The same each time: about a minute.
 */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadImage } from "@napi-rs/canvas";
import { drawScene, frameSize } from "../../src/household/draw.ts";
import {
  colours,
  devices,
  type Fact,
  factKinds,
  garments,
  hours,
  objects,
  people,
  places,
  questionOf,
  rooms,
  sentenceOf,
  spokenLine,
  topics,
  verbs,
} from "../../src/household/language.ts";
import { observeClip } from "../../src/household/observe.ts";
import {
  choosingEpisodes,
  type Episodes,
  measuredEpisodes,
  seedOf,
  trainingEpisodes,
} from "../../src/household/splits.ts";
import { createEpisode, type EpisodeClip } from "../../src/household/world.ts";
import type { Observation } from "../../src/perception/observation.ts";
import type { Context } from "../../src/policy/policy.ts";
import { memoryInstructions, memoryPrompt, taskSupplement } from "../../src/policy/prompts.ts";
import { freshState } from "../../src/policy/state.ts";
import { createCanvas } from "../../src/util/canvas.ts";
import { makeDirectory } from "../../src/util/directory.ts";
import { pick, type Random, randomInt, seededRandom, shuffle } from "../../src/util/random.ts";
import { allFacts } from "../nano/facts.ts";

const { values: options } = parseArgs({
  options: {
    folder: { type: "string", default: "runs/household-vl/examples" },
    captions: { type: "string", default: "120000" },
    memories: { type: "string", default: "30000" },
    measured: { type: "string", default: "512" },
  },
});
/** Clips of an episode, and those that a memory of another clip may look back on. */
const clipsPerEpisode = 8;
const windowClips = 4;
const promptOptions = { semantic: false, countTokens: (text: string) => text.length / 4 };

const facts = allFacts();
const looks: readonly (Fact | null)[] = [
  ...new Map([null, ...facts].map((fact) => [lookKey(fact), fact])).values(),
];
const lookNumbers = new Map(looks.map((fact, i) => [lookKey(fact), i]));

const path = (name: string) => join(options.folder, name);
const writeJson = (name: string, value: unknown) => writeFileSync(path(name), JSON.stringify(value));

makeDirectory(options.folder);
writeJson("words.json", {
  system: memoryInstructions(true, promptOptions),
  words: { people, objects, places, colours, garments, topics, hours, devices, rooms },
  verbs,
  questions: facts.filter((_, i) => i % 7 === 0).map(questionOf),
  sentences: facts.map(sentenceOf),
});
writeJson("looks.json", looks.map(wordsOf));
await writeSheets();
writeCaptions("captions.jsonl", Number(options.captions));
await writeMemories("memories", trainingEpisodes.householdVl.memories, Number(options.memories), 3);
await writeMemories("validation", choosingEpisodes.householdVl, Number(options.measured), 0);
await writeMemories("held-out", measuredEpisodes.benchmark, Number(options.measured), 0);

/** What a strip shows. Lines of one person look the same: words are heard only. */
function wordsOf(fact: Fact | null): { kind: string; words: string[] } {
  if (fact === null) return { kind: "empty", words: [] };
  if (fact.kind === "speech") return { kind: "speech", words: [fact.person] };
  const { kind, ...words } = fact;
  return { kind, words: Object.values(words) };
}

function lookKey(fact: Fact | null): string {
  return JSON.stringify(wordsOf(fact));
}

/** Every look in four codings, moved by a few pixels, each time in another row and company. */
async function writeSheets(): Promise<void> {
  const codings = [
    { qualities: [90], shift: 0 },
    { qualities: [80, 85], shift: 1 },
    { qualities: [75, 85], shift: 2 },
    { qualities: [60, 80], shift: 2 },
  ];
  const random = seededRandom("sheets");
  const blob = openBlob("sheets.bin");
  const lines: string[] = [];
  for (const [coding, { qualities, shift }] of codings.entries()) {
    const order = shuffle(random, [...looks.keys()]);
    for (let i = 0; i < order.length; i += 3) {
      const strips = [0, 1, 2].map((row) => order[i + row] ?? pick(random, order));
      const jpeg = await coded(
        strips.map((number) => looks[number]!),
        qualities,
        { x: randomInt(random, 2 * shift + 1) - shift, y: randomInt(random, 2 * shift + 1) - shift },
      );
      lines.push(JSON.stringify({ coding, strips, bytes: blob.write(jpeg) }));
    }
  }
  blob.close();
  writeFileSync(path("sheets.jsonl"), `${lines.join("\n")}\n`);
}

async function coded(
  strips: readonly (Fact | null)[],
  [quality, ...again]: readonly number[],
  moved: { readonly x: number; readonly y: number },
): Promise<Uint8Array> {
  const { width, height } = frameSize;
  const drawn = drawScene({ strips });
  const canvas = createCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(drawn, 0, 0);
  context.drawImage(drawn, moved.x, moved.y);
  let jpeg: Uint8Array = await canvas.encode("jpeg", quality!);
  for (const next of again) {
    context.drawImage(await loadImage(jpeg), 0, 0, width, height);
    jpeg = await canvas.encode("jpeg", next);
  }
  return jpeg;
}

interface Told {
  readonly seed: string;
  readonly clip: EpisodeClip;
  readonly earlier: readonly EpisodeClip[];
}

/** Clips of some episodes, each with up to four before it, oldest first. @throws RangeError past the last */
function* clipsOf(episodes: Episodes): Generator<Told, never> {
  for (let n = 0; ; n++) {
    const seed = seedOf(episodes, n);
    const { clips } = createEpisode(seed, clipsPerEpisode);
    for (const [i, clip] of clips.entries())
      yield { seed, clip, earlier: clips.slice(Math.max(0, i - windowClips), i) };
  }
}

/** A clip: numbers of its 12 looks, lines of speech as `[second, who, line]`, facts as `[kind, sentence]`. */
function plain({ scenes, facts }: EpisodeClip) {
  const strips = scenes.flatMap((scene) => scene.strips);
  return {
    strips: strips.map((fact) => lookNumbers.get(lookKey(fact))!),
    spoken: scenes.flatMap((scene) =>
      scene.strips.flatMap((fact) =>
        fact?.kind === "speech"
          ? [[Math.floor(scene.startSeconds + 0.25), fact.person, spokenLine(fact)]]
          : [],
      ),
    ),
    facts: facts.map((fact) => [fact.kind, sentenceOf(fact)]),
  };
}

function writeCaptions(name: string, count: number): void {
  const clips = clipsOf(trainingEpisodes.householdVl.captions);
  const file = openSync(path(name), "w");
  for (let i = 0; i < count; i++) writeSync(file, `${JSON.stringify(plain(clips.next().value.clip))}\n`);
  closeSync(file);
}

/** Clips with the product's prompt; `answers` right answers for training, or the clip's frames to measure on. */
async function writeMemories(
  name: string,
  episodes: Episodes,
  count: number,
  answers: number,
): Promise<void> {
  const random = seededRandom(name);
  const clips = clipsOf(episodes);
  const file = openSync(path(`${name}.jsonl`), "w");
  const blob = answers === 0 ? openBlob(`${name}.bin`) : null;
  for (let i = 0; i < count; i++) {
    const memory = await memoryOf(clips.next().value, random, answers);
    const frames = blob === null ? {} : { frames: memory.frames.map(({ jpeg }) => blob.write(jpeg)) };
    writeSync(file, `${JSON.stringify({ ...memory.line, ...frames })}\n`);
  }
  closeSync(file);
  blob?.close();
}

/**
 * One decision of the policy. Half of the histories also tell some of the clip's own facts: few last from clip to clip,
 * and from those alone not to repeat them is learnt too slowly. In training, two of five prompts carry questions of
 * one kind, and the answers then begin with facts of that kind.
 */
async function memoryOf({ seed, clip, earlier }: Told, random: Random, answers: number) {
  const training = answers > 0;
  const observation = await observed(clip, seed, !training);
  const written = earlier.map(({ index, facts }) => ({
    clip: index,
    facts: shuffle(random, facts).slice(0, oneOrTwo(random)),
  }));
  const again = random() < 0.5 ? shuffle(random, clip.facts).slice(0, randomInt(random, 4)) : [];
  for (const fact of again) if (written.length > 0) pick(random, written).facts.push(fact);
  const told = new Set(written.flatMap((entry) => entry.facts.map(sentenceOf)));
  const kind = training && random() < 0.4 ? pick(random, factKinds) : null;
  const context: Context = {
    observations: [observation],
    recent: {
      observations: await Promise.all(
        earlier.map((one) => observeClip(one, { stream: seed, pictures: false })),
      ),
      entries: written.map((entry) => ({
        clip: entry.clip,
        kind: "episodic",
        text: entry.facts.map(sentenceOf).join(" "),
      })),
    },
    state: freshState(),
    ...(kind !== null && { supplement: taskSupplement(questionsOf(kind, random)) }),
  };
  const [before, , after] = memoryPrompt(context, promptOptions);
  if (before?.type !== "text" || after?.type !== "text")
    throw new Error("Expected the prompt to be a text, the clip's frames, and a text");
  const fresh = clip.facts.filter((fact) => !told.has(sentenceOf(fact)));
  return {
    frames: observation.frames,
    line: {
      ...plain(clip),
      told: [...told],
      before: before.text,
      after: after.text,
      answers: Array.from({ length: answers }, () => {
        const choice = random() < 0.1 || fresh.length === 0 ? clip.facts : fresh;
        const first = shuffle(
          random,
          choice.filter((fact) => fact.kind === kind),
        );
        const others = shuffle(
          random,
          choice.filter((fact) => fact.kind !== kind),
        );
        const said = [...first, ...others].slice(0, oneOrTwo(random));
        return JSON.stringify({ description: said.map(sentenceOf).join(" ") });
      }),
    },
  };
}

/** A clip as the policy sees it; without pictures its frames are empty, which changes no word of the prompt. */
async function observed(clip: EpisodeClip, stream: string, pictures: boolean): Promise<Observation> {
  const observation = await observeClip(clip, { stream, pictures });
  if (pictures) return observation;
  const frames = clip.scenes.map(({ startSeconds, endSeconds }) => ({
    atSeconds: (startSeconds + endSeconds) / 2,
    ...frameSize,
    jpeg: new Uint8Array(),
  }));
  return { ...observation, frames };
}

function oneOrTwo(random: Random): number {
  return random() < 0.3 ? 1 : 2;
}

function questionsOf(kind: Fact["kind"], random: Random): string[] {
  const ofKind = facts.filter((fact) => fact.kind === kind);
  return Array.from({ length: 1 + randomInt(random, 5) }, () => questionOf(pick(random, ofKind)));
}

/** A file of bytes one after another; each write tells where they lie, as `[from, length]`. */
function openBlob(name: string) {
  const file = openSync(path(name), "w");
  let at = 0;
  return {
    write(bytes: Uint8Array): [from: number, length: number] {
      writeSync(file, bytes);
      at += bytes.length;
      return [at - bytes.length, bytes.length];
    },
    close: () => closeSync(file),
  };
}
