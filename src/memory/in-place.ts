/**
 * Whether the files at a memory's paths are still the ones that were opened.
 *
 * A file that was deleted or replaced stays writable for whoever has it open, so everything written afterwards would be
 * acknowledged and gone with the process. SQLite looks at the database's own file only when it is closed, and never at
 * the write-ahead log.
 */
import { renameSync, statSync } from "node:fs";
import { StoreError } from "../errors.ts";

/** The files of one open memory. */
export interface InPlace {
  /** @throws StoreError `store-replaced` if a file was deleted, moved or replaced */
  assert(): void;
  /** Runs the close of a connection, so that it touches no log that another process has put in place of the own. */
  closing(close: () => void): void;
}

/** Remembers which files are at the paths now: the database and its log, which SQLite keeps while it is open. */
export function inPlace(file: string): InPlace {
  const log = `${file}-wal`;
  const opened = [file, log].map((path) => ({ path, identity: identityOf(path) }));
  const isThere = (path: string) => identityOf(path) === opened.find((one) => one.path === path)!.identity;
  return {
    assert: () => {
      const gone = opened.find(({ path }) => !isThere(path));
      if (!gone) return;
      throw new StoreError(
        "store-replaced",
        `${gone.path} was deleted, moved or replaced while this process had it open, so nothing more is written. What was kept in the last minutes may be lost. Stop all processes that use this memory, and put the file back if you have it.`,
        { details: { path: gone.path } },
      );
    },
    closing: (close) => {
      // Closing writes the own log into the database and deletes any log at the path, unless the database has
      // moved (SQLite's databaseIsUnmoved).
      const isForeign = identityOf(log) !== null && !isThere(log) && isThere(file);
      if (!isForeign) return close();
      const aside = `${file}.${process.pid}.closing`;
      renameSync(file, aside);
      try {
        close();
      } finally {
        renameSync(aside, file);
      }
    },
  };
}

function identityOf(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}` : null;
}
