/** Failures in a row at different places: one says something of its place, several say that what was asked is down. */

/** So many different places in a row, and it is down. */
export const mostInARow = 3;

/** Counts failures of one engine. */
export class FailuresInARow {
  readonly #places = new Set<string | number>();

  /** Notes a failure. @returns whether the engine is down */
  failed(place: string | number): boolean {
    return this.#places.add(place).size >= mostInARow;
  }

  /** Notes that it answered. */
  worked(): void {
    this.#places.clear();
  }
}
