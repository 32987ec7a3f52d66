/**
 * Forgetting in a thread with a connection of its own, where there is much to look through and a large file to rewrite: the
 * thread of the caller serves others meanwhile. Whatever else this memory is asked waits until it has ended, so that one
 * connection of the process writes at a time.
 */
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import type { Embedder, WordSpace } from "../engine.ts";
import { StoreError } from "../errors.ts";
import { AskedThread, answerWith, type ThreadError } from "../util/asked-thread.ts";
import { folderBlobs } from "./blobs.ts";
import { type Connection, openDatabase } from "./database.ts";
import type { Db, Steps, Store } from "./db.ts";
import { forget } from "./forget.ts";
import { assertSaysWhat } from "./forget-request.ts";
import type { ForgetReport, ForgetRequest } from "./records.ts";
import { errorOf, isLarge } from "./searcher.ts";
import type { StoredOptions } from "./stored-memory.ts";

interface ForgetSetup {
  readonly directory: string;
  readonly embedder: Pick<Embedder, "meaning">;
}

interface Forgetting {
  readonly request: ForgetRequest;
  readonly dryRun: boolean;
  readonly nowMs: number;
}

interface Forgotten {
  readonly report: ForgetReport;
}

/** What forgets in one memory. */
export class Forgetter implements Store {
  readonly #db: Connection;
  readonly #options: StoredOptions;
  readonly #thread: AskedThread<Forgetting, Forgotten> | null;
  /** Resolves when what is being forgotten is; `null` while nothing is. */
  #forgetting: Promise<void> | null = null;

  /** @param program of the thread, which calls `answerForgetting`; without one, nothing is forgotten apart */
  constructor(db: Connection, directory: string, options: StoredOptions, program: URL | undefined) {
    this.#db = db;
    this.#options = options;
    const { meaning } = options.embedder;
    const setup: ForgetSetup = { directory, embedder: meaning === undefined ? {} : { meaning } };
    const failed = (why: string, thrown?: ThreadError) => {
      if (thrown) return errorOf(thrown);
      const message = `Forgetting in ${db.file} was stopped: ${why}. Run the same forget again.`;
      return new StoreError("store-failed", message);
    };
    this.#thread = program ? new AskedThread({ program, setup, failed }) : null;
  }

  perform<Result>(action: (db: Db) => Steps<Result>): Result | Promise<Result> {
    if (this.#forgetting === null) return this.#db.perform(action);
    return this.#forgetting.then(() => this.perform(action));
  }

  /**
   * Forgets in the thread, if the memory is large.
   * @returns `null` if it is small or only read, and is to be done, or refused, here
   * @throws as `forget`; StoreError `store-failed` if the thread was lost
   */
  async forget(request: ForgetRequest, dryRun: boolean): Promise<ForgetReport | null> {
    if (this.#thread === null || this.#db.readOnly || !isLarge(this.#db)) return null;
    assertSaysWhat(request, this.#options.words);
    while (this.#forgetting !== null) await this.#forgetting;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#forgetting = promise;
    try {
      return (await this.#thread.ask({ request, dryRun, nowMs: this.#options.now() })).report;
    } finally {
      this.#forgetting = null;
      resolve();
    }
  }

  /** Ends the thread. */
  async end(): Promise<void> {
    await this.#thread?.end();
  }
}

/** For the thread itself. @param words the word space that the memory is indexed with */
export function answerForgetting(words: WordSpace): void {
  const { directory, embedder } = workerData as ForgetSetup;
  const connection = openDatabase(directory, { readOnly: false });
  const where = { blobs: folderBlobs(join(directory, "blobs")), folder: directory };
  answerWith<Forgetting, Forgotten>(async ({ request, dryRun, nowMs }) => {
    const how = { words, embedder, now: () => nowMs };
    return { report: connection.perform((db) => forget(db, where, how, request, dryRun)) };
  });
}
