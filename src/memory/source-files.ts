/** Where the files of a stream lie: a matter of this machine, and no longer told once something of them was forgotten. */
import type { SourceFile } from "./records.ts";

/** Where a file lies from now on: one that is to be shown no more stays so. */
export function pathToKeep(
  file: SourceFile,
  before: Pick<SourceFile, "path"> | undefined,
): string | undefined {
  return before?.path === "" ? "" : file.path;
}

/** A file without where it lies. */
export function withoutPath({ path: _, ...file }: SourceFile): SourceFile {
  return file;
}
