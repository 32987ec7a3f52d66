/**
 * Checks requests to a memory before anything is read: a misspelt key would be ignored, and an ignored filter returns
 * what belongs to others.
 */

import { ConfigError, DataError } from "../errors.ts";
import { didYouMean, edits } from "../util/nearest.ts";
import type {
  AdapterFilter,
  EntryFilter,
  EntryList,
  FloorFilter,
  ForgetRequest,
  GapFilter,
  OverviewOptions,
  PageFilters,
  PageOptions,
  RecallQuery,
  StreamRecord,
  TaskList,
} from "./records.ts";

/** Every key of a type, once. */
export type Keys<T> = { readonly [Key in keyof Required<T>]: true };

const span: Keys<GapFilter> = { streams: true, fromSeconds: true, toSeconds: true };
const entryFilter: Keys<EntryFilter> = {
  ...span,
  kinds: true,
  asOfSeconds: true,
  writtenByMs: true,
  speakers: true,
  clips: true,
  includeClosed: true,
};
const floorFilter: Keys<FloorFilter> = { ...span, asOfSeconds: true };
const taskList: Keys<TaskList> = { limit: true, newest: true };
const entryList: Keys<EntryList> = { ...entryFilter, ...taskList };
const recallQuery: Keys<RecallQuery> = {
  ...entryFilter,
  text: true,
  meant: true,
  nearSeconds: true,
  aboutSpeakers: true,
  limit: true,
  mode: true,
};
const forgetRequest: Keys<ForgetRequest> = { ...span, person: true, query: true, entries: true };
const adapterFilter: Keys<AdapterFilter> = { policy: true, state: true };
const pageFilters: { readonly [List in keyof PageFilters]: Keys<PageFilters[List]> } = {
  entries: entryFilter,
  tasks: { streams: true },
  clips: { streams: true, states: true },
  adapters: adapterFilter,
};
const pageOptions: Keys<PageOptions> = { cursor: true, limit: true };
const overviewOptions: Keys<OverviewOptions> = { limit: true, stretchSeconds: true };
const changesOptions = { since: true, signal: true } as const;

/** Checks of the arguments of each call. */
export const strict = {
  entries: (filter: EntryList) => assertKeys("entries", filter, entryList),
  recall: (query: RecallQuery) => assertKeys("recall", query, recallQuery),
  floor: (filter: FloorFilter) => assertKeys("floor", filter, floorFilter),
  gaps: (filter: GapFilter) => assertKeys("gaps", filter, span),
  tasks: (filter: TaskList) => assertKeys("tasks", filter, taskList),
  adapters: (filter: AdapterFilter) => assertKeys("adapters", filter, adapterFilter),
  forget: (request: ForgetRequest, options: { readonly dryRun?: boolean }) => {
    assertKeys("forget", request, forgetRequest);
    assertKeys("forget", options, { dryRun: true });
  },
  changes: (options: object) => assertKeys("changes", options, changesOptions),
  overview: (filter: EntryFilter, options: OverviewOptions) => {
    assertKeys("overview", filter, entryFilter);
    assertKeys("overview", options, overviewOptions);
    const { limit = 1, stretchSeconds = 1 } = options;
    if (!(Number.isInteger(limit) && limit >= 1))
      throw new RangeError(`Expected \`limit\` to be an integer from 1 up, got ${limit}`);
    if (!(stretchSeconds > 0 && Number.isFinite(stretchSeconds)))
      throw new RangeError(`Expected \`stretchSeconds\` above 0, got ${stretchSeconds}`);
  },
  page: (list: keyof PageFilters, filter: object, options: PageOptions) => {
    const known = Object.hasOwn(pageFilters, list) ? pageFilters[list] : undefined;
    if (!known) {
      throw new ConfigError(
        "option-unknown",
        `Expected a list of ${Object.keys(pageFilters).join(", ")}, got ${JSON.stringify(list)}`,
      );
    }
    assertKeys(`page("${list}")`, filter, known);
    assertKeys("page", options, pageOptions);
    const { limit = 1 } = options;
    if (!(Number.isInteger(limit) && limit >= 1))
      throw new RangeError(`Expected \`limit\` to be an integer from 1 up, got ${limit}`);
  },
};

