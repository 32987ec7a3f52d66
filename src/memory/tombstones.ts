/**
 * Tombstones: what was forgotten, kept as hashes, so that an import does not bring it back.
 *
 * A tombstone is the request that forgot, without its words: streams, a person's name, the words of a query and the ids of
 * what went are hashes; times stay as they are. Whoever guesses a name can find it in them, and nothing else tells it.
 * Rows of an import are compared as forgetting compares what is kept, and where in doubt they are left out. A tombstone
 * that an export holds itself does not apply to its rows: they came after it.
 */
import type { WordSpace } from "../engine.ts";
import { sha256 } from "../util/hash.ts";
import { foldings } from "../util/letters.ts";
import { forgottenMessage, isShown, leftOutKept, type Meant, namelessFiles } from "./forget-request.ts";
import { foldName } from "./names.ts";
import type { ForgetRequest, MemoryRow, Tombstone } from "./records.ts";

type RowOf<Name extends MemoryRow["row"]> = Extract<MemoryRow, { row: Name }>;

/** What a request removed. */
export interface Removed {
  /** Ids of the streams that it was about. */
  readonly streams: readonly string[];
  readonly entries: readonly string[];
  readonly tasks: readonly string[];
  /** People and faces. */
  readonly people: readonly string[];
}

/** 64 bits, which are enough to tell items of one memory apart. */
const hashOf = (kind: "stream" | "person" | "word" | "id", text: string): string =>
  sha256(`taskmem ${kind} ${text}`).slice(0, 16);

/** The tombstone of a request. */
export function tombstoneOf(
  request: ForgetRequest,
  removed: Removed,
  words: WordSpace,
  atMs: number,
): Tombstone {
  const { person, query, entries, fromSeconds, toSeconds } = request;
  const bySpan = [person, query, entries].every((given) => given === undefined);
  const isNamed = request.streams !== undefined || bySpan;
  const ids = [...(bySpan ? [] : removed.entries), ...(entries ?? []), ...removed.tasks, ...removed.people];
  return {
    atMs,
    ...(entries === undefined && {
      ...(isNamed && { streams: removed.streams.map((id) => hashOf("stream", id)) }),
      ...(fromSeconds !== undefined && { fromSeconds }),
      ...(toSeconds !== undefined && { toSeconds }),
      ...(person !== undefined && { person: hashedName(person) }),
      ...(query !== undefined && {
        words: [...new Set(words.stems(query))].map((stem) => hashOf("word", stem)).sort(),
      }),
    }),
    ids: [...new Set(ids)].map((id) => hashOf("id", id)).sort(),
  };
}

/** The words of a text, as names are compared, in each of its spellings. */
const wordsOf = (text: string): string[][] =>
  foldings(foldName(text)).map((spelling) => spelling.match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []);

function hashedName(person: string): NonNullable<Tombstone["person"]> {
  const spellings = wordsOf(person);
  const hashes = spellings.map((parts) => hashOf("person", parts.join(" ")));
  return { words: Math.max(...spellings.map(({ length }) => length)), hashes: [...new Set(hashes)] };
}

function isNamed(text: string, { words, hashes }: NonNullable<Tombstone["person"]>): boolean {
  return wordsOf(text).some((parts) =>
    parts.some((_, at) => hashes.includes(hashOf("person", parts.slice(at, at + words).join(" ")))),
  );
}

/** What a tombstone describes, for the rows of one import. */
interface Buried {
  /** By stream and time alone. */
  readonly bySpan: boolean;
  readonly byText: boolean;
  readonly wholeStreams: boolean;
  /** Whether it is about a person in all streams. */
  readonly isWhole: boolean;
  readonly meant: Meant;
  readonly isStream: (id: string) => boolean;
  /** Whether a span of a stream overlaps it. */
  readonly holds: (stream: string, startSeconds: number, endSeconds: number) => boolean;
  readonly isId: (id: string) => boolean;
}

function buriedBy(tombstone: Tombstone, words: WordSpace): Buried {
  const { streams, fromSeconds, toSeconds, person, words: query } = tombstone;
  const ids = new Set(tombstone.ids);
  const named = streams && new Set(streams);
  const isStream = (id: string) => named?.has(hashOf("stream", id)) ?? true;
  const from = fromSeconds ?? Number.NEGATIVE_INFINITY;
  const to = toSeconds ?? Number.POSITIVE_INFINITY;
  const byText = person !== undefined || query !== undefined;
  const holdsWords = (text: string) => {
    const held = new Set(words.stems(text).map((stem) => hashOf("word", stem)));
    return query!.every((stem) => held.has(stem));
  };
  const bySpan = !byText && streams !== undefined;
  return {
    ...{ bySpan, byText, isStream },
    wholeStreams: bySpan && fromSeconds === undefined && toSeconds === undefined,
    isWhole:
      person !== undefined && [streams, fromSeconds, toSeconds, query].every((given) => given === undefined),
    meant: (texts, names) =>
      (person === undefined || [...texts, ...names].some((text) => isNamed(text, person))) &&
      (query === undefined || texts.some(holdsWords)),
    holds: (stream, start, end) => start < to && (end > from || start >= from) && isStream(stream),
    isId: (id) => ids.has(hashOf("id", id)),
  };
}

/** Names a tombstone: two of the same content are one. */
export const tombstoneKey = (tombstone: Tombstone): string => JSON.stringify(tombstone);

/**
 * Rows without what was forgotten: `null` in place of those that are left out, others without the part that was.
 * @param tombstones those of the memory that takes the rows
 */
