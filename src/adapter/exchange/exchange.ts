/** Adapters for other programs, and from them: one name a format. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { ConfigError } from "../../errors.ts";
import type { Adapter, VectorAdapter } from "../adapter.ts";
import { readBeft, writeBeft } from "./beft.ts";
import { adapterOf, type BlockVector, blockVectorOf, residualSpace } from "./block-vector.ts";
import { readControlVector, writeControlVector } from "./gguf.ts";
import { type LoraFunctional, writeLora } from "./lora.ts";
import { readSteer, writeSteer } from "./steer-pt.ts";
import { readSteeringFields, steeringFields } from "./vllm-lens.ts";

/** Formats of vectors: llama.cpp, PEFT, vLLM with vllm-lens, the paper's released code, a LoRA of rank one. */
export const exchangeFormats = ["gguf", "beft", "vllm-lens", "steer-pt", "lora"] as const;
/** One of `exchangeFormats`. */
export type ExchangeFormat = (typeof exchangeFormats)[number];

/** What a format needs to know of the model. */
export interface ExchangeOptions {
  /** beft, lora: whether the model also sees. @default "text" */
  readonly kind?: "text" | "vision" | undefined;
  /** steer-pt: how many blocks the model has. */
  readonly blocks?: number | undefined;
  /** lora: the function that was fitted on the model. */
  readonly functional?: LoraFunctional | undefined;
}

/**
 * The files of an adapter in a format, by name; a single file has the name "".
 * @throws ConfigError `adapter-space` for an adapter that is not added to a block, `adapter-remote`,
 * `adapter-unsupported` where the format has no such vector
 */
export function exportAdapter(
  adapter: Adapter,
  format: ExchangeFormat,
  { kind = "text", blocks, functional }: ExchangeOptions = {},
): Readonly<Record<string, Uint8Array>> {
  const vector = blockVectorOf(adapter);
  const { model } = residualSpace(adapter.space)!;
  switch (format) {
    case "gguf":
      return { "": writeControlVector(vector, model) };
    case "beft":
      return { ...writeBeft(vector, { model, kind }) };
    case "vllm-lens":
      return { "": Buffer.from(`${JSON.stringify(steeringFields(vector, adapter.revision))}\n`) };
    case "steer-pt":
      if (blocks === undefined)
        throw new ConfigError(
          "flags-invalid",
          "steer-pt has a row for every block: say how many the model has.",
        );
      return { "": writeSteer(vector, blocks) };
    case "lora":
      if (functional === undefined)
        throw new ConfigError(
          "adapter-unsupported",
          "A LoRA of rank one needs a function fitted on the model itself: name its folder with --policy model --model, in a memory that has watched something.",
        );
      return { ...writeLora(vector, functional, { model, kind }) };
  }
}

/**
 * Reads an adapter of a model from a file, or from PEFT's folder; the name tells the format.
 * @param block the one to take of a file with several
 * @throws ConfigError `adapter-missing`, `adapter-unsupported` for a name of no format or the wrong number of vectors
 * @throws DataError `adapter-invalid` for a file that is not what its name says
 */
export async function importAdapter(path: string, model: string, block?: number): Promise<VectorAdapter> {
  const vectors = await readVectors(path);
  const wanted = block === undefined ? vectors : vectors.filter((vector) => vector.block === block);
  if (wanted.length === 1) return adapterOf(wanted[0]!, model);
  const there = vectors.map((vector) => vector.block).join(", ");
  throw new ConfigError(
    "adapter-unsupported",
    `Expected one vector${block === undefined ? "" : ` of block ${block}`} in ${path}, got ${wanted.length}. It has ${there === "" ? "none" : `blocks ${there}: name one`}.`,
  );
}

async function readVectors(path: string): Promise<BlockVector[]> {
  const file = fileAt(path);
  const bytes = readFileSync(file);
  if (file.endsWith(".gguf")) return readControlVector(bytes);
  if (file.endsWith(".safetensors")) {
    if (!bytes.includes("lora_B")) return readBeft(bytes);
    throw new ConfigError(
      "adapter-unsupported",
      `${path} holds low-rank matrices, which are no vector: what they add depends on each token. A model in a folder writes with them (--policy model --model FOLDER); a server that has loaded them is named by \`taskmem adapt import lora:NAME\`.`,
    );
  }
  if (file.endsWith(".json")) return readSteeringFields(bytes);
  if (/\.pth?$/.test(file)) return readSteer(bytes);
  throw new ConfigError(
    "adapter-unsupported",
    `Expected an adapter in a .gguf, .safetensors, .json (vllm-lens) or .pt file, got ${basename(file)}`,
  );
}

/** The file itself, or the one with the numbers in a folder of PEFT. @throws ConfigError `adapter-missing` */
function fileAt(path: string): string {
  try {
    if (!statSync(path).isDirectory()) return path;
    const name = readdirSync(path).find((one) => one === "adapter_model.safetensors");
    if (name) return join(path, name);
  } catch (cause) {
    throw new ConfigError("adapter-missing", `There is no adapter at ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  throw new ConfigError("adapter-missing", `The folder ${path} holds no adapter_model.safetensors.`);
}
