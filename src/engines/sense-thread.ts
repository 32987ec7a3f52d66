/**
 * The one thread in which the senses of this process run their nets, one picture or sound after the other: together they
 * take no more than one core. Each net is loaded when its sense is first asked. A crash costs the question that it happened
 * at; a net that ran out of memory gives it back, as the thread is ended and started again.
 */
import { AskedThread } from "../util/asked-thread.ts";
import type { SenseAnswer, SenseQuestion } from "./sense-program.ts";

/** What a sense is made of. */
export interface SenseParts {
  /** URL of its module without an ending: `new URL("./voice-thread", import.meta.url)`. It exports an `OpenSense`. */
  readonly module: URL;
  /** What it is opened with. */
  readonly setup: object;
  /** The error for a question that could not be answered. */
  readonly failed: (why: string) => Error;
  /** Where it runs. @default the thread that all senses of this process share */
  readonly thread?: SenseThread | undefined;
}

/** One sense. */
export interface Sense<Asked extends object, Answer> {
  /** Asks, and waits for the answer. @throws what `failed` makes */
  ask(asked: Asked): Promise<Answer>;
  /** Says that it is not needed now: the thread ends when no sense is. */
  close(): Promise<void>;
}

/** Errors after which the memory of the nets cannot be trusted, or is too large. */
const outOfMemory = /bad_alloc|out of memory|allocation failed|out of bounds|unreachable|abort/i;

/** A thread for several senses. */
export class SenseThread {
  readonly #thread: AskedThread<SenseQuestion, SenseAnswer>;
  readonly #open = new Set<object>();

  /** @param idleMs milliseconds without a question after which it ends. @default 60000 */
  constructor(idleMs?: number) {
    const program = new URL("./sense-program", import.meta.url);
    this.#thread = new AskedThread({ program, setup: null, idleMs, failed: (why) => new Error(why) });
  }

  /** A sense that runs here. */
  sense<Asked extends object, Answer>({ module, setup, failed }: SenseParts): Sense<Asked, Answer> {
    const own = {};
    return {
      ask: async (asked) => {
        this.#open.add(own);
        try {
          return (await this.#thread.ask({ module: module.href, setup, asked })).answer as Answer;
        } catch (error) {
          const { message } = error as Error;
          if (outOfMemory.test(message)) this.#thread.renew();
          throw failed(message);
        }
      },
      close: async () => {
        if (this.#open.delete(own) && this.#open.size === 0) await this.#thread.end();
      },
    };
  }
}

const shared = new SenseThread();

/** A sense in the thread that all share, or in another. */
export function openSense<Asked extends object, Answer>(parts: SenseParts): Sense<Asked, Answer> {
  return (parts.thread ?? shared).sense(parts);
}
