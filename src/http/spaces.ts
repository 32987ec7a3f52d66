/**
 * Spaces: memories that know nothing of each other, a directory each. A space is opened when it is first asked for, and
 * stays open until others need the room.
 */
import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Turns } from "../contract/index.ts";
import { learnedOf } from "../contract/learning.ts";
import { ConfigError, DataError } from "../errors.ts";
import type { LiveSession } from "../live/live.ts";
import type { LearnWith } from "../taskmem/learning.ts";
import { openTaskMem, type TaskMem, type TaskMemOptions } from "../taskmem.ts";
import { makeDirectory } from "../util/directory.ts";
import { told } from "../util/telemetry.ts";
import { isSpaceName, type WorkQueue } from "../workers/index.ts";
import { type Operation, Operations } from "./operations.ts";
import { learnInWorker } from "./watches.ts";

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
  /** The session of a pushed stream. */
  session(stream: string): Promise<LiveSession>;
  /** Where searches and questions wait for their turn. */
  readonly turns: Turns;
}

/** Most spaces that are open at once. */
const mostOpen = 64;

/** The spaces below a directory. */
export class Spaces {
  readonly root: string;
  readonly #options: SpaceOptions;
  readonly #onEnd: (operation: Operation) => void;
  readonly #queue: WorkQueue | null;
  /** By id, the one that was used longest ago first. */
  readonly #open = new Map<string, Promise<OpenSpace>>();

  /** @param onEnd called with each operation that ends @param queue of the workers that learn; `null` to learn here */
  constructor(
    root: string,
    options: SpaceOptions = {},
    onEnd: (operation: Operation) => void = () => {},
    queue: WorkQueue | null = null,
  ) {
    this.root = root;
    this.#queue = queue;
    this.#onEnd = onEnd;
    this.#options = options;
    makeDirectory(root);
  }

  /** Ids of all spaces, sorted. */
  list(): string[] {
    return readdirSync(this.root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isSpaceName(entry.name))
      .map((entry) => entry.name)
      .sort();
  }

  /** Makes a space, or leaves the one of that id. @throws ConfigError `space-invalid` @returns whether it is new */
  async create(id: string): Promise<boolean> {
    if (!isSpaceName(id))
      throw new ConfigError(
        "space-invalid",
        `Expected a name of up to 63 small letters, digits, - and _ for a space, got ${id}`,
      );
    const isNew = !existsSync(join(this.root, id));
    if (isNew) makeDirectory(join(this.root, id));
    return isNew;
  }

  /** A space. @throws DataError `space-unknown` */
  async get(id: string): Promise<Space> {
    if (!isSpaceName(id) || !existsSync(join(this.root, id)))
      throw new DataError("space-unknown", `There is no space ${id}: make it with PUT /v1/spaces/${id}`);
    const opening = this.#open.get(id) ?? this.#opening(id);
    this.#open.delete(id);
    this.#open.set(id, opening);
    opening.catch(() => this.#open.delete(id));
    for (const [other, space] of this.#open) {
      if (this.#open.size <= mostOpen) break;
      this.#open.delete(other);
      void space.then((one) => one.close()).catch(() => {});
    }
    return opening;
  }

  #opening(id: string): Promise<OpenSpace> {
    const operations = new Operations(join(this.root, id));
    operations.onEnd(this.#onEnd);
    return OpenSpace.open(id, { ...this.#options, directory: join(this.root, id) }, operations, this.#queue);
  }

  /** Removes a space with all that it holds. @throws DataError `space-unknown` */
  async remove(id: string): Promise<void> {
    const space = (await this.get(id)) as OpenSpace;
    this.#open.delete(id);
    await told("delete-store", { store: id }, async () => {
      await this.#queue?.removeSpace(id);
      await space.close();
      await rm(join(this.root, id), { recursive: true, force: true });
    });
  }

  /** Those that are open. */
  async opened(): Promise<Space[]> {
    const open = await Promise.allSettled(this.#open.values());
    return open.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  /** Closes all that are open. */
  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const space of open) await space.then((one) => one.close()).catch(() => {});
  }
}

class OpenSpace implements Space {
  readonly id: string;
  readonly memory: TaskMem;
  readonly operations: Operations;
  readonly #sessions = new Map<string, Promise<LiveSession>>();
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
      operations.start("learn", work, { what: "learn {}" });
    };
    const memory = await openTaskMem({ ...options, learnWith });
    return new OpenSpace(id, memory, operations);
  }

  session(stream: string): Promise<LiveSession> {
    const open = this.#sessions.get(stream);
    if (open) return open;
    const session = this.memory.live({ stream });
    this.#sessions.set(stream, session);
    // One that has ended, or could not begin, makes room for another.
    void session
      .then(lastEvent)
      .catch(() => {})
      .then(() => this.#sessions.delete(stream));
    return session;
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
