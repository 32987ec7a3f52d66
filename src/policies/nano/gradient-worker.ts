/** A thread that computes log-probabilities and gradients for `gradients.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { startDevice } from "../../engines/nano/device.ts";
import { tree } from "../../engines/nano/jax.ts";
import { type Asked, GradientEngine, unflatten, type WorkerSetup } from "./gradients.ts";

const { config, weights: buffer } = workerData as WorkerSetup;
const shared = new Float32Array(buffer);
await startDevice();
const engine = new GradientEngine(config);

parentPort!.on("message", async (asked: Asked) => {
  const weights = unflatten(config, shared);
  const answers = await engine.answers(weights, asked);
  tree.dispose(weights as never);
  parentPort!.postMessage(
    answers,
    answers.map(({ buffer }) => buffer),
  );
});
