/**
 * PEFT's BEFT adapter: a bias on the last projection of a block's MLP. On a dense model nothing stands between that
 * projection and the sum of the residual stream, so the bias is the vector of the block, exactly. A folder of
 * `adapter_config.json` and `adapter_model.safetensors`.
 */
import { type BlockVector, brokenAdapter } from "./block-vector.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";

/** The two files of an adapter, by name. */
export interface BeftFiles {
  readonly "adapter_config.json": Uint8Array;
  readonly "adapter_model.safetensors": Uint8Array;
}

/** Where the blocks are inside the model's classes. */
const blockPaths = { text: "model.layers", vision: "model.language_model.layers" } as const;

/**
 * The files of an adapter.
 * @param kind `vision` for a model that also sees: its language model lies one level deeper
 */
export function writeBeft(
  { block, values }: BlockVector,
  { model, kind }: { readonly model: string; readonly kind: keyof typeof blockPaths },
): BeftFiles {
  const module = `${blockPaths[kind]}.${block}.mlp.down_proj`;
  const config = {
    ...{ peft_type: "BEFT", base_model_name_or_path: model, inference_mode: true, task_type: null },
    target_modules: `.*${module.replaceAll(".", "\\.")}`,
  };
  const name = `base_model.model.${module}.beft_bias`;
  return {
    "adapter_config.json": Buffer.from(`${JSON.stringify(config, null, 2)}\n`),
    "adapter_model.safetensors": writeSafetensors({ name, shape: [1, values.length], values }),
  };
}

/** The vectors of `adapter_model.safetensors`, by block. @throws DataError `adapter-invalid` */
export function readBeft(bytes: Uint8Array): BlockVector[] {
  try {
    return readSafetensors(bytes).map(({ name, values }): BlockVector => {
      const [, block] = /\.layers\.(\d+)\.mlp\.down_proj\.beft_bias$/.exec(name) ?? [];
      if (block === undefined) throw new Error(`${name} is no bias of a block's last projection`);
      return { block: Number(block), values };
    });
  } catch (error) {
    throw brokenAdapter("beft", (error as Error).message);
  }
}
