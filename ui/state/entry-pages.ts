/** The memories of a timeline, page by page as they come into sight. Each page is found by its own cursor, in any order. */
import type { Entry, Gap } from "./api.ts";

/** Entries of a page; all pages but the last are full. */
export const pageSize = 100;

/** When memories begin, and how many. */
export interface Counts {
  readonly stretchSeconds: number;
  readonly counts: readonly { readonly startSeconds: number; readonly entries: number }[];
}

export class EntryPages {
  readonly total: number;
  readonly #cursors: readonly string[];
  readonly #load: (cursor: string | undefined) => Promise<readonly Entry[]>;
  readonly #changed: () => void;
  readonly #pages = new Map<number, readonly Entry[]>();
  readonly #loading = new Map<number, Promise<void>>();

  /**
   * @param before pages of the same timeline, as it was
   * @param changed called when more is there to be drawn
   */
  constructor(
    { entries, cursors }: { readonly entries: number; readonly cursors: readonly string[] },
    load: (cursor: string | undefined) => Promise<readonly Entry[]>,
    changed: () => void,
    before?: EntryPages,
  ) {
    this.total = entries;
    this.#cursors = cursors;
    this.#load = load;
    this.#changed = changed;
    // A full page between the same two cursors holds the same.
    for (const [page, held] of before ? before.#pages : []) {
      const isSame = page < cursors.length && before!.#cursors[page] === cursors[page];
      if (isSame && before!.#cursors[page - 1] === cursors[page - 1]) this.#pages.set(page, held);
    }
  }

  /** The entry at a place, if its page is there. */
  at(index: number): Entry | undefined {
    return this.#pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** Loads the pages of some places. */
  async ensure(first: number, end: number): Promise<void> {
    const pages: Promise<void>[] = [];
    const last = Math.min(end, this.total) - 1;
    for (let page = Math.floor(first / pageSize); page <= Math.floor(last / pageSize); page += 1)
      if (!this.#pages.has(page)) pages.push(this.#ensurePage(page));
    await Promise.all(pages);
  }

  #ensurePage(page: number): Promise<void> {
    const loading =
      this.#loading.get(page) ??
      this.#load(this.#cursors[page - 1]).then(
        (entries) => {
          this.#pages.set(page, entries);
          this.#loading.delete(page);
          this.#changed();
        },
        (error) => {
          this.#loading.delete(page);
          throw error;
        },
      );
    this.#loading.set(page, loading);
    return loading;
  }

  /** Place of the first entry that begins at or after a moment; the last place if none does. */
  async placeAt(seconds: number, { counts, stretchSeconds }: Counts): Promise<number> {
    if (this.total === 0) return 0;
    const earlier = counts
      .filter((one) => one.startSeconds + stretchSeconds <= seconds)
      .reduce((sum, { entries }) => sum + entries, 0);
    for (let index = earlier; index < this.total; index += 1) {
      await this.ensure(index, index + 1);
      if ((this.at(index)?.startSeconds ?? Number.POSITIVE_INFINITY) >= seconds - 1e-6) return index;
    }
    return this.total - 1;
  }

  /** Place of an entry that begins at a moment, by its id; that of the moment if it is not there. */
  async placeOf(id: string, seconds: number, counts: Counts): Promise<number> {
    const first = await this.placeAt(seconds, counts);
    for (let index = first; index < Math.min(this.total, first + 3 * pageSize); index += 1) {
      await this.ensure(index, index + 1);
      const entry = this.at(index);
      if (entry?.entry === id) return index;
      if (entry && entry.startSeconds > seconds + 1e-6) break;
    }
    return first;
  }
}

/** Gaps between two neighbours in a list; `before` is undefined for the first. */
export function gapsBetween(gaps: readonly Gap[], before: Entry | undefined, entry: Entry): readonly Gap[] {
  const from = before?.startSeconds ?? Number.NEGATIVE_INFINITY;
  return gaps.filter((gap) => gap.startSeconds >= from && gap.startSeconds < entry.startSeconds);
}
