/**
 * llama.cpp in a process of its own. A crash there costs an answer, not this process: the request is put to a fresh one
 * once more, and fails if that one is lost too.
 */
import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ConfigError, EngineError } from "../../errors.ts";
import type { LlamaAbout, LlamaAnswer, LlamaAsk, LlamaLoad, LlamaReply, LlamaRequest } from "./wire.ts";

/** How long the process may be silent or idle. */
export interface LlamaTimes {
  /** Milliseconds without a token, while it answers. @default 1800000: a long prompt takes minutes on a CPU */
  readonly silenceMs?: number;
  /** Milliseconds without a request; then it ends, and the next request starts another. @default 300000 */
  readonly idleMs?: number;
}

/** How one answer is waited for. */
export interface LlamaWait {
  readonly signal?: AbortSignal | undefined;
  /** Called with each token that is written. */
  readonly onToken?: () => void;
}

/** The last lines of the log that an error shows. */
const linesShown = 6;
/** Milliseconds that a running answer has to stop. */
const stopMs = 10_000;
const program = fileURLToPath(new URL(`./program${extname(import.meta.url)}`, import.meta.url));

/** One process. It answers one request at a time. */
class Running {
  readonly #child: ChildProcess;
  readonly #silenceMs: number;
  readonly #log: string[] = [];
  #waiting: {
    resolve: (reply: LlamaReply) => void;
    reject: (error: Error) => void;
    token: () => void;
  } | null = null;
  #lost: EngineError | null = null;

  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs;
    const child = fork(program, {
      ...{ execArgv: [], stdio: ["ignore", "ignore", "pipe", "ipc"], serialization: "advanced" },
    });
    this.#child = child;
    // Only a request that waits keeps this process alive, by its timer.
    for (const held of [child, child.channel, child.stderr])
      (held as { unref?: () => void } | null)?.unref?.();
    createInterface({ input: child.stderr! }).on("line", (line) => {
      this.#log.push(line);
      if (this.#log.length > linesShown) this.#log.shift();
    });
    child.on("message", (reply: LlamaReply) => {
      if (reply.type === "token") this.#waiting?.token();
      else this.#waiting?.resolve(reply);
    });
    child.on("error", (error) => this.#end(`could not be started: ${error.message}`));
    child.on("close", (code, signal) => this.#end(`ended with ${signal ?? `exit code ${code}`}`));
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  /** Sends a request and waits for its reply. @throws EngineError `worker-lost` */
  async put(request: LlamaRequest, { signal, onToken }: LlamaWait = {}): Promise<LlamaReply> {
    if (this.#lost) throw this.#lost;
    const silent = setTimeout(() => this.end(`was silent for ${this.#silenceMs / 1000} s`), this.#silenceMs);
    let late: NodeJS.Timeout | undefined;
    const stop = () => {
      this.#send({ type: "stop" });
      late = setTimeout(() => this.end("did not stop"), stopMs);
    };
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await new Promise<LlamaReply>((resolve, reject) => {
        const token = () => {
          silent.refresh();
          onToken?.();
        };
        this.#waiting = { resolve, reject, token };
        this.#send(request);
      });
    } finally {
      this.#waiting = null;
      clearTimeout(silent);
      clearTimeout(late);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Ends the process at once. */
  end(why = "was closed"): void {
    this.#end(why);
    this.#child.kill("SIGKILL");
  }

  /** What cannot be sent is not answered: the end of the process says why. */
  #send(request: LlamaRequest): void {
    if (this.#child.connected) this.#child.send(request, () => {});
  }

  #end(why: string): void {
    if (this.#lost) return;
    const log = this.#log.length === 0 ? "" : `\nIts last lines:\n${this.#log.join("\n")}`;
    this.#lost = new EngineError("worker-lost", `The process of the local model ${why}.${log}`, {
      isRetryable: true,
    });
    this.#waiting?.reject(this.#lost);
  }
}

/** A model of llama.cpp. Its process starts with the first request, and again after it was lost. */
export class LlamaProcess {
  readonly #load: LlamaLoad;
  readonly #silenceMs: number;
  readonly #idleMs: number;
  #loaded: { readonly running: Running; readonly about: LlamaAbout } | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(load: LlamaLoad, { silenceMs = 1_800_000, idleMs = 300_000 }: LlamaTimes = {}) {
    this.#load = load;
    this.#silenceMs = silenceMs;
    this.#idleMs = idleMs;
  }

  /** What is loaded. @throws as `ask` */
  about(signal?: AbortSignal): Promise<LlamaAbout> {
    return this.#inTurn(signal, async () => (await this.#open()).about);
  }

  /**
   * Answers one request, after those that came before.
   * @throws EngineError `context-overflow`, `bad-request` for a picture that cannot be read, `adapter-mismatch`;
   * `worker-lost` (retryable) where two processes end
   * @throws ConfigError `model-unreadable`; the signal's reason
   */
  ask(ask: LlamaAsk, wait: LlamaWait = {}): Promise<LlamaAnswer> {
    return this.#inTurn(wait.signal, () =>
      this.#answer(ask, wait).catch((error) => {
        wait.signal?.throwIfAborted();
        if (!(error instanceof EngineError) || error.code !== "worker-lost") throw error;
        return this.#answer(ask, wait);
      }),
    );
  }

  /** Ends the process; a request that comes later starts another. */
  close(): void {
    this.#loaded?.running.end();
    this.#loaded = null;
  }

  #inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => {
      signal?.throwIfAborted();
      clearTimeout(this.#idle);
      return work();
    });
    const rest = () => {
      this.#idle = setTimeout(() => this.close(), this.#idleMs).unref();
    };
    this.#last = done.then(rest, rest);
    return done;
  }

  async #answer(ask: LlamaAsk, wait: LlamaWait): Promise<LlamaAnswer> {
    const { running } = await this.#open();
    wait.signal?.throwIfAborted();
    const reply = await running.put({ type: "ask", ask }, wait);
    wait.signal?.throwIfAborted();
    if (reply.type !== "answer") throw refusal(reply);
    return reply.answer;
  }

  async #open() {
    if (this.#loaded && !this.#loaded.running.isLost) return this.#loaded;
    const running = new Running(this.#silenceMs);
    const reply = await running.put({ type: "load", load: this.#load });
    if (reply.type !== "loaded") {
      running.end();
      throw refusal(reply);
    }
    this.#loaded = { running, about: reply.about };
    return this.#loaded;
  }
}

function refusal(reply: LlamaReply): Error {
  if (reply.type !== "refused") return new EngineError("bad-response", `The local model sent ${reply.type}`);
  const { code, message, details = {} } = reply;
  if (code === "model-unreadable") return new ConfigError(code, message);
  return new EngineError(code === "picture-unreadable" ? "bad-request" : code, message, { details });
}
