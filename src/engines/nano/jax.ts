/** What nano takes of jax-js. It is optional: importing this file without it is a `package-missing` error. */
import type { Array as JaxArray } from "@jax-js/jax";
import { optionalPackage } from "../../util/optional.ts";

export const { defaultDevice, init, jit, nn, numpy, tree, valueAndGrad } = await optionalPackage(
  "@jax-js/jax",
  "to run nano",
);

export declare namespace numpy {
  type Array = JaxArray;
}
