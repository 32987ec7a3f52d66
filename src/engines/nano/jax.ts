/** The parts of jax-js that nano uses. It is optional: without it, importing this file is a `package-missing` error. */
import type * as jax from "@jax-js/jax";
import { optionalPackage } from "../../util/optional.ts";

const loaded: typeof jax = await optionalPackage("@jax-js/jax", "to run nano");

// Typed one by one: the compiler does not write out inferred types of this size.
export const defaultDevice: typeof jax.defaultDevice = loaded.defaultDevice;
export const init: typeof jax.init = loaded.init;
export const jit: typeof jax.jit = loaded.jit;
export const nn: typeof jax.nn = loaded.nn;
export const numpy: typeof jax.numpy = loaded.numpy;
export const tree: typeof jax.tree = loaded.tree;
export const valueAndGrad: typeof jax.valueAndGrad = loaded.valueAndGrad;

export declare namespace numpy {
  type Array = jax.Array;
}
