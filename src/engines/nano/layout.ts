/**
 * The fixed slots of nano's context. Every clip fills the same positions, so one compiled program serves all clips.
 *
 * | slot              | positions | content                                                            |
 * |-------------------|-----------|--------------------------------------------------------------------|
 * | strips            | 12        | 4 scenes × 3 strips, top to bottom                                 |
 * | speech            | 4         | one line each: the speaker and what is said                        |
 * | earlier memories  | 12        | one sentence each, the latest that fit, oldest first               |
 * | what is asked for | 8         | one question each                                                  |
 * | answer            | 1 + A − 1 | `start`, then up to 19 tokens of a memory, 47 of a caption         |
 *
 * A line of text is one position, as a strip is: the sum of its content words' embeddings. This tells the network which
 * words belong together, so learning who of two speakers says what is no harder than learning who of two people wears
 * what. With words spread over positions it was not learned in hours. Word order is lost, but the household's slots each
 * have their own words.
 */
import { stripsPerScene } from "../../household/world.ts";
import { contentOf, end, none, pad, start } from "./vocabulary.ts";

/** Scenes of a clip that nano sees. */
export const scenesSeen = 4;
/** Strips of a clip. */
export const stripsSeen = scenesSeen * stripsPerScene;
const spokenLines = 4;
/** Lines of earlier memories. */
export const earlierLines = 12;
const wantedLines = 8;
/** Words read from a line, W; more are left out, fewer are padded with `pad`, which adds nothing. */
export const lineWords = 6;
/** Number of ids in the text slots, L · W. */
export const textLength = (spokenLines + earlierLines + wantedLines) * lineWords;
/** Number of positions before the answer. */
export const prefixLength = stripsSeen + textLength / lineWords;
/** Longest memory in tokens, `end` included. */
export const memoryLength = 20;
/** Longest dense caption in tokens, `end` included. */
export const captionLength = 48;
/** Learned positions, shape [P]. */
export const positions = prefixLength + captionLength;

/** A line of text as token ids. */
export type Line = readonly number[];

/** What the text slots of a clip hold. */
export interface Texts {
  /** The speaker and content words of each line of speech. */
  readonly spoken: readonly Line[];
  /** Whole sentences written about the clips before, oldest first. */
  readonly preceding: readonly Line[];
  /** Content words of each question. */
  readonly wanted: readonly Line[];
}

/** The text slots one after another, shape [L · W]. Lines that do not fit are left out, of earlier memories the oldest. */
export function textSlots({ spoken, preceding, wanted }: Texts): Int32Array<ArrayBuffer> {
  return Int32Array.from([
    ...slot(spokenLines, spoken),
    ...slot(earlierLines, preceding.slice(-earlierLines).map(sentenceLine)),
    ...slot(wantedLines, wanted),
  ]);
}

/** A sentence's first word, which decides its kind, and its content words. */
function sentenceLine([first, ...others]: Line): Line {
  return first === undefined ? [] : [first, ...contentOf(others)];
}

/** Lines as ids, each padded to W; a place without a line holds `none`. */
function slot(count: number, lines: readonly Line[]): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(count * lineWords).fill(pad);
  for (let i = 0; i < count; i++) {
    const line = lines[i] ?? [];
    slots.set(line.length > 0 ? line.slice(0, lineWords) : [none], i * lineWords);
  }
  return slots;
}

/**
 * The decoder's inputs and targets for an answer, each of shape [length]: `start` first, `end` last, then
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