/** Keys that hold lists: a plain text would match letter by letter. */
const lists = new Set(["streams", "kinds", "speakers", "aboutSpeakers", "clips", "entries", "states"]);

/**
 * Refuses an object with a key that its reader does not know.
 * @param call name of the call, for the message
 * @param known object with the known keys
 * @throws ConfigError `option-unknown` that names the key, the nearest known key and all known keys; TypeError if a
 * list was expected
 */
export function assertKeys(call: string, given: object, known: Readonly<Record<string, true>>): void {
  for (const [key, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, key)) throw unknownOption(call, key, Object.keys(known));
    if (lists.has(key) && value !== undefined && !Array.isArray(value))
      throw new TypeError(`Expected \`${key}\` of ${call} to be a list, got ${JSON.stringify(value)}`);
  }
}

function unknownOption(call: string, key: string, keys: readonly string[]): ConfigError {
  const meant = nearest(key, keys);
  const hint = meant ? `: did you mean \`${meant}\`?` : ".";
  return new ConfigError(
    "option-unknown",
    `${call} has no option \`${key}\`${hint} There are ${keys.map((one) => `\`${one}\``).join(", ")}.`,
    { details: { call, key, meant, keys } },
  );
}

/** The known key that is spelled most like the given one, if it is near enough or begins alike; otherwise `null`. */
function nearest(key: string, keys: readonly string[]): string | null {
  const given = key.toLowerCase();
  const [best] = keys
    .map((other) => ({ other, known: other.toLowerCase() }))
    .map(({ other, known }) => ({ other, known, away: edits(given, known) }))
    .filter(
      ({ known, away }) =>
        away <= Math.max(1, Math.floor(known.length / 3)) || known.startsWith(given.slice(0, 4)),
    )
    .sort((a, b) => a.away - b.away);
  return best?.other ?? null;
}

/** Checks that the named streams exist. @throws DataError `stream-unknown` that names the streams there are */
export function assertStreams(named: readonly string[] | undefined, held: readonly string[]): void {
  const unknown = named?.find((stream) => !held.includes(stream));
  if (unknown === undefined) return;
  throw new DataError(
    "stream-unknown",
    `Expected a stream of this memory, got ${unknown}. ${didYouMean(unknown, held)}It holds ${held.join(", ") || "none"}.`,
    { details: { stream: unknown, streams: held } },
  );
}

/** The last moment a `Date` can hold, in milliseconds. */
const lastMs = 8.64e15;

/** Checks a stream to add. @throws ConfigError `stream-id-invalid`, `clip-seconds-invalid` or `clock-invalid` */
export function assertStream({
  id,
  clipSeconds,
  clock,
}: Pick<StreamRecord, "id" | "clipSeconds" | "clock">): void {
  if (typeof id !== "string" || id.trim() === "") {
    throw new ConfigError("stream-id-invalid", `Expected a stream to have a name, got ${JSON.stringify(id)}`);
  }
  if (!(Number.isFinite(clipSeconds) && clipSeconds > 0)) {
    throw new ConfigError(
      "clip-seconds-invalid",
      `Expected \`clipSeconds\` of ${id} to be a number above 0, got ${clipSeconds}`,
    );
  }
  const isClock =
    clock?.kind === "media" ||
    clock?.kind === "day" ||
    (clock?.kind === "wall" && Number.isFinite(clock.originMs) && Math.abs(clock.originMs) <= lastMs);
  if (isClock) return;
  throw new ConfigError(
    "clock-invalid",
    `Expected the clock of ${id} to be {kind: "media"}, {kind: "day"} or {kind: "wall", originMs: milliseconds since 1970}, got ${JSON.stringify(clock)}`,
  );
}
