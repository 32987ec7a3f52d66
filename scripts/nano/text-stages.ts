/**
 * The stages that teach nano to write: dense captions first, then memories of one or two facts.
 *
 * The patch MLP is frozen: stage V has taught it to read, and what is left to learn is which words of which strip
 * belong together. Both stages are cross-entropy on examples made on the fly.
 */

import { Decoder } from "../../src/engines/nano/decode.ts";
import { captionLength, memoryLength, prefixLength } from "../../src/engines/nano/layout.ts";
import type { Embed, NanoConfig, Weights } from "../../src/engines/nano/network.ts";
import { choosingEpisodes, type Episodes } from "../../src/household/splits.ts";
import type { Adam } from "../../src/policies/nano/adam.ts";
import { Gradients, type PlainBatch } from "../../src/policies/nano/gradients.ts";
import { type Random, seededRandom } from "../../src/util/random.ts";
import { arraysOf, captionExample, clipsOf, clipsPerEpisode, memoryExample } from "./examples.ts";
import { countStatements, type Fidelity, noStatements } from "./fidelity.ts";
import type { StripCache } from "./strip-cache.ts";

/** A stage of writing. */
export type TextStage = "captions" | "memories";

/** Options of `textStage`. */
export interface TextStageOptions {
  readonly stage: TextStage;
  /** First step and the number of all steps, for the learning rate. */
  readonly fromStep: number;
  readonly steps: number;
  /** Clips per step, B; an even number. */
  readonly clips: number;
  /** Falls to zero over the second half of the steps. */
  readonly learningRate: number;
  /** Of the stage's clips. */
  readonly episodes: Episodes;
  readonly seed: string;
  /** Most threads. @default see `Gradients` */
  readonly threads?: number;
  /** Called after each step with the mean loss of a token in nats; `false` ends the stage. */
  readonly onStep: (step: number, loss: number) => Promise<boolean>;
}

/** Trains the transformer's weights, which the optimiser holds. */
export async function textStage(
  config: NanoConfig,
  adam: Adam,
  embed: Embed,
  cache: StripCache,
  options: TextStageOptions,
): Promise<void> {
  const { stage, steps, clips, learningRate } = options;
  const gradients = new Gradients(config, options.threads);
  for (let step = options.fromStep; step < steps; step++) {
    // Each step draws by itself, so that a resumed run draws the same as one that never stopped.
    const random = seededRandom(`${options.seed} ${step}`);
    const source = clipsOf(options.episodes, Math.ceil((step * clips) / clipsPerEpisode));
    const examples = Array.from({ length: clips }, () => {
      const { clip, earlier } = source.next().value;
      return exampleOf[stage](clip, earlier, random);
    });
    const { pixels, ...arrays } = arraysOf(config, examples, cache, random, answerLengths[stage]);
    const batches = halves({ ...arrays, strips: await embed(pixels) });
    const { loss, slope } = await gradients.gradient(adam.weights, batches);
    const warming = Math.min(1, (step + 1) / 50);
    adam.step(slope, learningRate * warming * Math.min(1, 2 * (1 - step / steps)));
    if (!(await options.onStep(step + 1, loss))) return;
  }
}

/** A batch as two of half the size, for two threads. */
function halves(batch: PlainBatch): PlainBatch[] {
  const count = batch.count / 2;
  return [0, 1].map((half) => {
    const of = <T extends Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(values: T) =>
      values.slice((half * values.length) / 2, ((half + 1) * values.length) / 2) as T;
    return {
      count,
      strips: of(batch.strips),
      texts: of(batch.texts),
      answers: of(batch.answers),
      targets: of(batch.targets),
      weights: of(batch.weights),
    };
  });
}

const exampleOf = { captions: captionExample, memories: memoryExample } as const;
const answerLengths = { captions: captionLength, memories: memoryLength } as const;

/** What nano writes about clips of validation episodes, one sample a clip. Weights are used by reference. */
export async function measureFidelity(
  config: NanoConfig,
  weights: Weights,
  embed: Embed,
  cache: StripCache,
  random: Random,
  { stage, clips, temperature }: { stage: TextStage; clips: number; temperature: number },
): Promise<Fidelity> {
  const source = clipsOf(choosingEpisodes.nanoPretraining);
  const shown = Array.from({ length: clips }, () => {
    const { clip, earlier } = source.next().value;
    const example = exampleOf[stage](clip, earlier, random);
    return { example, known: clip.facts };
  });
  const length = answerLengths[stage];
  const arrays = arraysOf(
    config,
    shown.map(({ example }) => example),
    cache,
    random,
    length,
  );
  const written = await new Decoder(config).decode(
    weights,
    { count: clips, strips: await embed(arrays.pixels), texts: arrays.texts },
    { samples: 1, temperature, random, length },
  );
  const counts = noStatements();
  for (const [i, { example, known }] of shown.entries())
    countStatements(counts, written[i]![0]!.tokens, known, example.preceding.flat());
  return counts;
}

/** Positions that a step runs through the transformer. */
export function positionsPerStep({ stage, clips }: Pick<TextStageOptions, "stage" | "clips">): number {
  return clips * (prefixLength + answerLengths[stage]);
}
