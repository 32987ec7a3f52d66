/** What a trainer made of a job: where it is, what it is, and whether it fits the model it is for. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError, DataError } from "../../../errors.ts";
import { type JobDescription, type JobKind, readJob } from "./job.ts";

/** A trainer's result on disk. */
export interface JobResult {
  readonly kind: JobKind;
  /** The file of a vector, or the folder of an adapter or of whole weights. */
  readonly path: string;
}

/** What the job in a folder, or the one above a result, is of; `null` where none is described. */
export function describedAt(path: string): JobDescription | null {
  const file = [path, join(path, ".."), join(path, "..", "..")]
    .map((folder) => join(folder, "job.json"))
    .find((one) => existsSync(one));
  return file === undefined ? null : readJob(readFileSync(file, "utf8"), file);
}

/**
 * The result at a path: a file, a folder of PEFT, a folder of whole weights, or the last of those below a job's `result`.
 * @throws ConfigError `job-result-missing`
 */
export function findResult(path: string): JobResult {
  const isJob = existsSync(join(path, "job.json"));
  const top = isJob ? join(path, "result") : path;
  const found = existsSync(top) ? (statSync(top).isDirectory() ? lastIn(top, 2) : resultIn(top)) : null;
  if (found) return found;
  const wanted = isJob ? `${top}, where the job writes it: run the job first (its README.md says how)` : path;
  throw new ConfigError(
    "job-result-missing",
    `Expected a trained adapter (adapter_model.safetensors), weights (config.json and model.safetensors), or a vector (steer.pt, .gguf) in ${wanted}`,
  );
}

/** The result in a folder itself, or in the folder below it with the highest step. */
function lastIn(folder: string, depth: number): JobResult | null {
  const own = resultIn(folder);
  if (own || depth === 0) return own;
  const stepOf = (name: string) => Number(/(\d+)$/.exec(name)?.[1] ?? -1);
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort((a, b) => stepOf(b) - stepOf(a));
  for (const name of below) {
    const found = lastIn(join(folder, name), depth - 1);
    if (found) return found;
  }
  return null;
}

const peftSchema = z.object({ peft_type: z.string() });

function resultIn(path: string): JobResult | null {
  if (!statSync(path).isDirectory()) return { kind: "vector", path };
  const names = readdirSync(path);
  if (names.includes("adapter_model.safetensors")) {
    const config = join(path, "adapter_config.json");
    const kind = { BEFT: "vector", LORA: "lora" }[parsed(config, peftSchema).peft_type] as
      | JobKind
      | undefined;
    if (kind) return { kind, path };
    throw new DataError("adapter-invalid", `Expected an adapter of the type BEFT or LORA in ${config}`);
  }
  if (names.includes("steer.pt")) return { kind: "vector", path: join(path, "steer.pt") };
  if (names.includes("config.json") && names.some((name) => /^model.*\.safetensors$/.test(name)))
    return { kind: "all", path };
  return null;
}

/** The shape of a model's text blocks. */
export interface ModelShape {
  readonly blocks: number;
  readonly width: number;
  /** Whether a block's last projection is one of several experts'. */
  readonly hasExperts: boolean;
}

const textSchema = z.object({
  num_hidden_layers: z.int().positive(),
  hidden_size: z.int().positive(),
  num_experts: z.int().nullish(),
  num_local_experts: z.int().nullish(),
});
const modelSchema = z.union([z.object({ text_config: textSchema }), textSchema]);

/** The shape of the model in a folder; `null` where it is no folder. @throws DataError `model-broken` */
export function modelShape(folder: string): ModelShape | null {
  const config = join(folder, "config.json");
  if (!existsSync(config)) return null;
  const model = parsed(config, modelSchema);
  const text = "text_config" in model ? model.text_config : model;
  return {
    ...{ blocks: text.num_hidden_layers, width: text.hidden_size },
    hasExperts: (text.num_experts ?? text.num_local_experts ?? 0) > 0,
  };
}

/** @throws DataError `adapter-invalid` for low-rank matrices that the model has no place for */
export function checkLora(folder: string, shapes: readonly LoraMatrix[], model: ModelShape): void {
  for (const { name, shape } of shapes) {
    const [, block, layer, side] = /\.layers\.(\d+)\..*?(\w+)\.lora_([AB])\.weight$/.exec(name) ?? [];
    if (block === undefined) throw wrongLora(folder, `${name} is not beside a layer of a text block`);
    if (Number(block) >= model.blocks)
      throw wrongLora(
        folder,
        `${name} is of block ${block}, and the model has ${model.blocks}, counted from 0`,
      );
    // These read from the stream, or write to it.
    const reads = side === "A" && ["q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"].includes(layer!);
    const writes = side === "B" && ["o_proj", "down_proj"].includes(layer!);
    const width = reads ? shape[1] : writes ? shape[0] : model.width;
    if (width !== model.width)
      throw wrongLora(
        folder,
        `${name} is for a stream of ${width} numbers, and the model's has ${model.width}`,
      );
  }
}

/** Name and shape of a matrix. */
export interface LoraMatrix {
  readonly name: string;
  readonly shape: readonly number[];
}

function wrongLora(folder: string, what: string): ConfigError {
  return new ConfigError("adapter-space", `The adapter in ${folder} does not fit the model: ${what}.`);
}

function parsed<T>(file: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new DataError("job-result-broken", `${file} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
