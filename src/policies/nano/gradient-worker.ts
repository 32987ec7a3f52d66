/** A thread that computes log-probabilities and gradients for `gradients.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { startDevice } from "../../engines/nano/device.ts";
import { tree } from "../../engines/nano/jax.ts";
import { type Answered, type Asked, GradientEngine, unflatten, type WorkerSetup } from "./gradients.ts";

const { config, weights: buffer } = workerData as WorkerSetup;
const shared = new Float32Array(buffer);
await startDevice();
const engine = new GradientEngine(config);

parentPort!.on("message", async ({ wanted, batches }: Asked) => {
  const weights = unflatten(config, shared);
  const answers: Answered[] = [];
  for (const batch of batches) answers.push(await engine.answer(weights, wanted, batch));
  tree.dispose(weights as never);
  parentPort!.postMessage(
    answers,
    answers.map(({ buffer }) => buffer),
  );
});
