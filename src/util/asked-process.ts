/**
 * A process that answers one message with one, for native code: a crash there is an error here. It starts when it is first
 * asked, ends when it is idle, and keeps this process alive only while something waits for it. A question that it is lost
 * over is put to another once.
 */
import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Numbered, ThreadError } from "./asked-thread.ts";

/** How a process is run. */
export interface AskedProcessOptions {
  /** URL of its program without an ending, beside which TypeScript or JavaScript lies: `new URL("./x", import.meta.url)`. */
  readonly program: URL;
  /** What it starts with. */
  readonly setup: unknown;
  /** Milliseconds without a question after which it ends. @default 60000 */
  readonly idleMs?: number | undefined;
  /** Milliseconds that an answer may take. @default 300000 */
  readonly silenceMs?: number | undefined;
  /** The error for a process that was lost, or could not answer. */
  readonly failed: (why: string) => Error;
}

/** What the process is sent: first what it starts with, then questions. */
type Sent<Asked> = { readonly setup: unknown } | Numbered<Asked>;
type Answered<Answer> = Numbered<Answer> | Numbered<{ readonly wrong: Pick<ThreadError, "message"> }>;

interface Waiting<Asked, Answer> {
  readonly asked: Asked;
  readonly isSecond: boolean;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The last lines of its log that an error shows. */
const linesShown = 4;
const ending = /\.[cm]?[jt]s$/.exec(import.meta.url)![0];

/** One process at most. */
export class AskedProcess<Asked extends object, Answer extends object> {
  readonly #options: AskedProcessOptions;
  readonly #waiting = new Map<number, Waiting<Asked, Answer>>();
  #child: ChildProcess | null = null;
  #log: string[] = [];
  #idle: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(options: AskedProcessOptions) {
    this.#options = options;
  }

  /** Asks, and waits for the answer. @throws what `failed` makes */
  ask(asked: Asked): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#put(asked, resolve, reject, false);
    return promise;
  }

  /** Ends the process; a later question starts another. */
  async end(): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGKILL");
    this.#failAll("it was closed", false);
  }

  #put(
    asked: Asked,
    resolve: (answer: Answer) => void,
    reject: (error: Error) => void,
    isSecond: boolean,
  ): void {
    clearTimeout(this.#idle);
    this.#child ??= this.#start();
    const child = this.#child;
    const { silenceMs = 300_000 } = this.#options;
    // Only this timer keeps our process alive.
    const timer = setTimeout(() => child.kill("SIGKILL"), silenceMs);
    const id = this.#next++;
    this.#waiting.set(id, { asked, isSecond, timer, resolve, reject });
    this.#send(child, { ...asked, id });
  }

  #start(): ChildProcess {
    const { program, setup } = this.#options;
    const child = fork(fileURLToPath(new URL(`${program.href}${ending}`)), {
      ...{ execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" },
    });
    for (const held of [child, child.channel, child.stderr])
      (held as { unref?: () => void } | null)?.unref?.();
    this.#log = [];
    createInterface({ input: child.stderr! }).on("line", (line) => {
      this.#log = [...this.#log, line].slice(-linesShown);
    });
    const lost = (why: string) => {
      if (this.#child !== child) return;
      this.#child = null;
      const log = this.#log.length === 0 ? "" : ` Its last lines: ${this.#log.join(" / ")}`;
      this.#failAll(`${why}.${log}`, true);
    };
    child.on("message", (answered: Answered<Answer>) => this.#settle(answered));
    child.on("error", (error) => lost(`its process could not be started: ${error.message}`));
    child.on("close", (code, signal) => lost(`its process ended with ${signal ?? `exit code ${code}`}`));
    this.#send(child, { setup });
    return child;
  }

  /** What cannot be sent is not answered: the end of the process says why. */
  #send(child: ChildProcess, message: Sent<Asked>): void {
    if (child.connected) child.send(message, () => {});
  }

  #settle(answered: Answered<Answer>): void {
    const waiting = this.#waiting.get(answered.id);
    this.#waiting.delete(answered.id);
    clearTimeout(waiting?.timer);
    if ("wrong" in answered) waiting?.reject(this.#options.failed(answered.wrong.message));
    else waiting?.resolve(answered);
    if (this.#waiting.size > 0) return;
    this.#idle = setTimeout(() => void this.end(), this.#options.idleMs ?? 60_000).unref();
  }

  #failAll(why: string, again: boolean): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { asked, isSecond, timer, resolve, reject } of all) {
      clearTimeout(timer);
      if (again && !isSecond) this.#put(asked, resolve, reject, true);
      else reject(this.#options.failed(why));
    }
  }
}

/** For the process itself: answers questions one after the other. What a question throws is its answer. */
export function answerInProcess<Setup, Asked extends object, Answer extends object>(
  start: (setup: Setup) => (asked: Asked) => Promise<Answer>,
): void {
  let answer: Promise<(asked: Asked) => Promise<Answer>> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  process.on("message", (message: Sent<Asked>) => {
    if ("setup" in message) {
      const { setup } = message;
      answer = (async () => start(setup as Setup))();
      // Every answer tells of it, so that none is unhandled.
      answer.catch(() => {});
      return;
    }
    const { id, ...asked } = message;
    last = last.then(async () => {
      try {
        process.send!({ id, ...(await (await answer!)(asked as unknown as Asked)) });
      } catch (error) {
        process.send!({ id, wrong: { message: (error as Error).message } });
      }
    });
  });
  // A native call may be running, which an orderly exit would wait for.
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
}
