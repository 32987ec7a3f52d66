/**
 * One connection to one memory file: opening it, migrating it, running statements, and turning its errors into ours.
 *
 * better-sqlite3 runs SQL synchronously, so a transaction is one function call that nothing else in this process can
 * interrupt. Kysely's own SQLite driver is not used: its transactions start deferred, so one that reads before it writes
 * fails with BUSY beside a second process instead of waiting.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { load as loadVectors } from "sqlite-vec";
import { StoreError } from "../errors.ts";
import { makeDirectory } from "../util/directory.ts";
import { isOutOfFiles, noMoreFiles } from "../util/program.ts";
import {
  addChecksumFunctions,
  addChecksums,
  addVectorChecksums,
  dropChecksumTriggers,
  schemaOf,
} from "./checksums.ts";
import { build, type Db, type Query, type Steps, type Store } from "./db.ts";
import { type InPlace, inPlace } from "./in-place.ts";
import { mentions, sameName } from "./names.ts";
import { applicationId, migrations } from "./schema.ts";
import { sqliteIndex } from "./sqlite-index.ts";
import { logDamage, withLog } from "./write-ahead-log.ts";

/** A connection to a memory file. Its own methods run at once; `perform` runs what every database runs, at once too. */
export interface Connection extends Store {
  readonly file: string;
  readonly readOnly: boolean;
  /** Whether it is a copy in working memory, which does not follow what others write. */
  readonly isCopy: boolean;
  perform<Result>(action: (db: Db) => Steps<Result>): Result;
  all<Row>(query: Query<Row>): Row[];
  get<Row>(query: Query<Row>): Row | undefined;
  iterate<Row>(query: Query<Row>): IterableIterator<Row>;
  run(query: Query<unknown>): number;
  exec(text: string): void;
  pragma(text: string): unknown;
  /** Runs a transaction: everything inside commits together, synced to disk, or not at all. Other writers wait. */
  write<Result>(action: () => Result): Result;
  /** Calls a listener after each committed `write` of this connection. */
  onWrite(listener: () => void): void;
  /** Runs a read transaction: everything inside sees one state of the file. */
  read<Result>(action: () => Result): Result;
  /** From now on a change fails if the memory's files were deleted or replaced. @throws StoreError `store-replaced` */
  keepInPlace(): void;
  close(): void;
}

const busyTimeoutMs = 5000;
const cachedStatements = 300;

/**
 * Opens `memory.db` in a directory and migrates it to this version. A missing directory is created, for its owner only.
 *
 * @throws StoreError `store-corrupt`, `store-foreign`, `store-newer`, `store-read-only`, `store-unopenable`,
 * `disk-full`.
 */
