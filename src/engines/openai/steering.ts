/**
 * How an endpoint applies an adapter to one request.
 *
 * Servers differ in what they take: a vector in the request, the path of one, or the name of a LoRA they hold. And they
 * ignore what they do not know without a word. So each way says which adapters it takes, and before an adapter is first
 * used a probe shows that it has an effect.
 *
 * - `vllm-lens`: vLLM with that plug-in takes the vector itself. Each steered request has a cache salt of its own: without
 *   one, what it leaves in the prefix cache is read by requests without an adapter.
 * - `easysteer`: vLLM with that plug-in reads a control vector (GGUF) by its path on the server.
 * - `lora-name`: vLLM and SGLang serve a LoRA under a model name of its own. A path is loaded at run time where vLLM
 *   allows that.
 * - `llama-lora`: llama-server holds LoRAs from its start. All their scales go with every request, also one without an
 *   adapter, and none reads the server's prompt cache: that keeps what was computed under other scales.
 * - `llama-control-vector`: llama-server adds one vector to every request from its start, so only that adapter fits.
 */
import { z } from "zod";
import type { Adapter, RemoteAdapter } from "../../adapter/adapter.ts";
import { blockVectorOf, residualSpace } from "../../adapter/exchange/block-vector.ts";
import { steeringFields } from "../../adapter/exchange/vllm-lens.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import type { Endpoint } from "./client.ts";

/** Ways of applying an adapter; `none` takes none. */
export const steeringWays = [
  "none",
  "vllm-lens",
  "easysteer",
  "lora-name",
  "llama-lora",
  "llama-control-vector",
] as const;
/** One of `steeringWays`. */
export type SteeringWay = (typeof steeringWays)[number];

/** What is added to a request's body. */
export type AdapterFields = Readonly<Record<string, unknown>>;

/** An adapter on its way to a server. */
export interface Steering {
  /** Whether a probe can show that the server applies an adapter: not where each request has the same. */
  readonly isProbed: boolean;
  /** What a request with an adapter, or without one, says besides its prompt. */
  fields(adapter: Adapter | null, signal?: AbortSignal): Promise<AdapterFields>;
  /**
   * The same with the adapter's strength multiplied by `factor`; `null` where the server has no such dial.
   */
  scaled(adapter: Adapter, factor: number): Promise<AdapterFields> | null;
}

/** The kind of adapter that a way takes. */
export function adapterKindOf(way: SteeringWay): "vector" | "lora" | "none" {
  if (way === "none") return "none";
  return way === "lora-name" || way === "llama-lora" ? "lora" : "vector";
}

/** What a way needs to know. */
export interface SteeringOptions {
  readonly endpoint: Pick<Endpoint, "tells" | "call">;
  /** Name of the model, for messages. */
  readonly model: string;
  /** Revision of the adapter that llama-server was started with, for `llama-control-vector`. */
  readonly controlVector?: string | undefined;
}

/** A way of an endpoint. */
export function openSteering(
  way: SteeringWay,
  { endpoint, model, controlVector }: SteeringOptions,
): Steering {
  switch (way) {
    case "none":
      return ignorant(model);
    case "vllm-lens":
      return lens;
    case "easysteer":
      return easySteer;
    case "lora-name":
      return loraByName(endpoint);
    case "llama-lora":
      return llamaLora(endpoint);
    case "llama-control-vector":
      return fixedVector(controlVector);
  }
}

function ignorant(model: string): Steering {
  return {
    isProbed: false,
    async fields(adapter) {
      if (adapter === null) return {};
      throw new ConfigError(
        "adapter-unsupported",
        `Expected a request without an adapter, got ${adapter.revision}: nothing says how the server of ${model} applies one. Name a way with --steering, or take the adapter back with \`taskmem adapt rollback\`.`,
      );
    },
    scaled: () => null,
  };
}

const lens: Steering = {
  isProbed: true,
  fields: async (adapter) => (adapter ? lensFields(adapter, 1) : {}),
  scaled: async (adapter, factor) => lensFields(adapter, factor),
};

function lensFields(adapter: Adapter, factor: number): AdapterFields {
  const { block, values } = blockVectorOf(adapter);
  const salt = factor === 1 ? adapter.revision : `${adapter.revision} × ${factor}`;
  return { ...steeringFields({ block, values: values.map((value) => factor * value) }, salt) };
}

const easySteer: Steering = {
  isProbed: true,
  fields: async (adapter) => (adapter ? easySteerFields(adapter, 1) : {}),
  scaled: async (adapter, factor) => easySteerFields(adapter, factor),
};

function easySteerFields(adapter: Adapter, scale: number): AdapterFields {
  const { uri, space } = remote(adapter, "steer", "easysteer");
  const { block } = residualSpace(space)!;
  const vector = {
    source: uri,
    scale,
    layers: [block],
    normalize: false,
    apply: { prompt: "all", generation: "all" },
  };
  return { steering: { vectors: [vector] } };
}

