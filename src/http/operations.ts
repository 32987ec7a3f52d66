/**
 * Operations: work that takes longer than a request. A request starts one and gets its id; the work runs beside the
 * server's answers, and each is kept in a text that all servers of the root share: each shows it, stops it, and knows which
 * were cut off. Results are kept by the server that did the work, because they may hold words that are forgotten later; the
 * text has what of them holds none.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { SharedTexts } from "../memory/root.ts";
import { SerialQueue } from "../util/async.ts";
import { sha256, shortId } from "../util/hash.ts";
import { isAlive } from "../util/process-alive.ts";
import { problemOf } from "./problem.ts";

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
  result: z.unknown().optional().describe("what the work returned, as long as it may be told"),
});
/** An operation as clients see it. */
export type Operation = z.output<typeof operationShape>;

/** Defaults are for what earlier releases kept. */
const keptShape = operationShape.extend({
  /** Tells this starting of the work from every other. */
  run: z.string().default(""),
  /** Hash of what tells the same work. */
  what: z.string().default(""),
  ...{ host: z.string().default(hostname), pid: z.int() },
  /** When its server said last that it works on it, in wall time. */
  heardMs: z.number().default(0),
  /** Whether someone asked for its end at another server. */
  isToStop: z.boolean().default(false),
});
type Kept = z.output<typeof keptShape>;

/** Operations of a space that are kept, the newest. */
const mostKept = 100;
/** Time between two looks at what other servers do. */
const lookMs = 1000;
/** A server of another machine says this often that it works, and is lost when it was silent for so long. */
const [beatMs, silentMs] = [10_000, 60_000];

/** Work of this process that runs, whichever server of it began it. */
const runningHere = new Set<string>();

/** Work that can be stopped. */
export type Work = (signal: AbortSignal) => Promise<unknown>;

/** How work is started. */
export interface StartOptions {
  /** The `Idempotency-Key` of who asked. */
  readonly key?: string | undefined;
  /** Tells the same work. @default its kind */
  readonly what?: string;
  /** What of the result holds no words of the memory, which is kept for the other servers. @default nothing */
  readonly wordless?: (result: unknown) => unknown;
}

interface Running {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** The operations of one space. */
export class Operations {
  readonly #texts: SharedTexts;
  readonly #folder: string;
  readonly #running = new Map<string, Running>();
  readonly #results = new Map<string, unknown>();
  readonly #listeners = new Set<(operation: Operation) => void>();
  /** One start sees what the one before began. */
  readonly #starts = new SerialQueue();
  #looks: NodeJS.Timeout | null = null;

  constructor(texts: SharedTexts, space: string) {
    this.#texts = texts;
    this.#folder = `${space}/operations`;
  }

  /**
   * Starts work. The same key gets the operation that it started, unless that did not come to an end by itself; while the
   * same work runs, others who ask for it get that one.
   */
  start(kind: string, work: Work, options: StartOptions = {}): Promise<Operation> {
    return this.#starts.run(() => this.#start(kind, work, options));
  }

  async #start(kind: string, work: Work, { key, what = kind, wordless }: StartOptions): Promise<Operation> {
    const id = key === undefined ? `op_${randomUUID().slice(0, 13)}` : shortId("op", kind, key);
    const hash = sha256(what).slice(0, 16);
    const beside = (await this.#all()).find((one) => one.state === "running" && one.what === hash);
    if (beside) return this.#shown(beside);
    const begun: Kept = {
      ...{ operation: id, kind, state: "running", startedAt: new Date().toISOString() },
      ...{ run: randomUUID(), what: hash, host: hostname(), pid: process.pid },
      ...{ heardMs: Date.now(), isToStop: false },
    };
    runningHere.add(begun.run);
    const kept = await this.#change(id, (old) => (old && isSettled(old) ? old : begun));
    if (kept!.run !== begun.run) {
      runningHere.delete(begun.run);
      return this.#shown(kept!);
    }
    this.#run(begun, work, wordless);
    await this.#trim();
    return this.#shown(begun);
  }

  #run(begun: Kept, work: Work, wordless?: StartOptions["wordless"]): void {
    const { operation: id } = begun;
    const stop = new AbortController();
    const run = async () => {
      let end: Pick<Kept, "state" | "problem" | "result">;
      try {
        const result = await work(stop.signal);
        this.#results.set(id, result);
        end = { state: "done", ...(wordless && { result: wordless(result) }) };
      } catch (error) {
        const stopped = stop.signal.reason === closing ? "interrupted" : "cancelled";
        end = stop.signal.aborted ? { state: stopped } : { state: "failed", problem: problemOf(error) };
      }
      await this.#end(begun, end);
    };
    // Where its end cannot be kept, the others learn by its silence that it is over.
    const ended = run().catch(() => {});
    this.#running.set(id, { stop, ended });
    void ended.finally(() => {
      this.#running.delete(id);
      runningHere.delete(begun.run);
    });
    this.#look();
  }

