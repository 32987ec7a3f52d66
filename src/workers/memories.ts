/** Memories of spaces that a worker has open: one for all that it does in a space, closed when nothing uses it. */
import { DataError } from "../errors.ts";
import type { Root } from "../memory/root.ts";
import { openTaskMem, type TaskMem, type TaskMemOptions } from "../taskmem.ts";

/** What all memories are opened with. */
export type MemoryOptions = Omit<
  TaskMemOptions,
  "directory" | "store" | "readOnly" | "mustExist" | "learnWith"
>;

interface Opened {
  readonly memory: Promise<TaskMem>;
  users: number;
}

/** The memories of a root. */
export class Memories {
  readonly #root: Root;
  readonly #options: MemoryOptions;
  readonly #open = new Map<string, Opened>();

  constructor(root: Root, options: MemoryOptions = {}) {
    this.#root = root;
    this.#options = options;
  }

  /** Does something with the memory of a space. @throws DataError `space-unknown`; StoreError */
  async with<Result>(space: string, action: (memory: TaskMem) => Promise<Result>): Promise<Result> {
    const opened = this.#open.get(space) ?? { memory: this.#opening(space), users: 0 };
    this.#open.set(space, opened);
    opened.users += 1;
    try {
      return await action(await opened.memory);
    } finally {
      opened.users -= 1;
      if (opened.users === 0) {
        this.#open.delete(space);
        await opened.memory.then((memory) => memory.close()).catch(() => {});
      }
    }
  }

  async #opening(space: string): Promise<TaskMem> {
    if ((await this.#root.identity(space)) === null)
      throw new DataError("space-unknown", `There is no space ${space} in ${this.#root.texts.shown}`);
    return openTaskMem({ ...this.#options, directory: this.#root.placeOf(space) });
  }
}
