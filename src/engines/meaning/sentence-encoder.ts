/**
 * A sentence encoder in a thread of this process, by onnxruntime-web: nothing is loaded before the first text, and the
 * thread ends when it is idle. What ends it otherwise fails the texts that wait, and the next ones start another.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Embedder } from "../../engine.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import { installLine } from "../../util/optional.ts";
import { runtimeFiles, runtimePackage } from "../onnx-runtime.ts";
import type { Answered, Asked, ThreadSetup } from "./encoder-thread.ts";

/** How an encoder is opened. */
export interface SentenceEncoderOptions {
  /** Folder with `config.json`, `model.safetensors` and `vocab.txt` of a BERT encoder. */
  readonly folder: string;
  /** Names the vectors' space: what it is, and which weights. */
  readonly id: string;
  /** A thread without a text for this long ends. @default 60 s */
  readonly idleMs?: number;
}

/** An encoder whose thread can be ended. */
export interface SentenceEncoder extends Embedder {
  /** Ends the thread; a later text starts another. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (vectors: Float32Array) => void;
  readonly reject: (error: Error) => void;
}

const idleMs = 60_000;
/** Texts a message holds, so that an abort is heard between messages. */
const atOnce = 16;

/**
 * Opens an encoder; its thread starts with the first text.
 * @throws ConfigError `package-missing` without onnxruntime-web
 */
export function sentenceEncoder(options: SentenceEncoderOptions): SentenceEncoder {
  const runtime = installedRuntime();
  const dimension = dimensionOf(options.folder);
  const thread = new EncoderThread({ folder: options.folder, runtime }, options.idleMs ?? idleMs);
  return {
    id: options.id,
    dimension,
    embed: async (texts, signal) => {
      const vectors = texts.map(() => new Float32Array(dimension));
      const wanted = [...texts.entries()].filter(([, text]) => text.trim() !== "");
      for (let from = 0; from < wanted.length; from += atOnce) {
        signal?.throwIfAborted();
        const batch = wanted.slice(from, from + atOnce);
        const found = await thread.ask(batch.map(([, text]) => text));
        for (const [i, [place]] of batch.entries())
          vectors[place] = found.slice(i * dimension, (i + 1) * dimension);
      }
      return vectors;
    },
    close: () => thread.end(),
  };
}

/** Whether the runtime is installed. */
export const hasRuntime = (): boolean => runtimeFiles() !== null;

function installedRuntime(): ThreadSetup["runtime"] {
  const runtime = runtimeFiles();
  if (runtime !== null) return runtime;
  const install = installLine(runtimePackage);
  throw new ConfigError(
    "package-missing",
    `${runtimePackage} is needed to compare meanings and is not installed: ${install}`,
    { details: { package: runtimePackage, install } },
  );
}

function dimensionOf(folder: string): number {
  const path = join(folder, "config.json");
  const { hidden_size: size } = JSON.parse(readFileSync(path, "utf8")) as { hidden_size?: unknown };
  if (typeof size === "number" && Number.isInteger(size) && size > 0) return size;
  throw new ConfigError("config-invalid", `Expected \`hidden_size\` in ${path}, got ${String(size)}`);
}

/** One thread at most, started when it is asked. */
class EncoderThread {
  readonly #setup: ThreadSetup;
  readonly #idleMs: number;
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;
  readonly #waiting = new Map<number, Waiting>();

  constructor(setup: ThreadSetup, idleMs: number) {
    this.#setup = setup;
    this.#idleMs = idleMs;
  }

  ask(texts: readonly string[]): Promise<Float32Array> {
    const worker = this.#worker ?? this.#start();
    clearTimeout(this.#idle);
    worker.ref();
    const asked: Asked = { id: this.#next++, texts };
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
    this.#waiting.set(asked.id, { resolve, reject });
    worker.postMessage(asked);
    return promise;
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#idle);
    this.#failAll("it was closed");
    await worker?.terminate();
  }

  #start(): Worker {
    const file = import.meta.url.endsWith(".ts") ? "./encoder-thread.ts" : "./encoder-thread.js";
    const worker = new Worker(new URL(file, import.meta.url), { workerData: this.#setup });
    worker.on("message", (answered: Answered) => this.#settle(answered));
    const lost = (why: string) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#failAll(why);
    };
    worker.on("error", ({ message }) => lost(message));
    worker.on("exit", (code) => lost(`its thread ended with ${code}`));
    this.#worker = worker;
    return worker;
  }

  #settle(answered: Answered): void {
    const waiting = this.#waiting.get(answered.id);
    this.#waiting.delete(answered.id);
    if ("vectors" in answered) waiting?.resolve(answered.vectors);
    else waiting?.reject(encoderFailed(answered.wrong));
    if (this.#waiting.size > 0) return;
    // It keeps the process alive only while a text waits.
    this.#worker?.unref();
    this.#idle = setTimeout(() => void this.end(), this.#idleMs);
    this.#idle.unref();
  }

  #failAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(encoderFailed(why));
    this.#waiting.clear();
  }
}

function encoderFailed(why: string): EngineError {
  return new EngineError("encoder-failed", `The sentence encoder failed: ${why}`, { isRetryable: true });
}