export function withoutForgotten(
  rows: readonly MemoryRow[],
  tombstones: readonly Tombstone[],
  words: WordSpace,
): (MemoryRow | null)[] {
  const own = new Set(rows.flatMap((row) => (row.row === "forgotten" ? tombstoneKey(withoutKind(row)) : [])));
  const applying = tombstones.filter((tombstone) => !own.has(tombstoneKey(tombstone)));
  return applying.reduce<(MemoryRow | null)[]>(
    (left, tombstone) => bury(left, buriedBy(tombstone, words)),
    [...rows],
  );
}

/** The tombstone of a row. */
export function withoutKind({ row: _, ...tombstone }: RowOf<"forgotten">): Tombstone {
  return tombstone;
}

function bury(rows: readonly (MemoryRow | null)[], buried: Buried): (MemoryRow | null)[] {
  const { bySpan, byText, wholeStreams, isWhole, meant, isStream, holds, isId } = buried;
  const entryGoes = (entry: RowOf<"entry">) => {
    if (isId(entry.id)) return true;
    if (!holds(entry.stream, entry.startSeconds, entry.endSeconds)) return false;
    const { sources } = entry.evidence;
    const names = [...entry.speakers, ...sources.flatMap(({ text, speaker }) => [text, speaker ?? ""])];
    return bySpan || (byText && meant([entry.text], names));
  };
  const goneEntries = new Set<string>();
  const clipsOfGone = new Set<string>();
  const goneTasks = new Set<string>();
  const isTouched = (stream: string, clip: number) => clipsOfGone.has(JSON.stringify([stream, clip]));
  for (const row of rows) {
    if (row?.row === "entry" && entryGoes(row)) {
      goneEntries.add(row.id);
      clipsOfGone.add(JSON.stringify([row.stream, row.clip]));
    }
    if (bySpan && row?.row === "clip" && holds(row.stream, row.startSeconds, row.endSeconds))
      clipsOfGone.add(JSON.stringify([row.stream, row.clip]));
  }
  const keptClip = (row: RowOf<"clip">): RowOf<"clip"> | null => {
    if (bySpan && holds(row.stream, row.startSeconds, row.endSeconds)) return null;
    const shows =
      byText && row.observation !== null && isStream(row.stream) && isShown(row.observation, meant);
    if (shows && row.state !== "stored") return null;
    const observation = shows || isTouched(row.stream, row.clip) ? null : row.observation;
    const isBlank = byText && observation === null && row.failure !== null && isStream(row.stream);
    const failure = isBlank ? { ...row.failure!, message: forgottenMessage } : row.failure;
    return { ...row, observation, failure };
  };
  const taskGoes = ({ id, citations, stream, question, answer, feedback }: RowOf<"task">) =>
    isId(id) ||
    citations.some((cited) => isId(cited) || goneEntries.has(cited)) ||
    (wholeStreams && stream !== null && isStream(stream)) ||
    (byText &&
      (stream === null || isStream(stream)) &&
      meant(
        [question.text, ...question.options.map(({ text }) => text), answer, feedback?.correction ?? ""],
        [],
      ));
  for (const row of rows) if (row?.row === "task" && taskGoes(row)) goneTasks.add(row.id);
  const goneFor = ({ name, number }: RowOf<"person">) =>
    isWhole && meant([], [name ?? "", `person_${number}`]);
  const gonePeople = new Set(rows.flatMap((row) => (row?.row === "person" && goneFor(row) ? row.id : [])));
  const kept = (row: MemoryRow): MemoryRow | null => {
    switch (row.row) {
      case "stream": {
        if (wholeStreams && isStream(row.id)) return null;
        const request = isStream(row.id) ? {} : { streams: [] };
        const leftOut = leftOutKept(row, request, { meant, byText });
        const nameless = new Map(
          namelessFiles(row.id, row.files ?? [], request, { meant, byText }).map((file) => [file.id, file]),
        );
        const files = row.files?.map((file) => nameless.get(file.id) ?? file);
        return { ...row, leftOut, ...(files && { files }) };
      }
      case "entry":
        return goneEntries.has(row.id) ? null : row;
      case "clip":
        return keptClip(row);
      case "person":
        return isId(row.id) || goneFor(row) ? null : row;
      case "face": {
        const [from, to] = [row.atSeconds[0] ?? 0, row.atSeconds.at(-1) ?? 0];
        if (isId(row.id) || (bySpan && holds(row.stream, from, to))) return null;
        return [row.person, row.maybe].some((id) => id !== null && (isId(id) || gonePeople.has(id)))
          ? null
          : row;
      }
      case "policy":
        return (bySpan || byText) && isStream(row.stream) ? null : row;
      case "decision": {
        if (wholeStreams && row.clips.every(({ stream }) => isStream(stream))) return null;
        const counted =
          row.clips.some(({ stream, clip }) => isTouched(stream, clip)) ||
          (byText && row.clips.some(({ stream }) => isStream(stream)));
        if (!counted) return row;
        const { bySpeaker: _, ...others } = row;
        return { ...others, documents: 0, words: [] };
      }
      case "gap":
        return wholeStreams && isStream(row.stream) ? null : row;
      case "task":
        return goneTasks.has(row.id) ? null : row;
      case "adapter":
        return row.tasks.some((task) => goneTasks.has(task) || isId(task)) ? null : row;
      case "forgotten":
        return row;
    }
  };
  return rows.map((row) => row && kept(row));
}
