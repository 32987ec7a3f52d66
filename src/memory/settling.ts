/**
 * Vectors that are made after what they belong to is stored (`waiting-vectors.ts`): beside what a memory is asked, and waited
 * for only where that is short. So an encoder that is late, or cannot be asked, holds up no stream: what waits is kept, and
 * the next write tries again.
 */
import { setTimeout as pause } from "node:timers/promises";
import { EngineError } from "../errors.ts";

/** How waiting vectors are made. */
export interface Making {
  readonly signal: AbortSignal;
  /** Whether one try of the engine is enough. */
  readonly once: boolean;
  /** Called after each batch. */
  readonly onBatch: () => void;
}

/** Longest waits, in milliseconds. */
export interface SettlingLimits {
  /** Of a write. @default 10000 */
  readonly writeMs?: number;
  /** For the next batch, when the memory is closed: an engine that is slow is not one that hangs, and endpoints have limits of their own. @default 300000 */
  readonly lastBatchMs?: number;
}

/** The waiting vectors of an open memory, made by one call at a time. */
export class Settling {
  readonly #make: (how: Making) => Promise<void>;
  readonly #limits: Required<SettlingLimits>;
  readonly #ending = new AbortController();
  #running: Promise<void> | null = null;
  /** Whether something was written since the running call began. */
  #hasMore = false;
  /** Whether a write has waited in vain, and nothing was finished since. */
  #isLate = false;
  #batchAtMs = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(make: (how: Making) => Promise<void>, limits: SettlingLimits = {}) {
    this.#make = make;
    this.#limits = { writeMs: 10_000, lastBatchMs: 300_000, ...limits };
  }

  /** Makes what waits, and tries again what an engine fails at. What it cannot make stays. @throws what is no passing failure */
  async whole(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#start(false);
    this.#throwFailure();
  }

  /** Makes what waits; returns earlier where that takes longer than a write may. @throws as `whole`, at the next call too */
  async soon(): Promise<void> {
    if (this.#running) this.#hasMore = true;
    const running = this.#running ?? this.#start(true);
    if (!this.#isLate) this.#isLate = !(await endsWithin(running, this.#limits.writeMs));
    this.#throwFailure();
  }

  /** Waits for what is being made as long as batches come, and ends it. */
  async end(): Promise<void> {
    this.#batchAtMs = performance.now();
    while (this.#running) {
      const leftMs = this.#batchAtMs + this.#limits.lastBatchMs - performance.now();
      if (leftMs <= 0) break;
      await endsWithin(this.#running, leftMs);
    }
    this.#ending.abort();
  }

  #start(once: boolean): Promise<void> {
    this.#running = this.#run(once).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #run(once: boolean): Promise<void> {
    const { signal } = this.#ending;
    const onBatch = () => {
      this.#batchAtMs = performance.now();
    };
    try {
      do {
        this.#hasMore = false;
        await this.#make({ signal, once, onBatch });
      } while (this.#hasMore && !signal.aborted);
      this.#isLate = false;
    } catch (error) {
      const comesBack = error instanceof EngineError && error.isRetryable;
      if (!comesBack && !signal.aborted) this.#failure = { error };
    }
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure.error;
  }
}

async function endsWithin(running: Promise<void>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  const late = pause(ms, false, { signal: stop.signal }).catch(() => false);
  const ended = await Promise.race([running.then(() => true), late]);
  stop.abort();
  return ended;
}
