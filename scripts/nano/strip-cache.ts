/**
 * Every possible strip, drawn and coded in a few ways once, and served with noise for training.
 *
 * About 4,600 strips differ (of speech only the speaker is seen). Each variant is drawn in another row and company,
 * coded as JPEG once or twice at different qualities, and moved by a pixel or two; brightness, contrast and noise are
 * drawn again each time.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { loadImage } from "@napi-rs/canvas";
import { frameStrips, inputOf, stripValues } from "../../src/engines/nano/strips.ts";
import { drawScene, frameSize } from "../../src/household/draw.ts";
import type { Fact } from "../../src/household/language.ts";
import { stripsPerScene } from "../../src/household/world.ts";
import { pick, type Random, randomInt, seededRandom, shuffle } from "../../src/util/random.ts";
import { allFacts, stripKey } from "./facts.ts";

/** How a variant's frames are coded, one after another, and how far they are moved at most. */
const variants: readonly { readonly qualities: readonly number[]; readonly shift: number }[] = [
  { qualities: [90], shift: 0 },
  { qualities: [75, 85], shift: 2 },
  { qualities: [60, 80], shift: 2 },
];

/** All strips, ready for training. */
export interface StripCache {
  /** One fact for each look, `null` for the empty strip. */
  readonly facts: readonly (Fact | null)[];
  /** Writes a strip as network inputs, noise added, to `inputs` from `offset` on. */
  fill(inputs: Float32Array, offset: number, fact: Fact | null, random: Random): void;
}

/** Opens the cache in a file, and draws it first (about a minute) when there is none. */
export async function openStripCache(path: string): Promise<StripCache> {
  const facts = distinctStrips();
  const expected = variants.length * facts.length * stripValues;
  let bytes: Uint8Array = existsSync(path) ? readFileSync(path) : new Uint8Array();
  if (bytes.length !== expected) {
    bytes = await drawAll(facts);
    writeFileSync(`${path}.part`, bytes);
    renameSync(`${path}.part`, path);
  }
  const numbers = new Map(facts.map((fact, i) => [stripKey(fact), i]));
  const noise = gaussians(1 << 16);
  return {
    facts,
    fill(inputs, offset, fact, random) {
      const variant = randomInt(random, variants.length);
      const from = (variant * facts.length + numbers.get(stripKey(fact))!) * stripValues;
      const contrast = 1 + 0.1 * (random() - 0.5);
      const brightness = 0.1 * (random() - 0.5);
      const spread = 0.06 * random();
      const noiseFrom = randomInt(random, noise.length);
      for (let i = 0; i < stripValues; i++)
        inputs[offset + i] =
          contrast * inputOf(bytes[from + i]!) +
          brightness +
          spread * noise[(noiseFrom + i) & (noise.length - 1)]!;
    },
  };
}

/** One fact per look, then the empty strip. */
export function distinctStrips(): (Fact | null)[] {
  return [...new Map(allFacts().map((fact) => [stripKey(fact), fact])).values(), null];
}

/** All variants of all strips, shape [variants, strips, X]. */
async function drawAll(facts: readonly (Fact | null)[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(variants.length * facts.length * stripValues);
  const random = seededRandom("strips");
  for (const [variant, { qualities, shift }] of variants.entries()) {
    const order = shuffle(random, [...facts.keys()]);
    for (let i = 0; i < order.length; i += stripsPerScene) {
      const shown = Array.from({ length: stripsPerScene }, (_, row) => order[i + row] ?? pick(random, order));
      const jpeg = await coded(
        shown.map((number) => facts[number]!),
        qualities,
      );
      const moved = () => randomInt(random, 2 * shift + 1) - shift;
      const strips = await frameStrips(jpeg, { x: moved(), y: moved() });
      for (const [row, number] of shown.entries())
        bytes.set(
          strips.subarray(row * stripValues, (row + 1) * stripValues),
          (variant * facts.length + number) * stripValues,
        );
    }
  }
  return bytes;
}

async function coded(strips: readonly (Fact | null)[], qualities: readonly number[]): Promise<Uint8Array> {
  const canvas = drawScene({ strips });
  let jpeg = await canvas.encode("jpeg", qualities[0]!);
  for (const quality of qualities.slice(1)) {
    canvas.getContext("2d").drawImage(await loadImage(jpeg), 0, 0, frameSize.width, frameSize.height);
    jpeg = await canvas.encode("jpeg", quality);
  }
  return jpeg;
}

function gaussians(n: number): Float32Array {
  const random = seededRandom("noise");
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
}
