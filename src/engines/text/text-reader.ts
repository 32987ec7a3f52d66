/**
 * Print in pictures, read by PP-OCR in a thread of this process: nothing is loaded before the first picture with print, and
 * the thread ends when it is idle. A crash costs the text of a clip.
 */
import { Worker } from "node:worker_threads";
import { EngineError } from "../../errors.ts";
import { type ReadLine, type ScreenReader, screenReader } from "../../perception/screen-text.ts";
import type { TextAnswered, TextAsked, TextSetup } from "./text-thread.ts";

/** How a reader is opened. */
export interface TextReaderOptions extends TextSetup {
  /** A thread without a picture for this long ends, in milliseconds. @default 60000 */
  readonly idleMs?: number;
}

/** Lines below are guesses, 0 to 1. */
const leastConfidence = 0.8;
const program = import.meta.url.endsWith(".ts") ? "./text-thread.ts" : "./text-thread.js";

/** A reader over pulled nets. Its thread starts with the first picture that may hold print. */
export function textReader({ idleMs = 60_000, ...setup }: TextReaderOptions): ScreenReader {
  const waiting = new Map<
    number,
    { resolve: (answered: TextAnswered) => void; reject: (e: Error) => void }
  >();
  let worker: Worker | null = null;
  let idle: NodeJS.Timeout | undefined;
  let asked = 0;

  function start(): Worker {
    const started = new Worker(new URL(program, import.meta.url), { workerData: setup });
    const lost = (why: string) => {
      if (worker === started) worker = null;
      for (const { reject } of waiting.values()) reject(failed(why));
      waiting.clear();
    };
    started.on("message", (answered: TextAnswered) => {
      waiting.get(answered.id)?.resolve(answered);
      waiting.delete(answered.id);
      if (waiting.size > 0) return;
      // It keeps the process alive only while a picture waits.
      started.unref();
      idle = setTimeout(() => void started.terminate(), idleMs).unref();
    });
    started.on("error", ({ message }) => lost(message));
    started.on("exit", () => lost("its thread ended"));
    return started;
  }

  async function read(picture: Omit<TextAsked, "id">): Promise<ReadLine[]> {
    worker ??= start();
    clearTimeout(idle);
    worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<TextAnswered>();
    const id = asked++;
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, ...picture });
    const answered = await promise;
    if ("wrong" in answered) throw failed(answered.wrong);
    return answered.lines
      .filter(({ text, confidence }) => confidence >= leastConfidence && isText(text))
      .map(({ text, confidence }) => ({ text, confidence: Math.round(100 * confidence) }));
  }

  return screenReader("pp-ocr", read);
}

/** Whether a line says something: two letters or digits at least. */
function isText(text: string): boolean {
  return text.replace(/[^\p{L}\p{N}]/gu, "").length >= 2;
}

function failed(why: string): EngineError {
  return new EngineError("text-reader-failed", `The reader of print failed: ${why}`, { isRetryable: true });
}
