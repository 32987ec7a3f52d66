/**
 * The errors TaskMem throws: one base with a `code`, one subclass per boundary crossed.
 *
 * A message says what was expected, what came, and what to do. Facts are fields; the original is `cause`.
 * Wrong calls from code get `TypeError` or `RangeError` instead. What a model writes is data, never an error.
 */

/** What an error carries besides its message. */
export interface ErrorFacts {
  readonly cause?: unknown;
  /** What went wrong as data: paths, line numbers, statuses. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The base of every error that TaskMem throws on purpose. */
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

/** Every code an error of TaskMem may have, with what it means. A code is never reused for something else. */
export const errorCodes = {
  "adapter-base": "The adapter was trained on other weights than the policy writes with.",
  "adapter-empty": "The adapter would hold no weight.",
  "adapter-invalid": "The file is no adapter, or its values do not fit its space.",
  "adapter-mismatch": "The adapter is not of the model it is given to.",
  "adapter-missing": "No adapter is at that path, or none was named.",
  "adapter-remote": "An engine holds the adapter; its numbers are not here.",
  "adapter-space": "The adapter belongs to another space than the policy or the other adapter.",
  "adapter-unknown": "Memory holds no adapter of that id.",
  "adapter-unsupported": "The model takes no adapter with a request.",
  "adapter-write": "The adapter's file could not be written.",
  "annotations-cut": "A benchmark's annotations end in the middle of a value.",
  "annotations-missing": "A benchmark's annotations are not in the folder.",
  "annotations-unreadable": "A benchmark's annotations are not in the format they are published in.",
  "apart-impossible": "Parts that only this process has cannot be handed to another.",
  "bad-request": "The endpoint refused the request as it is; the same one will be refused again.",
  "bad-response": "The endpoint's answer could not be used.",
  "base-url-invalid": "The base URL is no http or https URL, or holds a user or a password.",
  "blob-damaged": "A picture's bytes do not have the hash they are kept under.",
  "blob-missing": "A picture that memory or an export refers to is not there.",
  "budget-spent": "The next call would pass the budget that was given.",
  "checkpoint-broken": "The checkpoint could not be read.",
  "clip-decided": "The clip is stored, or failed for good; what was observed of it no longer changes.",
  "clip-seconds-invalid": "The length of a clip is a number above 0.",
  "clip-unknown": "The stream has no such clip.",
  "clips-few": "The demo's films are too short to ask about.",
  "clock-invalid": "The stream's clock is none of the kinds there are.",
  "config-invalid": "Options do not have the values they may have; each is named.",
  "config-unreadable": "The configuration file could not be loaded.",
  "cursor-invalid": "The cursor belongs to another list or filter, or is none.",
  "cut-failed": "ffmpeg could not cut the recording.",
  "decode-failed": "ffmpeg's output could not be read.",
  "dimension-mismatch": "The embedding model gives vectors of another length than said.",
  "directory-taken": "The directory already holds something else.",
  "disk-full": "The disk is full; what was acknowledged is kept.",
  "embedder-broken": "The embedder gave too few vectors, or some of another length.",
  "engine-down": "The engine stopped answering in the middle of a run, which can be resumed.",
  "entry-unknown": "Memory holds no entry of that id.",
  "export-format": "The file is no export of a memory.",
  "export-target": "The export cannot be written there.",
  "export-version": "The export was written by another version.",
  "fact-empty": "The fact to remember is empty.",
  "feedback-invalid": "Feedback needs a task and whether its answer was right.",
  "file-empty": "The file is empty.",
  "file-missing": "No file is at that path.",
  "file-unreadable": "The file could not be read, or does not hold what it should.",
  "flags-invalid": "The command has no such flag, or flags have wrong values or do not go together.",
  "folder-empty": "The folder holds nothing to watch.",
  "forget-what": "Nothing was named that should be forgotten.",
  "group-unknown": "The benchmark has no such group of questions.",
  "import-missing": "No export is at that path.",
  "item-invalid": "A pushed item cannot be kept.",
  "judge-unknown": "No judge has that name.",
  "kind-invalid": "Entries are episodic or semantic.",
  "kind-unknown": "The household has no such kind of fact.",
  "learning-failed": "Learning in a process of its own failed.",
  "lease-lost": "Another process took over the stream.",
  "material-missing": "The benchmark's videos are not in the folder.",
  "media-unreadable": "ffmpeg cannot read the medium.",
  "memory-missing": "No memory is in the directory.",
  "method-unknown": "No training method has that name.",
  "model-missing": "The command needs a model, and none is configured.",
  "moment-invalid": "The text names no moment.",
  "no-device": "The device that nano should run on is not there.",
  "no-images": "The model sees no pictures.",
  "number-invalid": "The flag needs a number in its range.",
  "option-unknown": "An option or filter has a key that is not known.",
  "options-few": "A multiple-choice question needs two options.",
  "options-many": "A multiple-choice question has more options than letters.",
  "order-unknown": "The order of a benchmark's questions is official or seeded:<n>.",
  "package-missing": "An optional package is needed and not installed; the message has its install line.",
  "piece-outside": "A part of a recording lies outside it.",
  "policy-unknown": "No policy has that name, or none that the command takes.",
  "policy-untrainable": "The policy is not trained in this process.",
  "program-missing": "A program is not installed; the message has its install line.",
  "question-empty": "The question is empty.",
  "questions-missing": "There are no questions to ask.",
  "quota-spent": "The endpoint's account has no quota left.",
  "rate-limited": "The endpoint takes no more requests for now.",
  "reference-missing": "The trainer keeps no weights that a KL penalty could hold it to.",
  "render-failed": "ffmpeg could not write the household's video.",
  "results-damaged": "The results of a run could not be read.",
  "root-missing": "The folder of the benchmark's files was not named, or is not there.",
  "row-conflict": "An imported row contradicts what memory holds.",
  "row-invalid": "A row of the text file does not have the fields it should.",
  "row-malformed": "A row of the export does not have the fields it should.",
  "row-unknown": "The benchmark has no row of that name.",
  "run-broken": "The state of the run could not be read.",
  "run-differs": "The directory holds a run with other settings.",
  "run-exists": "The directory holds a run already; resume it or name another.",
  "run-missing": "No run was named, or none is at that path.",
  "run-unreadable": "The directory holds no run that could be read.",
  "runs-unwritable": "The folder of the runs cannot be written.",
  sealed: "An answerer reached for more than memory.",
  "sealed-read-failed": "Memory failed while an answerer read it.",
  "seed-invalid": "The random seed is not a whole number.",
  "session-closed": "The live session was closed.",
  "share-invalid": "A share is a number from 0 to 1.",
  "source-down": "The live source cannot be reached.",
  "source-missing": "No source to watch was named.",
  "sources-mixed": "The sources cannot be watched as one stream.",
  "space-mismatch": "Memory is indexed with another word space or embedder.",
  "speaker-unknown": "Memory holds no one of that name.",
  "store-busy": "Another process has locked the memory.",
  "store-closed": "The memory was closed.",
  "store-corrupt": "The memory's file is damaged.",
  "store-failed": "SQLite failed for a reason of its own.",
  "store-foreign": "The file is a database, but no memory.",
  "store-io": "The disk failed.",
  "store-missing": "No memory is there to be read.",
  "store-newer": "A newer version wrote the memory.",
  "store-older": "The memory must be brought to this version, and was opened to be read only.",
  "store-read-only": "The memory's file, directory or disk is read-only.",
  "store-unopenable": "The memory cannot be opened or created at that path.",
  "stream-busy": "Another process watches the stream.",
  "stream-changed": "The stream is not the one that was watched under that name.",
  "stream-id-invalid": "A stream needs a name.",
  "stream-unknown": "Memory holds no stream of that name.",
  "stream-watched": "Facts have a stream of their own; this one is watched.",
  "subtitles-unreadable": "The subtitles could not be parsed.",
  "task-unknown": "Memory holds no task of that id.",
  timeout: "The endpoint did not answer in time.",
  "trainer-inert": "A training step changed nothing.",
  unauthorized: "The endpoint refused the key.",
  unavailable: "The endpoint has a failure that may pass.",
  "unknown-model": "The endpoint has no such model, or no such path.",
  unreachable: "The endpoint could not be reached, or the connection was lost.",
  "updates-invalid": "The numbers of questions between updates are whole and rise.",
  "variant-unknown": "The benchmark has no such variant.",
  "weights-broken": "The file holds no weights, or weights of another model.",
  "weights-missing": "No weights are at that path.",
  "worker-failed": "A thread that computes gradients failed.",
  "zip-unreadable": "The zip could not be read.",
} as const;

/** A code an error of TaskMem may have. */
export type ErrorCode = keyof typeof errorCodes;

/** Whether an error is TaskMem's and, where a code is given, has that code. */
export function isTaskMemError<Code extends ErrorCode>(
  error: unknown,
  code?: Code,
): error is TaskMemError & { readonly code: Code } {
  return error instanceof TaskMemError && (code === undefined || error.code === code);
}
