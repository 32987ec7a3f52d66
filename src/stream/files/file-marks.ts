/** Up to where the files of a source are read: the marks that hold once clips are kept. */
import type { SourceFile } from "../clip.ts";

interface MarkedFile {
  /** The mark that was given out last. */
  mark: SourceFile;
  /** Its length once it is known, and whether all of it could be read. */
  end: { readonly seconds: number; readonly whole: boolean } | null;
}

/** Rounding of times. Seconds. */
const rounding = 1e-4;

/** The marks of files while they are read. */
export class FileMarks {
  readonly #files = new Map<string, MarkedFile>();
  readonly #unchanged: readonly SourceFile[];
  /** Marks of files that are read and kept to their ends. */
  readonly #done: SourceFile[] = [];
  /** Marks that hold with the next clip that is kept. */
  #noted: SourceFile[] = [];

  /** @param known marks that hold already and may have another name by now */
  constructor(known: readonly SourceFile[] = []) {
    this.#unchanged = known;
  }

  /** A file is read from its mark on. */
  begin(mark: SourceFile): void {
    this.#files.set(mark.id, { mark: { ...mark, whole: false }, end: null });
  }

  /** These marks hold from the next clip on, such as those of texts that are read beside a file. */
  note(...marks: readonly SourceFile[]): void {
    this.#noted.push(...marks);
  }

  /** A file ends here, in its own time. @param whole whether all of it could be read */
  finish(id: string, seconds: number, whole: boolean): void {
    const file = this.#files.get(id);
    if (file) file.end = { seconds, whole };
  }

  /** The marks that change once everything before a moment of the timeline is kept. */
  at(seconds: number): SourceFile[] {
    const changed = this.#noted;
    this.#done.push(...this.#noted);
    this.#noted = [];
    for (const [id, file] of this.#files) {
      const mark = markAt(file, seconds - file.mark.startSeconds);
      if (mark.watchedSeconds === file.mark.watchedSeconds && mark.whole === file.mark.whole) continue;
      file.mark = mark;
      changed.push(mark);
      if (file.end === null || mark.watchedSeconds < file.end.seconds) continue;
      this.#done.push(mark);
      this.#files.delete(id);
    }
    return changed;
  }

  /** All marks, once all that was read is kept. */
  all(): SourceFile[] {
    const rest = [...this.#files.values()].map((file) => markAt(file, Number.POSITIVE_INFINITY));
    const read = [...this.#done, ...this.#noted, ...rest];
    const ids = new Set(read.map(({ id }) => id));
    return [...this.#unchanged.filter(({ id }) => !ids.has(id)), ...read];
  }
}

/** @param seconds of the file that are kept */
function markAt({ mark, end }: MarkedFile, seconds: number): SourceFile {
  if (end !== null && seconds >= end.seconds - rounding) {
    return { ...mark, watchedSeconds: Math.max(mark.watchedSeconds, end.seconds), whole: end.whole };
  }
  if (end === null && !Number.isFinite(seconds)) return mark;
  return { ...mark, watchedSeconds: Math.max(mark.watchedSeconds, seconds) };
}