  /** The newest first. */
  async list(): Promise<Operation[]> {
    return (await this.#all()).map((kept) => this.#shown(kept));
  }

  async get(id: string): Promise<Operation | null> {
    const kept = await this.#kept(id);
    return kept && this.#shown(kept);
  }

  /** Stops one; one that has ended stays as it is. Another server stops its own within seconds. */
  async cancel(id: string): Promise<Operation | null> {
    const running = this.#running.get(id);
    running?.stop.abort();
    await running?.ended;
    const isOn = async () => (await this.#kept(id))?.state === "running";
    if (await isOn()) await this.#change(id, (old) => old && { ...old, isToStop: true });
    for (let waitedMs = 0; waitedMs < 10 * lookMs && (await isOn()); waitedMs += 100) await sleep(100);
    return this.get(id);
  }

  /** Drops what the work returned. */
  dropResults(): void {
    this.#results.clear();
  }

  /** Calls a listener with each operation of this server that ends, until the signal aborts. */
  onEnd(listener: (operation: Operation) => void, signal?: AbortSignal): void {
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => this.#listeners.delete(listener));
  }

  /** Calls a listener with each operation that ends at any server of the root, until the signal aborts. */
  async follow(listener: (operation: Operation) => void, signal: AbortSignal): Promise<void> {
    const told = new Set<string>();
    const tell = (one: Operation) => {
      if (told.has(one.operation)) return;
      told.add(one.operation);
      listener(one);
    };
    this.onEnd(tell, signal);
    const before = (await this.#all().catch(() => [])).filter(({ state }) => state !== "running");
    for (const { operation } of before) told.add(operation);
    while (!signal.aborted) {
      await sleep(lookMs, undefined, { signal }).catch(() => {});
      // What cannot be asked now is asked with the next look.
      const unseen = (await this.#ids().catch(() => [])).filter((id) => !told.has(id));
      for (const id of unseen) {
        const one = signal.aborted ? null : await this.get(id).catch(() => null);
        if (one && one.state !== "running") tell(one);
      }
    }
  }

  /** Stops all that run. */
  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { stop } of running) stop.abort(closing);
    await Promise.all(running.map(({ ended }) => ended));
  }

  async #end({ operation: id, run }: Kept, how: Pick<Kept, "state" | "problem" | "result">): Promise<void> {
    const end = { ...how, endedAt: new Date().toISOString() };
    const kept = await this.#change(id, (old) => (old?.run === run ? { ...old, ...end } : old));
    if (kept?.run !== run) return;
    const operation = this.#shown(kept);
    for (const listener of this.#listeners) listener(operation);
  }

  /** While work runs: says so, and looks whether it is to end. */
  #look(): void {
    this.#looks ??= setTimeout(async () => {
      for (const [id, { stop }] of this.#running) {
        // What cannot be asked now is asked with the next look.
        const kept = await this.#kept(id).catch(() => null);
        if (kept?.isToStop) stop.abort();
        if (kept && Date.now() - kept.heardMs > beatMs)
          await this.#change(id, (old) => old && { ...old, heardMs: Date.now() }).catch(() => {});
      }
      this.#looks = null;
      if (this.#running.size > 0) this.#look();
    }, lookMs).unref();
  }

  /** One that its server works on no more was interrupted. */
  async #kept(id: string): Promise<Kept | null> {
    if (!/^op_[0-9a-f-]{1,40}$/.test(id)) return null;
    const kept = parsed(await this.#texts.read(this.#nameOf(id)));
    if (kept === null || !isLost(kept)) return kept;
    return this.#change(id, (old) => old && (isLost(old) ? { ...old, state: "interrupted" } : old));
  }

  async #all(): Promise<Kept[]> {
    const kept = await Promise.all((await this.#ids()).map((id) => this.#kept(id)));
    return kept.filter((one) => one !== null).sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  }

  async #change(id: string, change: (old: Kept | null) => Kept | null): Promise<Kept | null> {
    let changed: Kept | null = null;
    await this.#texts.change(this.#nameOf(id), (text) => {
      changed = change(parsed(text));
      return changed && `${JSON.stringify(changed)}\n`;
    });
    return changed;
  }

  async #trim(): Promise<void> {
    if ((await this.#ids()).length <= mostKept) return;
    for (const { operation, state } of (await this.#all()).slice(mostKept)) {
      if (state === "running") continue;
      await this.#change(operation, () => null);
      this.#results.delete(operation);
    }
  }

  async #ids(): Promise<string[]> {
    return (await this.#texts.list(this.#folder)).flatMap(
      (name) => /^(op_[0-9a-f-]+)\.json$/.exec(name)?.[1] ?? [],
    );
  }

  #nameOf(id: string): string {
    return `${this.#folder}/${id}.json`;
  }

  #shown(kept: Kept): Operation {
    const { operation } = kept;
    const shown = operationShape.parse(kept);
    return this.#results.has(operation) ? { ...shown, result: this.#results.get(operation) } : shown;
  }
}

const parsed = (text: string | null): Kept | null =>
  text === null ? null : keptShape.parse(JSON.parse(text));

/** Whether the same key is not to start it again. */
const isSettled = ({ state }: Kept) => state === "running" || state === "done" || state === "failed";

/** Whether an operation runs no more, though it did not end. */
function isLost({ state, run, host, pid, heardMs }: Kept): boolean {
  if (state !== "running" || runningHere.has(run)) return false;
  if (host !== hostname()) return Date.now() - heardMs > silentMs;
  return pid === process.pid || !isAlive(pid);
}

/** Why a closing server stops its operations. */
export const closing = new Error("The server was closed");
