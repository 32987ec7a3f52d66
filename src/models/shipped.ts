/** Models that come with the package, each a folder that the worker reads. nano's weights are no folder: `engines/nano`. */
import { fileURLToPath } from "node:url";

/** A model that comes with the package. */
export interface ShippedModel {
  readonly name: string;
  /** What it is and what it is for, as `taskmem models list` prints it. */
  readonly about: string;
  /** SPDX identifier. */
  readonly licence: string;
  readonly directory: string;
}

/** All of them, in the order they are listed. */
export const shippedModels: readonly ShippedModel[] = [
  {
    name: "household-vl",
    about:
      "household-VL (3.3 million parameters, Qwen3-VL): sees and tells the simulated household, and nothing else",
    licence: "Apache-2.0",
    directory: fileURLToPath(new URL("../../weights/household-vl", import.meta.url)),
  },
];
