/** What was left out of memory, and why a memory holds nothing, in sentences for people. */
import { wholeFloor } from "../memory/floor.ts";
import type { ClipFailure, Entries, FloorRow, Journal, LeftOut, StreamRecord } from "../memory/memory.ts";

/** Most lines of one kind, so that a folder of notes does not hide a missing transcriber. */
const linesOfKind = 3;

/** What the items of a kind are called where they are only counted. */
const nouns: { readonly [Kind in LeftOut["kind"]]: string } = {
  ...{
    source: "sources",
    file: "files",
    damaged: "damaged parts",
    track: "tracks",
    overlap: "overlaps",
    link: "links",
  },
  ...{ sound: "sounds", picture: "pictures", text: "texts" },
};

/** An item as one sentence. */
export function leftOutText({ name, reason }: LeftOut): string {
  return name === null || reason.includes(name) ? reason : `${name}: ${reason}`;
}

/** The items as lines: the first of each kind, and how many more there are. */
export function leftOutLines(items: readonly LeftOut[]): string[] {
  return [...Map.groupBy(items, ({ kind }) => kind)].flatMap(([kind, ofKind]) => {
    const shown = ofKind.length <= linesOfKind + 1 ? ofKind : ofKind.slice(0, linesOfKind);
    const more = ofKind.length - shown.length;
    return [...shown.map(leftOutText), ...(more > 0 ? [`And ${more} more ${nouns[kind]}.`] : [])];
  });
}

/**
 * Why nothing is remembered of some streams, or, without streams, at all, in lines; `null` if something is.
 * @param asOfSeconds only what had ended by this moment of stream time counts
 */
export async function whyNothing(
  memory: Pick<Journal, "floor" | "clipFailures"> & Pick<Entries, "entries">,
  records: readonly StreamRecord[],
  asOfSeconds?: number,
): Promise<readonly string[] | null> {
  const asOf = asOfSeconds === undefined ? {} : { asOfSeconds };
  const empty: EmptyStream[] = [];
  for (const stream of records) {
    const streams = [stream.id];
    const [entry] = await memory.entries({ streams, ...asOf, limit: 1 });
    if (entry) return null;
    const failures = (await memory.clipFailures(stream.id)).map(({ failure }) => failure);
    const rows = await memory.floor({ streams, ...asOf });
    empty.push({ stream, failures, floor: rows.length > 0 ? wholeFloor(rows) : null });
  }
  return whyEmpty(empty);
}

/** A stream without entries. */
export interface EmptyStream {
  readonly stream: Pick<StreamRecord, "id" | "leftOut">;
  /** Its clips that failed. */
  readonly failures: readonly Pick<ClipFailure, "message">[];
  /** What is known of it; `null` for texts. */
  readonly floor: Pick<FloorRow, "text"> | null;
}

/** Most streams that are spoken of one by one. */
const mostStreams = 3;

/** Why these streams hold nothing, or, without streams, why the memory does; and what can be done about it. */
export function whyEmpty(streams: readonly EmptyStream[]): readonly string[] {
  if (streams.length === 0)
    return ["This memory is empty: nothing was watched yet. `taskmem watch <source>` fills it."];
  const more = streams.length - mostStreams;
  return [
    ...streams.slice(0, mostStreams).flatMap(whyEmptyStream),
    ...(more > 0 ? [`Nor is anything remembered of ${more} more streams.`] : []),
  ];
}

function whyEmptyStream({ stream: { id, leftOut }, failures, floor }: EmptyStream): string[] {
  const failure = failures.at(-1);
  const failed = `${failures.length} of its clips could not be remembered: ${failure?.message} Watch it again to retry.`;
  const reasons = [...(failure ? [failed] : []), ...leftOutLines(leftOut)];
  return [
    `Nothing is remembered of ${id}${floor ? ` but this: ${floor.text}` : "."}`,
    ...(reasons.length > 0 ? reasons : ["What was watched held nothing that the policy keeps."]),
  ];
}
