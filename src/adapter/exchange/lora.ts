/**
 * A vector as a LoRA of rank one, for servers that take LoRAs only: beside the last projection W of a block's MLP, it adds
 * b · (a · x) to W x. With b the vector and a · x near 1 at every token, that is nearly the vector itself. So a is the
 * linear function of the projection's inputs that is nearest to 1, fitted on texts of the model.
 *
 * A folder with PEFT's two files, for vLLM, SGLang and transformers, and `adapter.gguf` for llama.cpp.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BlockVector } from "./block-vector.ts";
import { writeGguf } from "./gguf-file.ts";
import { writeSafetensors } from "./safetensors.ts";

/** The function whose value at each token multiplies the vector, and the model it was fitted on. */
export interface LoraFunctional {
  /** Shape [inputs of the projection]. */
  readonly values: Float32Array;
  /** llama.cpp's name of the architecture: `llama`, `qwen3vl`. */
  readonly architecture: string;
}

/** The files of a LoRA, by name. */
export interface LoraFiles {
  readonly "adapter_config.json": Uint8Array;
  readonly "adapter_model.safetensors": Uint8Array;
  readonly "adapter.gguf": Uint8Array;
}

const blockPaths = { text: "model.layers", vision: "model.language_model.layers" } as const;

/** The files of a vector. @param kind `vision` for a model that also sees: its language model lies one level deeper */
export function writeLora(
  { block, values }: BlockVector,
  functional: LoraFunctional,
  { model, kind }: { readonly model: string; readonly kind: keyof typeof blockPaths },
): LoraFiles {
  const module = `${blockPaths[kind]}.${block}.mlp.down_proj`;
  const config = {
    ...{ peft_type: "LORA", base_model_name_or_path: model, inference_mode: true, task_type: null },
    ...{ r: 1, lora_alpha: 1, bias: "none", target_modules: [module] },
  };
  const a = { shape: [1, functional.values.length], values: functional.values };
  const b = { shape: [values.length, 1], values };
  return {
    "adapter_config.json": Buffer.from(`${JSON.stringify(config, null, 2)}\n`),
    "adapter_model.safetensors": writeSafetensors(
      { name: `base_model.model.${module}.lora_A.weight`, ...a },
      { name: `base_model.model.${module}.lora_B.weight`, ...b },
    ),
    "adapter.gguf": writeGguf(
      [
        { key: "general.type", string: "adapter" },
        { key: "general.architecture", string: functional.architecture },
        { key: "adapter.type", string: "lora" },
        { key: "adapter.lora.alpha", float32: 1 },
      ],
      [
        { name: `blk.${block}.ffn_down.weight.lora_a`, ...a },
        { name: `blk.${block}.ffn_down.weight.lora_b`, ...b },
      ],
    ),
  };
}

/**
 * The folder of a PEFT LoRA that a path names, itself or by one of its files; `null` for anything else. It is no vector:
 * how much of one it adds depends on each token.
 */
export function loraFolder(path: string): string | null {
  const folder = basename(path) === "adapter_model.safetensors" ? dirname(path) : path;
  const config = join(folder, "adapter_config.json");
  if (!existsSync(config)) return null;
  try {
    const { peft_type } = JSON.parse(readFileSync(config, "utf8")) as { peft_type?: unknown };
    return peft_type === "LORA" ? folder : null;
  } catch {
    return null;
  }
}
