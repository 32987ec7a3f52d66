/**
 * Operations: work that takes longer than a request. A request starts one and gets its id; the work runs beside the
 * server's answers, and each is kept in a file of its space, so that a server that is started again knows which were cut
 * off. Results are kept by the running server alone, because they may hold words that are forgotten later.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { makeDirectory } from "../util/directory.ts";
import { shortId } from "../util/hash.ts";
import { isAlive } from "../util/process-alive.ts";
import { replaceFile } from "../util/replace-file.ts";
import { type Problem, problemOf } from "./problem.ts";

const problem = z.object({
  ...{ type: z.string(), title: z.string(), status: z.int(), code: z.string(), detail: z.string() },
});

/** An operation as clients see it. */
export const operationShape = z.object({
  operation: z.string().describe("id"),
  kind: z.string().describe("what it does: learn, diff"),
  state: z
    .enum(["running", "done", "failed", "cancelled", "interrupted"])
    .describe("interrupted: the server ended before it did"),
  startedAt: z.string().describe("wall time, ISO 8601"),
  endedAt: z.string().optional(),
  problem: problem.optional().describe("why it failed"),
  result: z.unknown().optional().describe("what the work returned, while the server that did it runs"),
});
/** An operation as clients see it. */
export type Operation = z.output<typeof operationShape>;

const keptShape = operationShape.omit({ result: true }).extend({ pid: z.int() });
type Kept = z.output<typeof keptShape>;

/** Operations of a space that are kept, the newest. */
const mostKept = 100;

/** Work that can be stopped. */
export type Work = (signal: AbortSignal) => Promise<unknown>;

/** How work is started. */
export interface StartOptions {
  /** The `Idempotency-Key` of who asked. */
  readonly key?: string | undefined;
  /** Tells the same work. @default its kind */
  readonly what?: string;
}

interface Running {
  readonly what: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** The operations of one space. */
export class Operations {
  readonly #folder: string;
  readonly #running = new Map<string, Running>();
  readonly #results = new Map<string, unknown>();
  readonly #listeners = new Set<(operation: Operation) => void>();

  /** @param directory of the space */
  constructor(directory: string) {
    this.#folder = join(directory, "operations");
  }

  /**
   * Starts work. The same key gets the operation that it started, unless that did not come to an end by itself; while the
   * same work runs, others who ask for it get that one.
   */
  start(kind: string, work: Work, { key, what = kind }: StartOptions = {}): Operation {
    const id = key === undefined ? `op_${randomUUID().slice(0, 13)}` : shortId("op", kind, key);
    const same = this.get(id);
    if (same && (same.state === "running" || same.state === "done" || same.state === "failed")) return same;
    const [beside] = [...this.#running].find(([, running]) => running.what === what) ?? [];
    const shown = beside === undefined ? null : this.get(beside);
    if (shown) return shown;
    const begun = { operation: id, kind, startedAt: new Date().toISOString(), pid: process.pid };
    const stop = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#running.set(id, { what, stop, ended });
    const operation = this.#keep({ ...begun, state: "running" });
    void (async () => {
      const end = (state: Kept["state"], why?: Problem) =>
        this.#end({ ...begun, state, endedAt: new Date().toISOString(), ...(why && { problem: why }) });
      try {
        this.#results.set(id, await work(stop.signal));
        end("done");
      } catch (error) {
        if (stop.signal.aborted) end(stop.signal.reason === closing ? "interrupted" : "cancelled");
        else end("failed", problemOf(error));
      }
    })().finally(resolve);
    return operation;
  }

  /** The newest first. */
  list(): Operation[] {
    return this.#ids()
      .flatMap((id) => this.get(id) ?? [])
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  get(id: string): Operation | null {
    const path = this.#path(id);
    if (path === null || !existsSync(path)) return null;
    const { pid, ...kept } = keptShape.parse(JSON.parse(readFileSync(path, "utf8")));
    const isLost =
      kept.state === "running" && !this.#running.has(id) && (pid === process.pid || !isAlive(pid));
    if (isLost) return this.#keep({ ...kept, pid, state: "interrupted" });
    return this.#shown({ ...kept, pid });
  }

  /** Stops one; one that has ended stays as it is. */
  async cancel(id: string): Promise<Operation | null> {
    const running = this.#running.get(id);
    running?.stop.abort();
    await running?.ended;
    return this.get(id);
  }

  /** Drops what the work returned. */
  dropResults(): void {
    this.#results.clear();
  }

  /** Calls a listener with each operation that ends, until the signal aborts. */
  onEnd(listener: (operation: Operation) => void, signal?: AbortSignal): void {
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** Stops all that run. */
  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort(closing);
    await Promise.all(running.map(({ ended }) => ended));
  }

  #end(kept: Kept): void {
    this.#running.delete(kept.operation);
    const operation = this.#keep(kept);
    for (const listener of this.#listeners) listener(operation);
  }

  #keep(kept: Kept): Operation {
    makeDirectory(this.#folder);
    replaceFile(this.#path(kept.operation)!, `${JSON.stringify(kept)}\n`);
    this.#trim();
    return this.#shown(kept);
  }

  #trim(): void {
    const ids = this.#ids();
    if (ids.length <= mostKept) return;
    for (const { operation } of this.list().slice(mostKept)) {
      if (this.#running.has(operation)) continue;
      rmSync(this.#path(operation)!, { force: true });
      this.#results.delete(operation);
    }
  }

  #ids(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).flatMap((name) => /^(op_[0-9a-f-]+)\.json$/.exec(name)?.[1] ?? []);
  }

  #path(id: string): string | null {
    return /^op_[0-9a-f-]{1,40}$/.test(id) ? join(this.#folder, `${id}.json`) : null;
  }

  #shown({ pid: _, ...kept }: Kept): Operation {
    const { operation } = kept;
    return { ...kept, ...(this.#results.has(operation) && { result: this.#results.get(operation) }) };
  }
}

/** Why a closing server stops its operations. */
export const closing = new Error("The server was closed");
