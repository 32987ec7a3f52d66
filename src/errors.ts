/**
 * The errors TaskMem throws: one base with a `code`, one subclass per boundary crossed.
 *
 * A message says what was expected, what came, and what to do. Facts are fields; the original is `cause`.
 * Wrong calls from code get `TypeError` or `RangeError` instead. What a model writes is data, never an error.
 */

export interface ErrorFacts {
  readonly cause?: unknown;
  /** What went wrong as data: paths, line numbers, statuses. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class TaskMemError extends Error {
  /** Stable, kebab-case, safe to match on: `file-missing`, `budget-spent`. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = facts.details ?? {};
  }
}

/** What the user asked for cannot be done as written: flags, environment, config file, missing program. */
export class ConfigError extends TaskMemError {}

/** The input is not what it should be: a broken file, a subtitle that does not parse, an export of another format. */
export class DataError extends TaskMemError {}

/** Something that computes outside the core failed. */
export class EngineError extends TaskMemError {
  /** HTTP status where there was one. */
  readonly status: number | undefined;
  /** Whether the same call may work later. */
  readonly isRetryable: boolean;

  constructor(
    code: string,
    message: string,
    facts: ErrorFacts & { readonly status?: number | undefined; readonly isRetryable?: boolean } = {},
  ) {
    super(code, message, facts);
    this.status = facts.status;
    this.isRetryable = facts.isRetryable ?? false;
  }
}

/** The memory could not be opened, read or written; what was acknowledged before is still there. */
export class StoreError extends TaskMemError {}
