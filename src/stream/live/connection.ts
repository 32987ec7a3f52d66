/**
 * The state of one connection to a live source: it says why there is none, at once and then once a minute, and gives up
 * a source that never connected when its time is over.
 */
import { DataError } from "../../errors.ts";
import type { SourceStatus } from "../clip.ts";
import type { ConnectionProblem } from "./connection-problem.ts";

/** How long a first connection may take. Seconds. */
export const defaultConnectTimeoutSeconds = 30;

/** How a connection is watched over. */
export interface ConnectionOptions {
  /** Stream id. */
  readonly stream: string;
  /** Name of the source in messages, without secrets. */
  readonly name: string;
  /** A source that never connected is given up after this; 0 waits for ever. Seconds. @default 30 */
  readonly connectTimeoutSeconds?: number | undefined;
  /** Whether the source was reached before, so that it is not given up. @default false */
  readonly wasConnected?: boolean | undefined;
  /** Time between two reports of the same outage. Milliseconds. @default 60000 */
  readonly remindMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStatus?: ((status: SourceStatus) => void) | undefined;
}

/** Without any answer for this long, that is said. Milliseconds. */
const patienceMs = 8000;

/** Watches over one source's connection. Dispose of it, for its timers. */
export class Connection implements Disposable {
  /** Aborted by the user, or with the error when the source is given up. */
  readonly signal: AbortSignal;
  readonly #options: ConnectionOptions;
  readonly #giveUp = new AbortController();
  #deadline: NodeJS.Timeout | undefined;
  #reminder: NodeJS.Timeout | undefined;
  #problem: ConnectionProblem | null = null;
  #wasUp = false;
  /** Whether an outage was said that is not over. */
  #isSaid = false;
  #lastSaidMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { signal, remindMs = 60_000 } = options;
    this.signal = signal ? AbortSignal.any([signal, this.#giveUp.signal]) : this.#giveUp.signal;
    const seconds = this.#timeoutSeconds;
    if (seconds > 0 && !this.#isKept) {
      const giveUp = () => this.#giveUp.abort(this.#neverConnected());
      this.#deadline = setTimeout(giveUp, Math.min(seconds * 1000, 2 ** 31 - 1));
    }
    this.#reminder = setTimeout(() => this.#say(), Math.min(patienceMs, remindMs));
  }

  /** There is a connection, and it delivers. */
  up(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#reminder);
    this.#reminder = undefined;
    this.#wasUp = true;
    this.#problem = null;
    if (this.#isSaid) this.#tell("up", "connected");
    this.#isSaid = false;
  }

  /** An attempt failed, or the connection was lost. @throws DataError if no further attempt can help */
  failed(problem: ConnectionProblem): void {
    this.#problem = problem;
    if (problem.isLasting && !this.#isKept) throw this.#neverConnected();
    const { remindMs = 60_000 } = this.#options;
    const isDue = performance.now() - this.#lastSaidMs >= remindMs;
    if (isDue || (!this.#wasUp && !this.#isSaid)) this.#say();
    else this.#reminder ??= setTimeout(() => this.#say(), remindMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#reminder);
  }

  /** Whether the source is tried for as long as it takes, because it was there once. */
  get #isKept(): boolean {
    return this.#wasUp || this.#options.wasConnected === true;
  }

  get #timeoutSeconds(): number {
    return this.#options.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds;
  }

  #say(): void {
    const reason = this.#problem?.reason ?? "there is no answer yet";
    this.#isSaid = true;
    this.#lastSaidMs = performance.now();
    this.#tell(this.#wasUp ? "down" : "connecting", reason);
    clearTimeout(this.#reminder);
    this.#reminder = setTimeout(() => this.#say(), this.#options.remindMs ?? 60_000);
  }

  #tell(state: SourceStatus["state"], reason: string): void {
    const { stream, name, onStatus } = this.#options;
    onStatus?.({ stream, source: name, state, reason });
  }

  #neverConnected(): DataError {
    const { name } = this.#options;
    const seconds = this.#timeoutSeconds;
    const reason = this.#problem?.reason ?? "there was no answer";
    const hint = this.#problem?.isLasting
      ? ""
      : ` It was tried for ${seconds} s; --connect-timeout sets how long, 0 for ever.`;
    return new DataError("source-down", `Could not connect to ${name}: ${reason}.${hint}`, {
      details: { source: name, reason },
    });
  }
}
