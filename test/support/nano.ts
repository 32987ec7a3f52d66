/** Nano's weights for tests: those it acts with, else the pretrained ones. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const weights = resolve(import.meta.dirname, "../../weights");

/** The path of a file of weights, and the reason to skip where there is none. */
export function nanoWeights(): { path: string; skip: false | string } {
  const paths = ["nano", "nano-base"].map((name) => resolve(weights, `${name}.safetensors`));
  const found = paths.find((path) => existsSync(path));
  return { path: found ?? paths[0]!, skip: found ? false : `no weights of nano in ${weights}` };
}
