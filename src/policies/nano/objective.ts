/**
 * The one objective: the sum of weight × log-probability over answer tokens, and its gradient.
 *
 * Cross-entropy has weights of minus one over the number of tokens; policy gradients and preferences differ in their
 * weights only, computed outside the graph.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from "../../engines/nano/jax.ts";
import { answerLogits, type Batch, type NanoConfig, type Weights } from "../../engines/nano/network.ts";

/** A batch with what should be written, shape [B, A], and how much each token counts, shape [B, A]. */
export interface WeightedBatch extends Batch {
  readonly targets: np.Array;
  readonly weights: np.Array;
}

/** Log-probabilities of the targets, shape [B, A]; weights by reference, the batch consumed. */
export function targetLogprobs(
  config: NanoConfig,
  weights: Weights,
  batch: Batch & { readonly targets: np.Array },
): np.Array {
  const logprobs = nn.logSoftmax(answerLogits(config, weights, batch), -1);
  return np.sum(logprobs.mul(nn.oneHot(batch.targets, config.vocabulary)), -1);
}

/**
 * Minus the weighted sum of log-probabilities and its gradient for every weight, compiled. Both arguments are consumed.
 * Only weights of the transformer are taken: the patch MLP stands still after stage V.
 */
export function compileGradient(
  config: NanoConfig,
): (weights: Weights, batch: WeightedBatch) => [np.Array, Weights] {
  const loss = (weights: Weights, batch: WeightedBatch) => {
    const { weights: tokenWeights, ...rest } = batch;
    const sum = np.sum(targetLogprobs(config, weights, rest).mul(tokenWeights)).mul(-1);
    tree.dispose(weights);
    return sum;
  };
  return jit(valueAndGrad(loss as never) as never) as never;
}
