/**
 * A policy whose memory is one of the clip's own lines, chosen by the probability that the model gives to each: true by
 * construction, and what an adapter taught it decides which. A clip without lines is written about freely.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { noCost } from "../../engine.ts";
import { type TorchEngine, torchSteering } from "../../engines/torch/index.ts";
import type { Action, Policy } from "../../policy/policy.ts";
import { ownLines } from "../../training/own-lines.ts";
import type { Random } from "../../util/random.ts";
import { saysTheSame } from "../../util/repetition.ts";
import { type TorchPolicyOptions, telling, torchPolicy } from "./torch-policy.ts";

/** How evenly lines are drawn, where the sampling says nothing: as a temperature of the model's own draws. */
const drawnTemperature = 0.7;

/**
 * A torch policy that chooses among a clip's lines those that were not written before. A greedy decision takes the
 * likeliest; a draw takes each in proportion to p^(1 / temperature).
 */
export function linePolicy(
  engine: TorchEngine,
  adapter: Adapter | null,
  options: TorchPolicyOptions,
): Policy {
  const free = torchPolicy(engine, adapter, options);
  const revision = `${free.revision}+lines`;
  const tell = telling(engine, options, { steering: torchSteering(adapter, engine), revision });
  const temperature = options.sampling?.temperature ?? drawnTemperature;
  return {
    ...free,
    revision,
    async decide(context, wanted = {}) {
      const { n = 1, random, signal } = wanted;
      const lines = ownLines(context.observations[0]!);
      if (lines.length === 0) return free.decide(context, wanted);
      const written = context.recent.entries.map(({ text }) => text);
      const fresh = lines.filter((line) => !written.some((text) => saysTheSame(line, text)));
      signal?.throwIfAborted();
      const told = fresh.length === 0 ? [nothingNew(revision)] : await tell(context, fresh);
      const logprobs = told.map((action) => action.logprobs?.values ?? new Float32Array());
      const chances = chancesOfTexts(logprobs, random ? temperature : 0);
      const actions = Array.from({ length: n }, () => told[drawFrom(chances, random)]!);
      return { actions, cost: noCost };
    },
  };
}

/** The policy that acts with an engine's model: one that chooses among lines where the options say so, or one that writes. */
export function actingPolicy(
  engine: TorchEngine,
  adapter: Adapter | null,
  { ownLines = false, ...options }: TorchPolicyOptions & { readonly ownLines?: boolean },
): Policy {
  return ownLines ? linePolicy(engine, adapter, options) : torchPolicy(engine, adapter, options);
}

function nothingNew(revision: string): Action {
  return { text: "", statements: [], logprobs: null, revision, issues: [] };
}

/**
 * The chance of each text where one of them is drawn, in proportion to p^(1 / temperature); at temperature 0 the likeliest
 * has all of it. Shape [texts].
 * @param logprobs of each text, shape [T] each
 */
export function chancesOfTexts(logprobs: readonly Float32Array[], temperature: number): number[] {
  const sums = logprobs.map((values) => values.reduce((sum, value) => sum + value, 0));
  const most = Math.max(...sums);
  if (temperature === 0) return sums.map((_, i) => Number(i === sums.indexOf(most)));
  const powers = sums.map((sum) => Math.exp((sum - most) / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function drawFrom(chances: readonly number[], random: Random = () => 0): number {
  let left = random();
  const at = chances.findIndex((chance) => {
    left -= chance;
    return left < 0;
  });
  return at < 0 ? chances.lastIndexOf(Math.max(...chances)) : at;
}
