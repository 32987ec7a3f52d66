/**
 * The one objective: the sum of weight × log-probability over answer tokens, and its gradient.
 *
 * Cross-entropy has weights of minus one over the number of tokens; policy gradients and preferences differ in their
 * weights only, computed outside the graph.
 */
import { jit, nn, numpy as np, tree, valueAndGrad } from "../../engines/nano/jax.ts";
import { answerLogits, type Batch, type NanoConfig, type Weights } from "../../engines/nano/network.ts";

/** A batch with its target ids, shape [B, A], and the weight of each token, shape [B, A]. */
export interface WeightedBatch extends Batch {
  readonly targets: np.Array;
  readonly weights: np.Array;
}

/** Log-probabilities of the targets, shape [B, A]. Uses the weights by reference and consumes the batch. */
export function targetLogprobs(
  config: NanoConfig,
  weights: Weights,
  batch: Batch & { readonly targets: np.Array },
): np.Array {
  const logprobs = nn.logSoftmax(answerLogits(config, weights, batch), -1);
  return np.sum(logprobs.mul(nn.oneHot(batch.targets, config.vocabulary)), -1);
}

/**
 * Minus the weighted sum of log-probabilities and its gradient for every weight, compiled. Consumes both arguments.
 * Takes only the transformer's weights: the patch MLP is frozen after stage V.
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
