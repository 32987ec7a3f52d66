/**
 * llama.cpp's control vector: a GGUF file whose tensor `direction.N` is added to the output of block N
 * (`--control-vector`). llama.cpp has no direction for block 0.
 *
 * Read are files of 32-bit numbers, little-endian, as llama.cpp and repeng write them.
 */
import { ConfigError } from "../../errors.ts";
import { type BlockVector, brokenAdapter } from "./block-vector.ts";
import { readGguf, writeGguf } from "./gguf-file.ts";

/** Bytes of a control vector. @throws ConfigError `adapter-unsupported` for block 0 */
export function writeControlVector({ block, values }: BlockVector, architecture: string): Uint8Array {
  if (block === 0) {
    throw new ConfigError(
      "adapter-unsupported",
      "llama.cpp adds nothing after block 0: train the adapter at a later block.",
    );
  }
  return writeGguf(
    [
      { key: "general.architecture", string: "controlvector" },
      { key: "controlvector.model_hint", string: architecture },
      { key: "controlvector.layer_count", uint32: 1 },
    ],
    [{ name: `direction.${block}`, shape: [values.length], values }],
  );
}

/** The vectors of a control vector, by block. @throws DataError `adapter-invalid` */
export function readControlVector(bytes: Uint8Array): BlockVector[] {
  try {
    return readGguf(bytes).map(({ name, shape, values }): BlockVector => {
      const block = Number(/^direction\.(\d+)$/.exec(name)?.[1] ?? Number.NaN);
      if (!(block >= 0)) throw new Error(`${name} is no direction`);
      if (shape.length !== 1) throw new Error(`${name} is not a vector of 32-bit numbers`);
      return { block, values };
    });
  } catch (error) {
    throw brokenAdapter("gguf", error instanceof RangeError ? "it is cut" : (error as Error).message);
  }
}
