/**
 * The fixed slots of nano's context. Every clip fills the same positions, so one compiled program serves all clips.
 *
 * | slot              | positions | content                                                       |
 * |-------------------|-----------|---------------------------------------------------------------|
 * | strips            | 12        | 4 scenes × 3 strips, top to bottom                            |
 * | speech            | 1 + 21    | `heard` or `none`, then up to three lines, speaker and words  |
 * | earlier memories  | 1 + 57    | `before` or `none`, then the latest memories, oldest first    |
 * | what is asked for | 1 + 15    | `wanted` or `none`, then content words of questions           |
 * | answer            | 1 + 49    | `start`, then up to 19 tokens of a memory, 49 of a caption    |
 *
 * A memory and all before it fill 128 positions, which products of matrices run through fast: an odd number of rows takes
 * more than twice as long.
 */
import { stripsPerScene } from "../../household/world.ts";
import { before, end, heard, none, pad, start, wanted } from "./vocabulary.ts";

export const scenesSeen = 4;
export const stripsSeen = scenesSeen * stripsPerScene;
export const speechSlots = 22;
export const beforeSlots = 58;
export const wantedSlots = 16;
/** Tokens before the answer. */
export const prefixLength = stripsSeen + speechSlots + beforeSlots + wantedSlots;
/** Longest memory and longest dense caption, `end` included. */
export const memoryLength = 20;
export const captionLength = 50;
/** Learned positions, shape [P]. */
export const positions = prefixLength + captionLength;

/** What the text slots of a clip hold: token ids without marks. */
export interface Texts {
  /** Speaker and words, line after line. */
  readonly spoken: readonly number[];
  /** What was written about the clips before, as much of the latest as fits. */
  readonly preceding: readonly number[];
  /** Content words of what is asked for. */
  readonly wanted: readonly number[];
}

/** The text slots one after another, shape [96]; tokens that do not fit are left out. */
export function textSlots({ spoken, preceding, wanted: asked }: Texts): Int32Array<ArrayBuffer> {
  return Int32Array.from([
    ...speechSlot(spoken),
    ...slot(beforeSlots, before, preceding),
    ...slot(wantedSlots, wanted, asked),
  ]);
}

/** The latest of some memories that fit their slot together, one after another. */
export function latestMemories(memories: readonly (readonly number[])[]): number[] {
  const kept: number[] = [];
  for (const memory of memories.toReversed()) {
    if (kept.length + memory.length >= beforeSlots) break;
    kept.unshift(...memory);
  }
  return kept;
}

/** The slot of speech alone, shape [22]: all the text that dense captions go with. */
export function speechSlot(spoken: readonly number[]): Int32Array {
  return slot(speechSlots, heard, spoken);
}

function slot(length: number, mark: number, content: readonly number[]): Int32Array {
  const slots = new Int32Array(length).fill(pad);
  slots[0] = content.length > 0 ? mark : none;
  slots.set(content.slice(0, length - 1), 1);
  return slots;
}

/**
 * An answer as the decoder is fed it and as it should go on, each of shape [length]: `start` first, `end` last, then
 * `pad`, which never counts. @throws RangeError when it does not fit
 */
export function answerSlots(
  answer: readonly number[],
  length: number,
): { inputs: Int32Array; targets: Int32Array; weights: Float32Array } {
  if (answer.length >= length)
    throw new RangeError(`Expected an answer of fewer than ${length} tokens, got ${answer.length}`);
  const inputs = new Int32Array(length).fill(pad);
  const targets = new Int32Array(length).fill(pad);
  const weights = new Float32Array(length);
  inputs[0] = start;
  inputs.set(answer, 1);
  targets.set(answer);
  targets[answer.length] = end;
  weights.fill(1, 0, answer.length + 1);
  return { inputs, targets, weights };
}
