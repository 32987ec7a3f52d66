/**
 * Following a memory: each listener receives the changes of a log one by one and waits for the next.
 *
 * The store keeps the log. A write of this process wakes the listeners at once. Writes of other processes are polled
 * for, only while a listener waits.
 */
import { fromCursor, toCursor } from "./page.ts";
import type { Change } from "./records.ts";

type WithoutCursor<T> = T extends unknown ? Omit<T, "cursor"> : never;

/** A change as a log keeps it. */
export type LoggedChange = WithoutCursor<Change>;

/** Changes in the order they happened, numbered from 1 up. The number of a forgotten change is missing. */
export interface ChangeLog {
  /** Number of the last change, 0 before the first. */
  last(): number | Promise<number>;
  /** The first changes after a number that the log still holds. */
  after(number: number): NumberedChanges | Promise<NumberedChanges>;
  /** Whether another process has written since the last call. */
  wroteElsewhere?(): boolean | Promise<boolean>;
}

type NumberedChanges = readonly { readonly number: number; readonly change: LoggedChange }[];

/** How many changes are kept, the newest. */
export const keptChanges = 10_000;
/** Forgetting more items than this at once is reported as one reset. */
export const mostForgotten = 1000;

const pollMs = 200;
const cursorName = "changes";

/** Sends the changes of a log to its listeners. */
export class ChangeFeed {
  readonly #log: ChangeLog;
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  /** How often listeners were woken: what is written while a listener asks must wake it too. */
  #woken = 0;
  #closed = false;
  #asking = false;

  constructor(log: ChangeLog) {
    this.#log = log;
  }

  /**
   * Changes after a cursor, or from now on, until the signal aborts or the feed is closed.
   * @throws ConfigError `cursor-invalid`
   */
  follow({
    since,
    signal,
  }: {
    readonly since?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  }): AsyncIterable<Change> {
    const from =
      since === undefined ? this.#log.last() : Number(fromCursor(cursorName, since, ["number"])[0]);
    // Whoever never asks for a change does not hear that there is none.
    if (typeof from === "object") from.catch(() => {});
    return {
      [Symbol.asyncIterator]: () => {
        const stop = new AbortController();
        const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
        const changes = this.#changesAfter(from, either);
        return {
          next: () => changes.next(),
          // While a generator waits, its `return` would wait too.
          return: () => {
            stop.abort();
            return changes.return();
          },
        };
      },
    };
  }

  /** Wakes the listeners; called after each write. */
  wake(): void {
    this.#woken += 1;
    for (const resume of this.#waiting) resume();
  }

  close(): void {
    this.#closed = true;
    this.wake();
  }

  /** The changes of a closed feed end, also where its log cannot be asked any more. */
  async *#changesAfter(
    from: number | Promise<number>,
    signal: AbortSignal,
  ): AsyncGenerator<Change, void, void> {
    try {
      yield* this.#loggedAfter(from, signal);
    } catch (error) {
      if (!this.#closed) throw error;
    }
  }

  async *#loggedAfter(
    from: number | Promise<number>,
    signal: AbortSignal,
  ): AsyncGenerator<Change, void, void> {
    let seen = await from;
    while (!this.#closed && !signal.aborted) {
      const woken = this.#woken;
      const last = await this.#log.last();
      if (seen > last || seen < last - keptChanges) {
        seen = last;
        yield { kind: "reset", cursor: toCursor(cursorName, [seen]) };
        continue;
      }
      const found = await this.#log.after(seen);
      for (const { number, change } of found) {
        if (this.#closed || signal.aborted) return;
        seen = number;
        yield { ...change, cursor: toCursor(cursorName, [number]) } as Change;
      }
      if (found.length === 0 && woken === this.#woken) await this.#written(signal);
    }
  }

  /** Resolves when something may have been written, or when waiting ends. */
  #written(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = () => {
        this.#waiting.delete(resume);
        signal.removeEventListener("abort", resume);
        this.#poll();
        resolve();
      };
      this.#waiting.add(resume);
      signal.addEventListener("abort", resume);
      this.#poll();
    });
  }

  /** Polls for writes of other processes while a listener waits. */
  #poll(): void {
    const isWanted = this.#waiting.size > 0 && !this.#closed && this.#log.wroteElsewhere !== undefined;
    if (!isWanted && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    } else if (isWanted && !this.#timer) {
      this.#timer = setInterval(() => void this.#wakeIfChanged(), pollMs);
    }
  }

  /** Wakes the listeners also if the log cannot be read: they get the error when they read it. */
  async #wakeIfChanged(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      if (await this.#log.wroteElsewhere!()) this.wake();
    } catch {
      this.wake();
    } finally {
      this.#asking = false;
    }
  }
}
