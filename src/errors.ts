/**
 * The errors TaskMem throws: one base with a `code`, one subclass per boundary crossed.
 *
 * For a wrong argument the message says what was expected, what came, and what to do; otherwise it says the state and
 * the way out. Facts are fields; the original error is `cause`. None of them holds a key or a password. Wrong calls
 * from code get `TypeError` or `RangeError` instead. What a model writes is data, never an error.
 */

import { maskedCause, maskedMessage, maskedValue } from "./util/secrets.ts";

/** Facts of an error besides its message. */
export interface ErrorFacts {
  readonly cause?: unknown;
  /** Facts as data: paths, line numbers, statuses. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The base of every error that TaskMem throws on purpose. */
export class TaskMemError extends Error {
  /** Stable, kebab-case, safe to match on: `file-missing`, `budget-spent`. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, facts: ErrorFacts = {}) {
    super(
      maskedMessage(message),
      facts.cause === undefined ? undefined : { cause: maskedCause(facts.cause) },
    );
    this.name = new.target.name;
    this.code = code;
    this.details = maskedValue(facts.details ?? {}, maskedMessage);
  }
}

/** The request cannot be carried out as written: flags, environment, config file, a missing program. */
export class ConfigError extends TaskMemError {}

/** The input is wrong: a broken file, a subtitle that does not parse, an export in another format. */
export class DataError extends TaskMemError {}

/** Something that computes outside the core failed. */
export class EngineError extends TaskMemError {
  /** HTTP status, if there was one. */
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

/** Codes of requests that an engine refused for what they hold; it will refuse the same one again. */
const refusalCodes: readonly string[] = ["bad-request", "context-overflow"];

/** Whether an error, or a failure as it was kept, is an engine's refusal of one request. */
export function isRefusal(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && refusalCodes.includes(code);
}

/** The memory could not be opened, read or written; what was acknowledged before is still there. */
export class StoreError extends TaskMemError {}

/** Every error code with its meaning. A code is never reused for another meaning. */
export const errorCodes = {
  "adapter-base": "The adapter was trained on other weights than the policy writes with.",
  "adapter-empty": "The adapter adds nothing.",
  "adapter-ignored": "A probe shows that the server does not apply the adapter.",
  "adapter-invalid": "The file is not an adapter, or its values do not fit its space.",
  "adapter-mismatch": "The adapter belongs to another model.",
  "adapter-missing": "No adapter is at that path, or none was named.",
  "adapter-remote": "An engine holds the adapter's numbers, so nothing can be computed with them here.",
  "adapter-space": "The adapter belongs to another space than the policy or the other adapter.",
  "adapter-unknown": "Memory holds no adapter with that id.",
  "adapter-unsupported": "The model does not take an adapter with a request.",
  "adapter-write": "The adapter's file could not be written.",
  "annotations-cut": "A benchmark's annotations end in the middle of a value.",
  "annotations-missing": "A benchmark's annotations are not in the folder.",
  "annotations-unreadable": "A benchmark's annotations are not in the format they are published in.",
  "apart-impossible": "Parts that only this process has cannot be sent to a separate process.",
  "bad-request": "The endpoint refused the request, and will refuse it again.",
  "bad-response": "The endpoint's answer could not be used.",
  "base-url-invalid": "The base URL is not an http or https URL, or contains a user or a password.",
  "blob-damaged": "A picture's bytes do not match their hash.",
  "blob-missing": "A picture that memory or an export refers to is missing.",
  "blobs-elsewhere": "The pictures of the memory are in another place than the one that is named.",
  "blobs-key-missing": "The pictures are in a bucket, and no key of it is set.",
  "blobs-refused": "The bucket of the pictures refuses a request.",
  "blobs-unreachable": "The server of the pictures cannot be reached.",
  "budget-spent": "The next call would exceed the given budget.",
  "canary-streams": "There are no two streams to compare an adapter on, or it is active for all of them.",
  "checkpoint-broken": "The checkpoint of a training run is missing or cannot be used.",
  "clip-decided": "The clip was stored, or failed for good, so its observation no longer changes.",
  "clip-seconds-invalid": "The length of a clip is not a number above 0.",
  "clip-unknown": "The stream has no such clip.",
  "clips-few": "The demo's films are too short to ask about.",
  "clock-invalid": "The stream's clock is not of a known kind.",
  "config-invalid": "Options have invalid values; the message names each.",
  "config-unreadable": "The configuration file could not be loaded.",
  "confirm-invalid": "The token does not confirm this call: something else would be removed.",
  "context-overflow": "The prompt is longer than the model's context.",
  "cursor-invalid": "The cursor belongs to another list or filter, or is not a cursor.",
  "cut-failed": "ffmpeg could not cut the recording.",
  "decode-failed": "ffmpeg's output could not be read.",
  "dimension-mismatch": "The embedding model returns vectors of another length than configured.",
  "directory-taken": "The directory already holds something else.",
  "disk-full": "The disk is full; what was acknowledged is kept.",
  "embedder-broken": "The embedder returned too few vectors, or vectors of the wrong length.",
  "encoder-failed": "The sentence encoder of this process failed; the next text starts it again.",
  "engine-down": "The engine stopped answering during a run, which can be resumed.",
  "entry-unknown": "Memory holds no entry with that id.",
  "expected-missing": "It was not said what the right answer is, or when it was said or shown.",
  "export-format": "The file is not an export of a memory.",
  "export-target": "The export cannot be written there.",
  "export-version": "The export was written by another version.",
  "face-finder-failed": "What finds faces in pictures failed, or its thread ended.",
  "face-unknown": "Memory holds no face with that id.",
  "fact-empty": "The fact to remember is empty.",
  "feedback-invalid": "Feedback needs a task and a verdict on its answer.",
  "file-empty": "The file is empty.",
  "file-missing": "No file is at that path.",
  "file-unreadable": "The file could not be read, or has the wrong content.",
  "files-spent": "The process has all files open that it may.",
  "flags-invalid": "Flags have invalid values, or exclude each other.",
  "folder-empty": "The folder holds nothing to watch.",
  "forget-what": "The request does not say what to forget.",
  "group-unknown": "The benchmark has no such group of questions.",
  "import-missing": "No export is at that path.",
  "input-invalid": "The input of a verb has wrong fields; the message names each.",
  "item-invalid": "A pushed item cannot be kept.",
  "job-empty": "There is nothing to train or to try on: too few questions, no stream, or no preference.",
  "job-impossible": "The trainer that a job is for cannot train that.",
  "job-invalid": "A job's file does not describe a job.",
  "job-result-broken": "A file of a trainer's result cannot be read.",
  "job-result-missing": "A job was not run yet, or a folder holds no result of a trainer.",
  "judge-unknown": "No judge has that name.",
  "key-unknown": "The server has no such key.",
  "keys-broken": "The file of the server's keys cannot be read.",
  "keys-missing": "The address can be reached by others, and no key is asked for.",
  "kind-invalid": "The kind of an entry is neither episodic nor semantic.",
  "kind-unknown": "The household has no such kind of fact.",
  "learning-failed": "Learning in a separate process failed.",
  "lease-lost": "Another process took over the stream.",
  "material-missing": "The benchmark's videos are not in the folder.",
  "media-unreadable": "ffmpeg cannot read the medium.",
  "memory-missing": "No memory is in the directory.",
  "memory-url-invalid": "The URL of a memory in Postgres has wrong parts.",
  "method-unknown": "No training method has that name.",
  "model-damaged": "A model's bytes do not match their hash; nothing was kept.",
  "model-files-missing": "The package or the directory does not hold the files of the model.",
  "model-missing": "The command needs a model, and none is configured.",
  "model-source-invalid": "The text names no release of a registry.",
  "model-taken": "Another release is already pulled under that name.",
  "model-unknown": "No model has that name, or the registry has no such release.",
  "model-unreadable": "The model cannot be loaded by llama.cpp, or has no chat template.",
  "models-lock-broken": "The list of pulled models could not be read.",
  "moment-invalid": "The text is not a moment.",
  "no-device": "The device that nano should run on is missing.",
  "no-images": "The model does not take pictures.",
  "nothing-watched": "There is no clip to train on.",
  "number-invalid": "The flag needs a number in its range.",
  "option-unknown": "An option or filter has an unknown key.",
  "options-few": "A multiple-choice question has fewer than two options.",
  "options-many": "A multiple-choice question has more options than letters.",
  "order-unknown": "The order of a benchmark's questions is neither official nor seeded:<n>.",
  "package-missing": "An optional package is needed and not installed; the message has its install line.",
  "package-unreadable": "The package of a model could not be unpacked.",
  "people-invalid": "A change of people does not say what it is to change, or cannot be made.",
  "people-met": "Two people who were in one picture cannot be merged.",
  "people-nothing-to-undo": "No change of people is left to undo.",
  "people-undo-order": "A later change of the same people must be undone first.",
  "person-unknown": "Memory knows no person of that number.",
  "piece-outside": "A part of a recording lies outside it.",
  "policy-unknown": "No policy has that name, or the command does not take it.",
  "policy-untrainable": "The policy cannot be trained in this process.",
  "port-taken": "The port is not free, or may not be used.",
  "program-missing": "A program is not installed; the message has its install line.",
  "program-unstartable": "A program cannot be started: out of files, processes or memory.",
  "prompt-template-invalid": "A prompt template has wrong or missing places; the message names each.",
  "question-empty": "The question is empty.",
  "questions-missing": "There are no questions to ask.",
  "queue-missing": "No queue was named whose streams workers watch.",
  "queue-unreachable": "The Postgres of the queue cannot be used.",
  "quota-spent": "The endpoint's account has no quota left.",
  "rate-limited": "The endpoint takes no more requests at the moment.",
  "recipe-unknown": "No recipe of training has that name.",
  "redirect-refused": "The endpoint redirects to another host, or in a way that would lose the request.",
  "reference-missing": "The trainer keeps no reference weights, which a KL penalty needs.",
  "registry-answer": "The registry answered something else than a release.",
  "render-failed": "ffmpeg could not write the household's video.",
  "results-damaged": "The results of a run could not be read.",
  "root-missing": "The folder of the benchmark's files was not named, or is missing.",
  "row-conflict": "An imported row contradicts what memory holds.",
  "row-invalid": "A row of the text file has wrong fields.",
  "row-malformed": "A row of the export has wrong fields.",
  "row-unknown": "The benchmark has no row of that name.",
  "run-broken": "The state of the run could not be read.",
  "run-busy": "Another process writes the directory of the run.",
  "run-differs": "The directory holds a run with other settings.",
  "run-exists": "The directory already holds a run. Resume it, or name another directory.",
  "run-missing": "No run was named, or none is at that path.",
  "run-unreadable": "The directory holds no readable run.",
  "runs-unwritable": "The folder of the runs cannot be written.",
  "runtime-missing":
    "A local model needs llama.cpp, which was not pulled, is another release, or has no build for this machine.",
  "scope-unknown": "The server's keys have no such scope.",
  sealed: "An answerer tried to read more than memory.",
  "sealed-read-failed": "Memory failed while an answerer was reading it.",
  "seed-invalid": "The random seed is not a whole number.",
  "session-closed": "The live session was closed.",
  "share-invalid": "A share is not a number from 0 to 1.",
  "source-down": "The live source cannot be reached.",
  "source-missing": "No source to watch was named.",
  "sources-mixed": "The sources cannot be combined into one stream.",
  "space-invalid": "The text cannot name a space.",
  "space-mismatch": "Memory is indexed with another word space or embedder.",
  "space-unknown": "The server has no such space.",
  "speaker-finder-failed": "What tells voices apart failed, or its thread ended.",
  "speaker-unknown": "Memory knows no one of that name.",
  "speech-failed": "What hears words failed, or its thread or process ended.",
  "store-busy": "Another process has locked the memory.",
  "store-closed": "The memory was closed.",
  "store-corrupt": "The memory's file is damaged.",
  "store-failed": "SQLite failed for another reason.",
  "store-foreign": "The file is a database, but not a memory.",
  "store-io": "The disk failed.",
  "store-missing": "There is no memory to read.",
  "store-newer": "A newer version wrote the memory.",
  "store-read-only": "The memory's file, directory or disk is read-only.",
  "store-replaced": "The memory's file was deleted, moved or replaced while it was open.",
  "store-unopenable": "The memory cannot be opened or created at that path.",
  "store-unreachable": "The server of the memory cannot be reached; what was acknowledged is kept.",
  "stream-busy": "Another process watches the stream.",
  "stream-changed": "Another stream was watched under that name.",
  "stream-id-invalid": "The stream has no name.",
  "stream-paused": "The stream is paused.",
  "stream-unknown": "Memory holds no stream of that name.",
  "stream-watched": "The stream is watched, and facts have a stream of their own.",
  "subtitles-unreadable": "The subtitles could not be parsed.",
  "task-unknown": "Memory holds no task with that id.",
  "text-encoding": "The bytes of a text file look like no language in any known encoding.",
  "text-reader-failed": "What reads print in pictures failed, or its thread ended.",
  timeout: "The endpoint did not answer in time.",
  "torch-missing": "No Python with torch is set up; the message has the command that does it.",
  "torch-setup-failed": "The Python environment for torch could not be made.",
  "trainer-inert": "A training step changed nothing.",
  unauthorized: "The endpoint refused the key.",
  unavailable: "The endpoint failed for now; a later call may succeed.",
  "unknown-model": "The endpoint has no such model, or no such path.",
  unreachable: "The endpoint could not be reached, or the connection was lost.",
  "updates-invalid": "The numbers of questions at updates are not whole and rising.",
  "variant-unknown": "The benchmark has no such variant.",
  "voice-finder-failed": "What finds voices in sound failed, or its thread ended.",
  "watch-unknown": "No stream of that name is given to workers.",
  "weights-broken": "The file does not hold weights of this model.",
  "weights-missing": "No weights are at that path.",
  "worker-bad-picture": "A picture of a prompt cannot be read.",
  "worker-bad-request": "The worker in Python refused a request.",
  "worker-broken-file": "A saved state of training cannot be read.",
  "worker-context-overflow": "A prompt is longer than the model in a folder reads.",
  "worker-failed": "A thread that computes gradients failed.",
  "worker-internal": "The worker in Python failed; its log says how.",
  "worker-lost": "The process that runs a model ended or did not answer in time.",
  "worker-other-adapter":
    "Low-rank matrices do not fit the model, or come with more than such matrices beside linear layers.",
  "worker-other-training": "A saved state is of another model or of other settings.",
  "worker-out-of-memory": "A single item does not fit into the memory that a model in a folder has.",
  "worker-unknown-context": "The worker in Python was not sent the prompt that a request names.",
  "worker-unsupported-model": "The worker in Python cannot run or train this model.",
  "zip-unreadable": "The zip could not be read.",
} as const;

/** An error code of TaskMem. */
export type ErrorCode = keyof typeof errorCodes;

/** Whether an error is TaskMem's and, where a code is given, has that code. */
export function isTaskMemError<Code extends ErrorCode>(
  error: unknown,
  code?: Code,
): error is TaskMemError & { readonly code: Code } {
  return error instanceof TaskMemError && (code === undefined || error.code === code);
}