export function openDatabase(directory: string, options: { readonly readOnly: boolean }): Connection {
  const file = join(directory, "memory.db");
  return inOurWords(file, () => {
    if (!options.readOnly) prepareDirectory(directory);
    assertLogWhole(`${file}-wal`);
    const shared = options.readOnly ? openReadOnly(file) : openForWriting(file);
    const connection = shared ?? openCopy(file);
    try {
      loadVectors(connection);
      connection.function("mentions", { deterministic: true }, mentionsAny);
      connection.function("is_named", { deterministic: true }, isNamedAny);
      addChecksumFunctions(connection);
      const db = wrap(connection, file, { readOnly: options.readOnly, isCopy: shared === null });
      prepareFile(db, { mayMigrate: !options.readOnly || shared === null });
      if (options.readOnly) db.pragma("query_only = on");
      else db.keepInPlace();
      return db;
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

/** @throws StoreError `store-corrupt` for a log that is damaged before its end */
function assertLogWhole(log: string): void {
  const damage = () => {
    const bytes = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    return bytes > 0 && bytes <= mostCopied ? logDamage(bytesOf(log)) : null;
  };
  const first = damage();
  if (!first) return;
  // A process that writes at this moment may be seen halfway; damage stays.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  const { offset, commits } = damage() ?? { offset: -1, commits: 0 };
  if (offset !== first.offset) return;
  throw new StoreError(
    "store-corrupt",
    `The log ${log} is damaged at byte ${offset}, and ${commits} commits after it cannot be read. Restore a backup or an export; or, to continue without them: truncate -s ${offset} ${JSON.stringify(log)}`,
    { details: { path: log, offset, commits } },
  );
}

function prepareDirectory(directory: string): void {
  if (existsSync(directory) && !statSync(directory).isDirectory()) {
    throw new StoreError(
      "store-unopenable",
      `Expected a directory for the memory, got the file ${directory}. Name another with --memory.`,
    );
  }
  makeDirectory(directory);
}

/** A new file is its owner's only, and SQLite gives its log the same mode. */
function openForWriting(file: string): Database.Database {
  if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
  return new Database(file, { timeout: busyTimeoutMs });
}

/** SQL `is_named(name, names)`: whether a name is one of a JSON array of names, however it is typed. */
function isNamedAny(name: string, names: string): number {
  return (JSON.parse(names) as string[]).some((other) => sameName(name, other)) ? 1 : 0;
}

/** SQL `mentions(text, names)`: whether a text names any of a JSON array of names. */
function mentionsAny(text: string, names: string): number {
  return (JSON.parse(names) as string[]).some((name) => mentions(text, name)) ? 1 : 0;
}

/**
 * The file, shared with those who write it, or `null` if it cannot be read where it is: SQLite writes a file beside a
 * database with a log, which a read-only or full disk refuses, and an older schema cannot be migrated in place.
 */
function openReadOnly(file: string): Database.Database | null {
  if (!existsSync(file)) {
    throw new StoreError("store-missing", `There is no memory in ${dirname(file)}: it has no ${file}.`);
  }
  const connection = new Database(file, { readonly: true, timeout: busyTimeoutMs });
  try {
    const isOurs = connection.pragma("application_id", { simple: true }) === applicationId;
    const version = connection.pragma("user_version", { simple: true }) as number;
    if (!isOurs || version >= migrations.length) return connection;
  } catch (error) {
    if (!/^SQLITE_(CANTOPEN|READONLY|FULL|IOERR_SHM)/.test(sqliteCode(error) ?? "")) {
      connection.close();
      throw error;
    }
  }
  connection.close();
  return null;
}

/** Most bytes that are read into working memory, as Node reads files. */
const mostCopied = 2 ** 31 - 1;

/** A file's bytes; none where it is not there, as a log that the last process to close has just removed. */
function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}

/** A copy of the database and its log in working memory. */
function openCopy(file: string): Database.Database {
  const paths = [file, `${file}-wal`];
  const stats = () => paths.map((path) => statSync(path, { throwIfNoEntry: false }));
  const stamp = () => stats().map((stat) => (stat ? `${stat.size} ${stat.mtimeMs}` : ""));
  const bytes = stats().reduce((sum, stat) => sum + (stat?.size ?? 0), 0);
  if (bytes > mostCopied) {
    throw new StoreError(
      "store-read-only",
      `${file} holds ${(bytes / 1e9).toFixed(1)} GB. Where a memory cannot be written it is read into working memory, at most 2.1 GB. Copy its directory to a disk that can be written.`,
      { details: { path: file, bytes } },
    );
  }
  // A writer elsewhere may change them in between; the newest attempt is as good as it gets.
  for (let attempt = 1; ; attempt++) {
    const before = stamp().join();
    const [database, log] = paths.map(bytesOf);
    if (stamp().join() === before || attempt === 3) return new Database(withLog(database!, log!));
  }
}

function prepareFile(db: Connection, { mayMigrate }: { readonly mayMigrate: boolean }): void {
  const empty = db.pragma("schema_version") === 0;
  if (!empty && db.pragma("application_id") !== applicationId) {
    throw new StoreError(
      "store-foreign",
      `${db.file} is another program's database, not a TaskMem memory. Name another directory.`,
    );
  }
  db.pragma("foreign_keys = on");
  db.pragma("secure_delete = on");
  // A page of a mapped file that cannot be read ends the process without a word (SIGBUS), so nothing is mapped.
  db.pragma("mmap_size = 0");
  if (!db.readOnly) {
    patiently(() => db.pragma("journal_mode = wal"));
    db.pragma("synchronous = full");
  }
  if (mayMigrate) migrate(db);
}

function migrate(db: Connection): void {
  const versionNow = () => {
    const version = db.pragma("user_version") as number;
    if (version > migrations.length) {
      throw new StoreError(
        "store-newer",
        `${db.file} has schema version ${version}; this TaskMem reads versions up to ${migrations.length}. A newer TaskMem wrote it: update this one.`,
      );
    }
    return version;
  };
  if (versionNow() === migrations.length) return;
  if (versionNow() > 0 && !db.readOnly) makePrivate(db.file);
  db.write(() => bringUpToDate(db, versionNow()));
}

/** Runs the migrations from a version on. Inside a transaction. */
function bringUpToDate(db: Connection, version: number): void {
  dropChecksumTriggers(db);
  for (const migration of migrations.slice(version)) db.exec(migration);
  const current = db.get(build.selectFrom("space").select("row").where("current", "=", 1));
  if (current) db.perform((steps) => addVectorChecksums(steps, current.row));
  addChecksums(db);
  db.pragma(`application_id = ${applicationId}`);
  db.pragma(`user_version = ${migrations.length}`);
}

/** The schema of a new memory of this version, as `schemaOf` tells it. */
export function newSchema(): Set<string> {
  const connection = new Database(":memory:");
  addChecksumFunctions(connection);
  const db = wrap(connection, ":memory:", { readOnly: false, isCopy: false });
  try {
    db.write(() => bringUpToDate(db, 0));
    return schemaOf(db);
  } finally {
    db.close();
  }
}

/** Takes the rights of others away from files of earlier versions, which did not set a mode. */
function makePrivate(file: string): void {
  for (const path of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(path)) chmodSync(path, 0o600);
  const blobs = join(dirname(file), "blobs");
  if (existsSync(blobs)) chmodSync(blobs, 0o700);
}

/** Waits while the file is busy: SQLite's own time-out does not apply to a change of the journal mode. */
function patiently(action: () => void): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; ; waitedMs += 20) {
    try {
      action();
      return;
    } catch (error) {
      if (!sqliteCode(error)?.startsWith("SQLITE_BUSY") || waitedMs >= busyTimeoutMs) throw error;
      Atomics.wait(pause, 0, 0, 20);
    }
  }
}

function wrap(
  connection: Database.Database,
  file: string,
  { readOnly, isCopy }: Pick<Connection, "readOnly" | "isCopy">,
): Connection {
  const statements = new Map<string, Database.Statement>();
  const prepare = (text: string): Database.Statement => {
    let statement = statements.get(text);
    if (!statement) {
      if (statements.size >= cachedStatements) statements.clear();
      statement = connection.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  let place: InPlace | null = null;
  const guard = <Result>(action: () => Result): Result => {
    if (!connection.open) throw new StoreError("store-closed", `The memory ${file} was closed.`);
    return inOurWords(file, action);
  };
  const close = () => {
    if (place) place.closing(() => connection.close());
    else connection.close();
  };
  /** Runs a change, which counts only if the files are in place before and after it. If not, the memory is closed. */
  const inItsPlace = <Result>(action: () => Result): Result => {
    if (connection.inTransaction) return action();
    try {
      place?.assert();
      const result = action();
      place?.assert();
      return result;
    } catch (error) {
      if (error instanceof StoreError && error.code === "store-replaced") close();
      throw error;
    }
  };
  const call = <Result>(
    query: Query<unknown>,
    action: (statement: Database.Statement, parameters: readonly unknown[]) => Result,
  ): Result =>
    guard(() => {
      const { sql, parameters } = query.compile(build);
      return action(prepare(sql), parameters);
    });
  const listeners: (() => void)[] = [];
  const transaction = (mode: "immediate" | "deferred") => {
    return <Result>(action: () => Result): Result => {
      if (connection.inTransaction) return action();
      const run = () => guard(() => connection.transaction(action)[mode]());
      if (mode === "deferred") return run();
      const result = inItsPlace(run);
      for (const listener of listeners) listener();
      return result;
    };
  };
  const own: Omit<Connection, "perform"> = {
    file,
    readOnly,
    isCopy,
    all: <Row>(query: Query<Row>) =>
      call(query, (statement, parameters) => statement.all(...parameters) as Row[]),
    get: <Row>(query: Query<Row>) =>
      call(query, (statement, parameters) => statement.get(...parameters) as Row | undefined),
    iterate: function* <Row>(query: Query<Row>) {
      const { sql, parameters } = query.compile(build);
      const rows = guard(() => connection.prepare(sql).iterate(...parameters) as IterableIterator<Row>);
      try {
        for (let next = guard(() => rows.next()); !next.done; next = guard(() => rows.next()))
          yield next.value;
      } finally {
        rows.return?.();
      }
    },
    run: (query) =>
      inItsPlace(() => call(query, (statement, parameters) => statement.run(...parameters).changes)),
    exec: (text) => guard(() => void connection.exec(text)),
    pragma: (text) => guard(() => connection.pragma(text, { simple: true })),
    write: transaction("immediate"),
    read: transaction("deferred"),
    onWrite: (listener) => void listeners.push(listener),
    keepInPlace: () => {
      if (!readOnly) place = inPlace(file);
    },
    close,
  };
  const db = stepsOf(own);
  return { ...own, perform: (action) => finished(action(db)) };
}

/**
 * Rewrites the file and empties its log, so that neither holds what was deleted. Zeroing what is deleted
 * (`secure_delete`) is not enough: where SQLite moved rows to another page, their bytes stay in the unused part of the
 * first.
 */
function wipe(db: Omit<Connection, "perform">): void {
  try {
    db.exec("vacuum");
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new StoreError(
      error.code,
      `The memories are forgotten, but ${db.file} could not be rewritten, so it may still hold them. ${error.message} Then run the same forget again.`,
      { cause: error, details: error.details },
    );
  }
  const isBusy = db.pragma("wal_checkpoint(truncate)") !== 0;
  if (!isBusy) return;
  throw new StoreError(
    "store-busy",
    `The memories are forgotten, but another process reads ${db.file}, so the log ${db.file}-wal may still hold them. Wait for that process or stop it, then run the same forget again.`,
  );
}

/** The steps of a connection, none of which has to be waited for. */
function stepsOf(connection: Omit<Connection, "perform">): Db {
  const { file, readOnly } = connection;
  const statements: Omit<Db, "index"> = {
    ...{ file, readOnly },
    all: (query) => atOnce(() => connection.all(query)),
    get: (query) => atOnce(() => connection.get(query)),
    each: (query, found) =>
      atOnce(() => {
        for (const row of connection.iterate(query)) found(row);
      }),
    run: (query) => atOnce(() => connection.run(query)),
    write: (action) => atOnce(() => connection.write(() => finished(action()))),
    read: (action) => atOnce(() => connection.read(() => finished(action()))),
    wipe: () => atOnce(() => wipe(connection)),
  };
  return { ...statements, index: sqliteIndex(statements) };
}

// biome-ignore lint/correctness/useYield: there is nothing to wait for.
function* atOnce<Result>(action: () => Result): Steps<Result> {
  return action();
}

/** What comes of steps that wait for nothing. */
function finished<Result>(steps: Steps<Result>): Result {
  const { done, value } = steps.next();
  if (done) return value;
  throw new TypeError("Expected steps of SQLite to end without waiting");
}

function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** What a failure of SQLite or the file system means for the user. */
const meanings: readonly { readonly match: RegExp; readonly code: string; readonly advice: string }[] = [
  {
    match: /^SQLITE_(NOTADB|CORRUPT)/,
    code: "store-corrupt",
    advice:
      "is damaged or is not a memory file. It was left unchanged: restore a backup or an export, or name another directory",
  },
  {
    match: /^(SQLITE_FULL|SQLITE_IOERR_SHMSIZE|ENOSPC|EDQUOT)/,
    code: "disk-full",
    advice: "cannot grow: the disk is full. Make room and run it again",
  },
  {
    match: /^SQLITE_READONLY_DBMOVED/,
    code: "store-replaced",
    advice:
      "was deleted or replaced while this process had it open. Stop it, and put the file back if you have it",
  },
  {
    match: /^(SQLITE_READONLY|EROFS)/,
    code: "store-read-only",
    advice: "cannot be written: the file, its directory or the disk is read-only",
  },
  {
    match: /^(SQLITE_BUSY|SQLITE_LOCKED)/,
    code: "store-busy",
    advice: "has been locked by another process for 5 s. Try again, or stop that process",
  },
  {
    match:
      /^(SQLITE_CANTOPEN|SQLITE_AUTH|SQLITE_PERM|EACCES|EPERM|ENOTDIR|ENOENT|EISDIR|EEXIST|ELOOP|ENAMETOOLONG)/,
    code: "store-unopenable",
    advice: "cannot be opened or created here: check the path and its permissions",
  },
  {
    match: /^SQLITE_IOERR_SHM/,
    code: "store-unopenable",
    advice:
      "cannot be shared between processes here: its -shm file cannot be created or mapped, as on some network disks. Move it to a local disk",
  },
  {
    match: /^(EMFILE|ENFILE)/,
    code: "store-unopenable",
    advice: `cannot be opened: ${noMoreFiles}`,
  },
  {
    match: /^(SQLITE_IOERR|EIO)/,
    code: "store-io",
    advice: "could not be read or written: the disk failed",
  },
];

/**
 * Why nothing can be written at a path, if that is behind an error: SQLite says only that it could not open, share or
 * write a file.
 */
function unwritable(path: string, code: string): "EROFS" | "ENOSPC" | "EMFILE" | null {
  if (!/^SQLITE_(CANTOPEN|IOERR_SHM|IOERR_WRITE|IOERR_FSYNC)/.test(code)) return null;
  const directory = dirname(path);
  if (mayOpenNoMore(directory)) return "EMFILE";
  if (!existsSync(path)) return null;
  try {
    accessSync(directory, constants.W_OK);
    return statfsSync(directory).bavail === 0 ? "ENOSPC" : null;
  } catch {
    return "EROFS";
  }
}

/** Whether the process has all files open that it may: SQLite takes a few at once, one for the log and one to share. */
function mayOpenNoMore(directory: string): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < 4) opened.push(openSync(directory, "r"));
    return false;
  } catch (error) {
    return isOutOfFiles(error);
  } finally {
    opened.forEach(closeSync);
  }
}

/** Runs an action; errors of SQLite and of the file system become `StoreError`. */
export function inOurWords<Result>(path: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw toStoreError(path, error);
  }
}

/**
 * An error as a `StoreError`, if it is one of SQLite or the file system; other errors unchanged.
 * @param what is at the path, for the message
 */
export function toStoreError(path: string, error: unknown, what = "memory"): unknown {
  const code = sqliteCode(error) ?? (error as NodeJS.ErrnoException)?.code;
  if (error instanceof StoreError || typeof code !== "string") return error;
  const isMalformed = /malformed/.test((error as Error).message);
  const cause = isMalformed ? "SQLITE_CORRUPT" : (unwritable(path, code) ?? code);
  const meaning = meanings.find(({ match }) => match.test(cause));
  if (!meaning)
    return sqliteCode(error)
      ? storeError("store-failed", `The ${what} ${path} failed: ${(error as Error).message}`)
      : error;
  return storeError(meaning.code, `The ${what} ${path} ${meaning.advice} (${(error as Error).message})`);

  function storeError(name: string, message: string): StoreError {
    return new StoreError(name, message, { cause: error, details: { path, code } });
  }
}
