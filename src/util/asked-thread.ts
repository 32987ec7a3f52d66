/**
 * A thread that answers one message with one: it starts when it is first asked, ends when it is idle, and keeps the process
 * alive only while something waits for it. What ends it otherwise fails the question it was at; those behind it are put to
 * another.
 */
import { parentPort, Worker } from "node:worker_threads";

/** What a thread is asked, and what it answers, each with the number of the question. */
export type Numbered<T> = T & { readonly id: number };
/** An answer, or the error in its place. */
export type AnsweredBy<Answer> = Numbered<Answer> | Numbered<{ readonly wrong: ThreadError }>;

/** What a thread threw: an error keeps its message alone on its way out of it. */
export interface ThreadError {
  readonly message: string;
  readonly name: string;
  readonly code?: unknown;
  readonly details?: unknown;
}

/** How a thread is run. */
export interface AskedThreadOptions {
  /** URL of its program without an ending, beside which TypeScript or JavaScript lies: `new URL("./x", import.meta.url)`. */
  readonly program: URL;
  /** What it starts with. */
  readonly setup: unknown;
  /** Milliseconds without a question after which it ends. @default 60000 */
  readonly idleMs?: number | undefined;
  /** The error for a thread that was lost, or could not answer: then it is told what was thrown. */
  readonly failed: (why: string, thrown?: ThreadError) => Error;
}

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The ending that this file has: that of the programs beside it. */
const ending = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];

/** One thread at most. */
export class AskedThread<Asked extends object, Answer extends object> {
  readonly #options: AskedThreadOptions;
  readonly #waiting = new Map<number, Waiting<Asked, Answer>>();
  #worker: Worker | null = null;
  #idle: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(options: AskedThreadOptions) {
    this.#options = options;
  }

  /** Asks, and waits for the answer. @throws what `failed` makes */
  ask(asked: Asked): Promise<Answer> {
    this.#worker ??= this.#start();
    clearTimeout(this.#idle);
    this.#worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const id = this.#next++;
    this.#waiting.set(id, { asked, resolve, reject });
    this.#worker.postMessage({ ...asked, id });
    return promise;
  }

  /** Ends the thread; a later question starts another. */
  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#idle);
    this.#failAll("it was closed");
    await worker?.terminate();
  }

  /** Ends the thread, and puts to another what waits: for one that holds more memory than it should. */
  renew(): void {
    const worker = this.#worker;
    this.#worker = null;
    this.#askAgain();
    void worker?.terminate();
  }

  #start(): Worker {
    const { program, setup } = this.#options;
    const worker = new Worker(new URL(`${program.href}${ending}`), { workerData: setup });
    const lost = (why: string) => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      // It answers one after the other: the first is the one that it was at.
      const [first] = this.#waiting;
      if (first) {
        this.#waiting.delete(first[0]);
        first[1].reject(this.#options.failed(why));
      }
      this.#askAgain();
    };
    worker.on("message", (answered: AnsweredBy<Answer>) => this.#settle(answered));
    worker.on("error", ({ message }) => lost(message));
    worker.on("exit", (code) => lost(`its thread ended with ${code}`));
    return worker;
  }

  #settle(answered: AnsweredBy<Answer>): void {
    const waiting = this.#waiting.get(answered.id);
    this.#waiting.delete(answered.id);
    if ("wrong" in answered) waiting?.reject(this.#options.failed(answered.wrong.message, answered.wrong));
    else waiting?.resolve(answered);
    if (this.#waiting.size > 0) return;
    this.#worker?.unref();
    this.#idle = setTimeout(() => void this.end(), this.#options.idleMs ?? 60_000).unref();
  }

  #askAgain(): void {
    if (this.#waiting.size === 0) return;
    this.#worker = this.#start();
    for (const [id, { asked }] of this.#waiting) this.#worker.postMessage({ ...asked, id });
  }

  #failAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(this.#options.failed(why));
    this.#waiting.clear();
  }
}

/**
 * For the thread itself: answers questions one after the other. What a question throws is its answer.
 * @param owned what of an answer is handed over, not copied
 */
export function answerWith<Asked extends object, Answer extends object>(
  answer: (asked: Asked) => Promise<Answer>,
  owned: (answer: Answer) => ArrayBuffer[] = () => [],
): void {
  let last: Promise<unknown> = Promise.resolve();
  parentPort!.on("message", ({ id, ...asked }: Numbered<Asked>) => {
    last = last.then(async () => {
      try {
        const answered = await answer(asked as unknown as Asked);
        parentPort!.postMessage({ id, ...answered }, owned(answered));
      } catch (error) {
        const { message, name, code, details } = error as Error & { code?: unknown; details?: unknown };
        parentPort!.postMessage({ id, wrong: { message, name, code, details } satisfies ThreadError });
      }
    });
  });
}
