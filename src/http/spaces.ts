/**
 * Spaces that a server has open: each is opened when it is first asked for, and stays open until others need the room, or
 * until it is removed.
 */
import { Turns } from "../contract/index.ts";
import { learnedOf } from "../contract/learning.ts";
import { DataError, isTaskMemError } from "../errors.ts";
import type { PushItem } from "../live/items.ts";
import type { LiveSession, PushReceipt } from "../live/live.ts";
import type { Root } from "../memory/root.ts";
import type { LearnWith } from "../taskmem/learning.ts";
import { openTaskMem, type TaskMem, type TaskMemOptions } from "../taskmem.ts";
import { SerialQueue } from "../util/async.ts";
import { told } from "../util/telemetry.ts";
import type { WorkQueue } from "../workers/index.ts";
import { type Operation, Operations } from "./operations.ts";
import { learnInWorker, wordless } from "./watches.ts";

/** What all spaces are opened with. */
export type SpaceOptions = Omit<
  TaskMemOptions,
  "directory" | "store" | "readOnly" | "mustExist" | "learnWith"
>;

/** A space that is open. */
export interface Space {
  readonly id: string;
  readonly memory: TaskMem;
  /** Long work about it. */
  readonly operations: Operations;
  /** Pushes items to a stream. @throws as a live session */
  push(stream: string, items: readonly PushItem[]): Promise<PushReceipt[]>;
  /** Where searches and questions wait for their turn. */
  readonly turns: Turns;
}

/** Most spaces that are open at once. */
const mostOpen = 64;

/** The spaces of a root. */
export class Spaces {
  readonly #root: Root;
  readonly #options: SpaceOptions;
  readonly #onEnd: (operation: Operation) => void;
  readonly #queue: WorkQueue | null;
  /** By id, the one that was used longest ago first. */
  readonly #open = new Map<string, { readonly identity: string; readonly space: Promise<OpenSpace> }>();

  /** @param onEnd called with each operation that ends @param queue of the workers that learn; `null` to learn here */
  constructor(
    root: Root,
    options: SpaceOptions = {},
    onEnd: (operation: Operation) => void = () => {},
    queue: WorkQueue | null = null,
  ) {
    this.#root = root;
    this.#queue = queue;
    this.#onEnd = onEnd;
    this.#options = options;
  }

  /** Ids of all spaces, sorted. */
  list(): Promise<string[]> {
    return this.#root.list();
  }

  /** Why nothing can be written to them, a sentence each. */
  troubles(): Promise<string[]> {
    return this.#root.troubles();
  }

  /** Makes a space, or leaves the one of that id. @throws ConfigError `space-invalid` @returns whether it is new */
  create(id: string): Promise<boolean> {
    return this.#root.create(id);
  }

  /** A space. @throws DataError `space-unknown` */
  async get(id: string): Promise<Space> {
    return this.#get(id);
  }

  async #get(id: string): Promise<OpenSpace> {
    const identity = await this.#root.identity(id);
    // Another server may have removed it, and made another.
    if (this.#open.get(id)?.identity !== identity) this.#drop(id);
    if (identity === null)
      throw new DataError("space-unknown", `There is no space ${id}: make it with PUT /v1/spaces/${id}`);
    const opened = this.#open.get(id) ?? { identity, space: this.#opening(id) };
    this.#open.delete(id);
    this.#open.set(id, opened);
    opened.space.catch(() => this.#open.delete(id));
    for (const other of this.#open.keys()) {
      if (this.#open.size <= mostOpen) break;
      this.#drop(other);
    }
    return opened.space;
  }

  #opening(id: string): Promise<OpenSpace> {
    const operations = new Operations(this.#root.texts, id);
    operations.onEnd(this.#onEnd);
    const options = { ...this.#options, directory: this.#root.placeOf(id) };
    return OpenSpace.open(id, options, operations, this.#queue);
  }

  #drop(id: string): void {
    const opened = this.#open.get(id);
    this.#open.delete(id);
    void opened?.space.then((one) => one.close()).catch(() => {});
  }

  /** Removes a space with all that it holds. @throws DataError `space-unknown` */
  async remove(id: string): Promise<void> {
    const space = await this.#get(id);
    this.#open.delete(id);
    await told("delete-store", { store: id }, async () => {
      await this.#queue?.removeSpace(id);
      await space.close();
      await this.#root.remove(id);
    });
  }

  /** Those that are open. */
  async opened(): Promise<Space[]> {
    const open = await Promise.allSettled([...this.#open.values()].map(({ space }) => space));
    return open.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  /** Closes all that are open. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { space } of open) await space.then((one) => one.close()).catch(() => {});
  }
}

class OpenSpace implements Space {
  readonly id: string;
  readonly memory: TaskMem;
  readonly operations: Operations;
  readonly #sessions = new Map<string, LiveSession>();
  /** Who pushes to a stream waits while its session is opened. */
  readonly #pushes = new Map<string, SerialQueue>();
  readonly turns: Turns;

  private constructor(id: string, memory: TaskMem, operations: Operations) {
    this.id = id;
    this.memory = memory;
    this.operations = operations;
    this.turns = new Turns(memory);
  }

  static async open(
    id: string,
    options: SpaceOptions & Pick<TaskMemOptions, "directory">,
    operations: Operations,
    queue: WorkQueue | null,
  ): Promise<OpenSpace> {
    // What questions start is an operation as what is asked for, in a process of its own, or in a worker.
    const learnWith: LearnWith = (learn) => {
      const work = async (signal: AbortSignal) =>
        queue ? learnInWorker(queue, id, memory, signal) : learnedOf(await learn(signal));
      return operations.start("learn", work, { what: "learn {}", wordless }).then(() => {});
    };
    const memory = await openTaskMem({ ...options, learnWith });
    return new OpenSpace(id, memory, operations);
  }

  async push(stream: string, items: readonly PushItem[]): Promise<PushReceipt[]> {
    const turns = this.#pushes.get(stream) ?? new SerialQueue();
    this.#pushes.set(stream, turns);
    return (await turns.run(() => this.#session(stream))).push(items);
  }

  /**
   * A pushed stream is written by the server that was pushed to last: it takes the stream from the one before, decides what
   * that left, and writes on.
   */
  async #session(stream: string): Promise<LiveSession> {
    const open = this.#sessions.get(stream);
    if (open && (await this.#holds(stream))) return open;
    // Under the lease that is taken now it would write what it knew before.
    await open?.close();
    const session = await this.memory.live({ stream, takeOver: true });
    this.#sessions.set(stream, session);
    // One that has ended makes room for another.
    void lastEvent(session)
      .catch(() => {})
      .then(() => this.#sessions.get(stream) === session && this.#sessions.delete(stream));
    return session;
  }

  /** Whether no other process took a stream whose session is open. It is asked by a write of nothing. */
  async #holds(stream: string): Promise<boolean> {
    try {
      await this.memory.store.keepFiles(stream, []);
      return true;
    } catch (error) {
      if (isTaskMemError(error, "lease-lost")) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.operations.close();
    await this.memory.close();
  }
}

/** Resolves when a session has ended. */
async function lastEvent(session: LiveSession): Promise<void> {
  for await (const _ of session.events());
}
