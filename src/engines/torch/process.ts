/**
 * `worker.py` as a child process: one JSON line per request on its standard input, one per answer on its standard output.
 *
 * What else a worker writes does it no harm: its log is kept for messages, and a line that is no answer ends the process,
 * because nothing after it could be trusted.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { EngineError } from "../../errors.ts";

/** How the process is started and how long an answer may take. */
export interface WorkerProcessOptions {
  /** Program and arguments: the Python of an environment with torch, then `worker.py`. */
  readonly command: readonly [string, ...string[]];
  /** Longest time for one answer, in milliseconds; then the process is killed. @default 1800000 */
  readonly timeoutMs?: number;
  /** Called with each line of its log. @default nothing */
  readonly onLog?: (line: string) => void;
}

/** The last lines of the log that an error shows. */
const linesShown = 8;
const longestAnswer = 2 ** 29;

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: EngineError) => void;
  readonly timer: NodeJS.Timeout;
}

/** A running worker. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #log: string[] = [];
  #requests = 0;
  #ended: EngineError | null = null;

  /** Starts the process; what keeps it from running fails the first call. */
  constructor({ command: [program, ...args], timeoutMs = 1_800_000, onLog }: WorkerProcessOptions) {
    this.#timeoutMs = timeoutMs;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    // Only a call that waits keeps this process alive, by its timer; the worker ends when its input does.
    for (const held of [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr])
      (held as { unref?: () => void } | null)?.unref?.();
    this.#child.on("error", (error) => this.#end(`could not be started: ${error.message}`));
    // A process that is gone says so when its output has been read; a write to it says nothing more.
    this.#child.stdin!.on("error", () => {});
    this.#child.on("close", (code, signal) => this.#end(`ended with ${signal ?? `exit code ${code}`}`));
    createInterface({ input: this.#child.stderr! }).on("line", (line) => {
      onLog?.(line);
      this.#log.push(line);
      if (this.#log.length > linesShown) this.#log.shift();
    });
    this.#readAnswers();
  }

  /** Whether the process runs, as far as is known. */
  get isAlive(): boolean {
    return this.#ended === null;
  }

  /**
   * Sends one request and waits for its answer.
   * @throws EngineError `worker-lost` (retryable) where the process ends or takes too long; the worker's own code for a
   * request that it refuses
   */
  call(op: string, fields: object = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#requests++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.kill(`did not answer \`${op}\` within ${this.#timeoutMs / 1000} s`),
        this.#timeoutMs,
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#child.stdin!.write(`${JSON.stringify({ id, op, ...fields })}\n`);
    });
  }

  /** Ends the process at once. */
  kill(why = "was closed"): void {
    this.#end(why);
    this.#child.kill("SIGKILL");
  }

  #readAnswers(): void {
    let begun = "";
    this.#child.stdout!.setEncoding("utf8");
    this.#child.stdout!.on("data", (piece: string) => {
      begun += piece;
      let end = begun.indexOf("\n");
      for (; end >= 0; end = begun.indexOf("\n")) {
        this.#answer(begun.slice(0, end));
        begun = begun.slice(end + 1);
      }
      if (begun.length > longestAnswer) this.kill(`sent a line of more than ${longestAnswer} characters`);
    });
  }

  #answer(line: string): void {
    const answer = parseAnswer(line);
    const waiting = answer && this.#waiting.get(answer.id);
    if (!waiting) {
      this.kill(`sent a line that answers nothing: ${line.slice(0, 200)}`);
      return;
    }
    clearTimeout(waiting.timer);
    this.#waiting.delete(answer.id);
    if (answer.error) waiting.reject(refusal(answer.error));
    else waiting.resolve(answer.result);
  }

  #end(why: string): void {
    if (this.#ended) return;
    const log = this.#log.length === 0 ? "" : `\nIts last lines:\n${this.#log.join("\n")}`;
    this.#ended = new EngineError("worker-lost", `The worker ${why}.${log}`, { isRetryable: true });
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#ended);
    }
    this.#waiting.clear();
  }
}

interface WorkerAnswer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: WorkerRefusal;
}

interface WorkerRefusal {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

const codes: Readonly<Record<string, string>> = {
  "bad-picture": "worker-bad-picture",
  "bad-request": "worker-bad-request",
  "broken-file": "worker-broken-file",
  "context-overflow": "worker-context-overflow",
  "other-adapter": "worker-other-adapter",
  "other-training": "worker-other-training",
  "out-of-memory": "worker-out-of-memory",
  "unknown-context": "worker-unknown-context",
  "unsupported-model": "worker-unsupported-model",
};

function refusal({ code, message, retryable }: WorkerRefusal): EngineError {
  return new EngineError(codes[code] ?? "worker-internal", `The worker: ${message}`, {
    isRetryable: retryable,
  });
}

/** An answer, or `null` for a line that is none. */
function parseAnswer(line: string): WorkerAnswer | null {
  try {
    const answer = JSON.parse(line) as WorkerAnswer | null;
    return typeof answer?.id === "number" && ("result" in answer || "error" in answer) ? answer : null;
  } catch {
    return null;
  }
}