function loraByName(endpoint: Pick<Endpoint, "call">): Steering {
  const loaded = new Map<string, Promise<unknown>>();
  const nameOf = async (adapter: Adapter, signal: AbortSignal | undefined) => {
    const { uri, revision } = remote(adapter, "lora", "lora-name");
    if (!uri.includes("/")) return uri;
    const load = loaded.get(revision) ?? loadLora(endpoint, revision, uri, signal);
    loaded.set(revision, load);
    await load.catch((error) => {
      loaded.delete(revision);
      throw error;
    });
    return revision;
  };
  return {
    isProbed: true,
    fields: async (adapter, signal) => (adapter ? { model: await nameOf(adapter, signal) } : {}),
    scaled: () => null,
  };
}

/** Loads a LoRA of vLLM under a name; one that is loaded already is no error. */
async function loadLora(
  endpoint: Pick<Endpoint, "call">,
  name: string,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const body = { lora_name: name, lora_path: path };
  try {
    await endpoint.call(
      { promptTokens: 0, completionTokens: 0 },
      async (post) => ({
        value: await post("load_lora_adapter", body),
        used: { promptTokens: 0, completionTokens: 0 },
      }),
      signal,
    );
  } catch (error) {
    if (error instanceof EngineError && /already (?:been )?loaded/i.test(String(error.details.said))) return;
    throw error;
  }
}

const lorasSchema = z.array(z.object({ id: z.int(), path: z.string() }));

function llamaLora(endpoint: Pick<Endpoint, "tells">): Steering {
  let asked: Promise<{ id: number; path: string }[]> | undefined;
  const held = (signal?: AbortSignal) => {
    asked ??= askLoras(endpoint, signal).catch((error) => {
      asked = undefined;
      throw error;
    });
    return asked;
  };
  const withScale = async (adapter: Adapter | null, scale: number, signal?: AbortSignal) => {
    const loras = await held(signal);
    const wanted = adapter && remote(adapter, "lora", "llama-lora").uri;
    const found = loras.find(({ path }) => wanted !== null && isNamed(path, wanted));
    if (wanted !== null && !found) {
      const names = loras.map(({ path }) => path).join(", ") || "none";
      throw new ConfigError(
        "adapter-unsupported",
        `Expected a LoRA that llama-server was started with (--lora), got ${wanted}. It holds ${names}.`,
      );
    }
    return {
      lora: loras.map(({ id }) => ({ id, scale: id === found?.id ? scale : 0 })),
      cache_prompt: false,
    };
  };
  return {
    isProbed: true,
    fields: (adapter, signal) => withScale(adapter, 1, signal),
    scaled: (adapter, factor) => withScale(adapter, factor),
  };
}

async function askLoras(endpoint: Pick<Endpoint, "tells">, signal: AbortSignal | undefined) {
  const told = await endpoint.tells("../lora-adapters", signal);
  const lists = told.map((body) => lorasSchema.safeParse(body).data);
  if (lists.some((list) => list === undefined || JSON.stringify(list) !== JSON.stringify(lists[0])))
    throw new ConfigError(
      "adapter-unsupported",
      "Expected llama-server to list its LoRAs at /lora-adapters, the same at every base URL. Check --steering and the base URL.",
    );
  return lists[0]!;
}

/** Whether a path on the server is meant by its whole text or its last part. */
function isNamed(path: string, name: string): boolean {
  return path === name || path.split(/[\\/]/).at(-1) === name;
}

function fixedVector(revision: string | undefined): Steering {
  return {
    isProbed: false,
    async fields(adapter) {
      if (adapter && adapter.revision === revision) return {};
      throw new ConfigError(
        "adapter-unsupported",
        `Expected the adapter that llama-server adds to every request (model.controlVector: ${revision ?? "not given"}), got ${adapter?.revision ?? "none"}. Start llama-server with --control-vector and that adapter's file, and name its revision, or start it without.`,
      );
    },
    scaled: () => null,
  };
}

/** The adapter as one that the server holds. @throws ConfigError `adapter-unsupported` */
function remote(adapter: Adapter, format: RemoteAdapter["format"], way: SteeringWay): RemoteAdapter {
  if (adapter.kind === "remote" && adapter.format === format) return adapter;
  const got =
    adapter.kind === "vector" ? "a vector of this process" : `weights of the format ${adapter.format}`;
  const line = format === "lora" ? "lora:<name or path>" : "steer:<path> --block <n>";
  throw new ConfigError(
    "adapter-unsupported",
    `Expected an adapter that the server holds for --steering ${way}, got ${got}. Register it: taskmem adapt import ${line}`,
  );
}
