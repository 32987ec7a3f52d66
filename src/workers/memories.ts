/** Memories of spaces that a worker has open: one for all that it does in a space, closed when nothing uses it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../errors.ts";
import { isPostgresUrl } from "../memory/place.ts";
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

/** The memories below a directory, or in a Postgres. */
export class Memories {
  readonly #root: string;
  readonly #options: MemoryOptions;
  readonly #open = new Map<string, Opened>();

  constructor(root: string, options: MemoryOptions = {}) {
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

  #opening(space: string): Promise<TaskMem> {
    const directory = placeOf(this.#root, space);
    if (!isSpaceName(space) || !(isPostgresUrl(directory) || existsSync(directory)))
      return Promise.reject(new DataError("space-unknown", `There is no space ${space} in ${this.#root}`));
    return openTaskMem({ ...this.#options, directory });
  }
}

/** Where the memory of a space is: a directory, or the URL of a Postgres, which makes the space. */
function placeOf(root: string, space: string): string {
  if (!isPostgresUrl(root)) return join(root, space);
  const url = new URL(root);
  url.searchParams.set("space", space);
  return url.href;
}

/** Whether a text can name a space. */
export const isSpaceName = (text: string) => /^[a-z0-9][a-z0-9_-]{0,62}$/.test(text);
