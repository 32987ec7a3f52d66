/** Samples of nano as the arrays its network takes, for trainers. */

import { answerSlots, memoryLength, stripsSeen, textLength } from "../../engines/nano/layout.ts";
import type { ShownClip } from "../../engines/nano/nano-model.ts";

/** A clip with what nano wrote about it. */
export interface NanoSample extends ShownClip {
  /** Sampled token ids, `end` last unless the answer was cut; at most `memoryLength`. */
  readonly tokens: readonly number[];
}

/** Arrays of `size` samples, padded with zeros: strips [B, 12, D], texts [B, L · W], answers and targets [B, A]. */
export function sampleArrays(samples: readonly NanoSample[], size: number, width: number) {
  const strips = new Float32Array(size * stripsSeen * width);
  const texts = new Int32Array(size * textLength);
  const answers = new Int32Array(size * memoryLength);
  const targets = new Int32Array(size * memoryLength);
  for (const [i, sample] of samples.entries()) {
    strips.set(sample.strips, i * stripsSeen * width);
    texts.set(sample.texts, i * textLength);
    // The input at a position is the token before it, so the last one is only a target.
    answers.set(answerSlots(sample.tokens.slice(0, memoryLength - 1), memoryLength).inputs, i * memoryLength);
    targets.set(sample.tokens, i * memoryLength);
  }
  return { strips, texts, answers, targets };
}
