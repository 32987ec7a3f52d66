/**
 * A real llama-server with a very small language model (SmolLM2 135M), for tests. No compiler is needed: the server comes
 * from the Python wheel `xllamacpp`, the model by `taskmem models pull`; both are kept outside the checkout.
 *
 * One server uses one thread unless told otherwise. Where Python or the package index is not there, `findLlama` says so,
 * and tests skip with the reason.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { taskmem } from "./cli.ts";
import { lock, pythonWith, testCache } from "./python.ts";

/** The package that the server comes in. */
export const wheel = "xllamacpp==2026.10.11549";

/** How a server is started. */
export interface LlamaOptions {
  /** GGUF file of the model. @default SmolLM2 135M */
  readonly model?: string;
  /** Name that it lists the model under. @default smollm2-135m */
  readonly name?: string;
  /** Tokens of a slot. @default 8192, all that SmolLM2 was trained with */
  readonly context?: number;
  /** Requests, or choices of one, that are answered at once. @default 1 */
  readonly slots?: number;
  /** @default 1 */
  readonly threads?: number;
  /** GGUF file of the model's vision part. @default none: it sees no pictures */
  readonly projector?: string;
  /** Key it asks for. @default none */
  readonly apiKey?: string;
  /** GGUF files of adapters, in the order of their ids, and the scale each begins with. @default none */
  readonly loras?: readonly { readonly path: string; readonly scale: number }[];
}

/** A server that is running. */
export interface LlamaServer {
  /** Root of its API, `http://127.0.0.1:…/v1`; the same after a restart. */
  readonly baseURL: string;
  /** Ends it. */
  stop(): Promise<void>;
  /** Ends it at once, in the middle of what it does (SIGKILL). */
  kill(): Promise<void>;
  /** Starts it again at the same port, with the same options, after `stop` or `kill`. */
  restart(): Promise<void>;
}

/** What servers are started from. */
export interface Llama {
  /** GGUF file of SmolLM2 135M Instruct. */
  readonly model: string;
  /** Resolves when the server listens. */
  start(options?: LlamaOptions): Promise<LlamaServer>;
}

/** What a server needs, fetched once; or why there is none. */
export async function findLlama(): Promise<Llama | { readonly skip: string }> {
  const found = await pythonWith([wheel]);
  if ("skip" in found) return found;
  const pulled = await pullModel();
  if ("skip" in pulled) return pulled;
  const { model } = pulled;
  return { model, start: (options = {}) => startServer(found.python, { model, ...options }) };
}

async function pullModel(): Promise<{ readonly model: string } | { readonly skip: string }> {
  const models = join(testCache, "models");
  const release = await lock(`${models}.lock`);
  try {
    const run = await taskmem(["models", "pull", name, "--json"], { env: { TASKMEM_MODELS: models } });
    const directory = run.rows.find(({ event }) => event === "model-pull-end")?.directory;
    if (run.code !== 0) return { skip: `${name} cannot be pulled here: ${run.stderr.trim()}` };
    return { model: join(String(directory), "SmolLM2-135M-Instruct.Q4_1.gguf") };
  } finally {
    release();
  }
}

const name = "smollm2-135m";
const script = resolve(import.meta.dirname, "llama_server.py");

async function startServer(
  python: string,
  options: LlamaOptions & { readonly model: string },
): Promise<LlamaServer> {
  const given = { name, context: 8192, slots: 1, threads: 1, loras: [], ...options };
  let { child, address } = await run(python, { ...given, port: 0 });
  const port = Number(new URL(address).port);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  return {
    baseURL: `${address}/v1`,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    restart: async () => {
      ({ child } = await run(python, { ...given, port }));
    },
  };
}

/** Starts the script; resolves when it listens. @throws Error with the server's last words if it ends before */
async function run(python: string, given: object): Promise<{ child: ChildProcess; address: string }> {
  const child = spawn(python, [script, JSON.stringify(given)], { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  // It says where it listens, or its output ends with it.
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^listening on (\S+)/.exec(line)?.[1];
    if (address !== undefined) return { child, address };
  }
  throw new Error(`llama-server did not start: ${said}`);
}
