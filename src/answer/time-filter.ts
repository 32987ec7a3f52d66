/** The part of each stream that a question's time leaves: "yesterday", "at 09:00", "after the dentist called". */
import type { Entries, Entry, StreamRecord } from "../memory/memory.ts";
import type { Question } from "../tasks/task.ts";
import { type Clock, formatMoment } from "../util/time.ts";
import { type AskedTime, askedTime, type Span, spansOf } from "./asked-time.ts";
import type { Reader } from "./reader.ts";

/** A span of one stream. */
export interface StreamSpan extends Span {
  readonly stream: string;
}

/** The time a question is about, on the clocks of the streams. */
export interface TimeAsked {
  readonly asked: {
    /** The question without its time. */
    readonly rest: string;
    /** "in" where what was true by then may answer. */
    readonly at: "in" | "beside";
    /** Whether the time may be what a memory speaks of. */
    readonly mayBeTold: boolean;
  };
  /** Spans of which something is remembered. */
  readonly spans: readonly StreamSpan[];
  /** Where nothing is remembered of that time, a sentence that names it and says what is. */
  readonly unknown: string | null;
}

interface TimeOptions {
  readonly memory: Pick<Entries, "entries" | "recall">;
  readonly reader: Reader;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  readonly asOfSeconds?: number;
  readonly nearSeconds?: number;
}

/** The time a question names, or `null` where it names none, no stream has a clock that tells it, or one was given. */
export async function timeOf(
  question: Question,
  records: readonly StreamRecord[],
  options: TimeOptions,
): Promise<TimeAsked | null> {
  if (options.nearSeconds !== undefined) return null;
  const asked = askedTime(question.text);
  if (asked === null) return aroundEvent(question.text, records, null, options);
  const spans: StreamSpan[] = [];
  const held: StreamSpan[] = [];
  const reaches: string[] = [];
  let named: string | null = null;
  for (const { id, clock } of records) {
    const reach = await reachOf(id, options);
    if (reach === null) continue;
    const { now, asOfSeconds } = options;
    const nowSeconds =
      asOfSeconds ?? (clock.kind === "wall" ? (now() - clock.originMs) / 1000 : reach.endSeconds);
    const own = spansOf(asked, { clock, ...reach, nowSeconds });
    if (own === null) continue;
    reaches.push(daysOf(reach, clock));
    named ??= dayNamed(asked, own, clock);
    for (const span of own) {
      spans.push({ ...span, stream: id });
      const { fromSeconds, toSeconds } = span;
      const [one] = await options.memory.entries({
        ...asOf(options),
        streams: [id],
        fromSeconds,
        toSeconds,
        limit: 1,
      });
      if (one) held.push({ ...span, stream: id });
    }
  }
  if (spans.length === 0 && reaches.length === 0) return null;
  if (asked.lastSeconds !== null) keepLatest(held, asked.lastSeconds, records);
  const unknown =
    held.length > 0
      ? null
      : `Nothing is remembered of ${named ?? `"${asked.words}"`}. Memory holds ${[...new Set(reaches)].sort().join(", ")}.`;
  const narrower = held.length > 0 ? await aroundEvent(asked.rest, records, held, options) : null;
  if (narrower) return narrower;
  const at = asked.relation === "in" && asked.lastSeconds === null ? "in" : "beside";
  return { asked: { rest: asked.rest, at, mayBeTold: asked.mayBeTold }, spans: held, unknown };
}

/** The days over which memory of a stream reaches, or the times on a clock without days. */
function daysOf(
  { startSeconds, endSeconds }: { readonly startSeconds: number; readonly endSeconds: number },
  clock: Clock,
): string {
  const [first, last] = [startSeconds, endSeconds].map((at) => formatMoment(at, clock).split(" ")[0]!);
  return first === last ? first! : `${first} to ${last}`;
}

const asOf = ({ asOfSeconds }: TimeOptions) => (asOfSeconds === undefined ? {} : { asOfSeconds });

/** The first and last moment of which a stream remembers something; `null` where that is nothing. */
async function reachOf(
  stream: string,
  { memory, ...options }: TimeOptions,
): Promise<{ readonly startSeconds: number; readonly endSeconds: number } | null> {
  const filter = { ...asOf({ memory, ...options }), streams: [stream], limit: 1 };
  const [oldest] = await memory.entries(filter);
  const [newest] = await memory.entries({ ...filter, newest: true });
  return oldest && newest ? { startSeconds: oldest.startSeconds, endSeconds: newest.endSeconds } : null;
}

/** Of the last minutes of streams with dates, keeps those of the streams that ended last. */
function keepLatest(spans: StreamSpan[], lastSeconds: number, records: readonly StreamRecord[]): void {
  const endOf = ({ stream, toSeconds }: StreamSpan) => {
    const clock = records.find(({ id }) => id === stream)?.clock;
    return clock?.kind === "wall" ? clock.originMs / 1000 + toSeconds : null;
  };
  const last = Math.max(...spans.map((span) => endOf(span) ?? Number.NEGATIVE_INFINITY));
  for (const span of [...spans]) {
    const end = endOf(span);
    if (end !== null && end < last - lastSeconds) spans.splice(spans.indexOf(span), 1);
  }
}

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** The day a time means, with its weekday, and the hours. */
function dayNamed(asked: AskedTime, [span]: readonly Span[], clock: Clock): string | null {
  if (asked.day === null || span === undefined) return null;
  const moment = formatMoment(
    span.fromSeconds + (asked.ofDay?.at == null ? 0 : span.atSeconds! - span.fromSeconds),
    clock,
  );
  const [day, time] = moment.split(" ") as [string, string];
  const weekday =
    clock.kind === "wall"
      ? ` (a ${weekdays[new Date(clock.originMs + span.fromSeconds * 1000).getUTCDay()]})`
      : "";
  const until = formatMoment(span.toSeconds, clock).split(" ")[1]!.slice(0, 5);
  const hours = asked.ofDay === null ? "" : ` from ${time.slice(0, 5)} to ${until}`;
  return `${day}${weekday}${hours}`;
}

const beside =
  /\b(?:(?:right |just |shortly |immediately |soon )?(before|after)|(?:kurz )?(vor|nach|bevor|nachdem)|(avant|apr[eè]s)|(antes|despu[eé]s) de|(prima|dopo)(?: di| che)?)\s+((?:the |my |our |his |her |their |we |i |he |she |they |der |die |das |dem |le |la |l['’]|el |il )?\p{L}[^?.!,]*?)\s*[?.!,]*$/iu;

/** What came before or after an event: the rest of its day, or of the stream, on the side asked for. */
async function aroundEvent(
  text: string,
  records: readonly StreamRecord[],
  within: readonly StreamSpan[] | null,
  { memory, reader, ...options }: TimeOptions,
): Promise<TimeAsked | null> {
  const match = beside.exec(text);
  if (!match || !reader.find) return null;
  const event = match[6]!;
  // "before that" and "the one before" ask for an earlier value, not for a time.
  if (/^(?:that|this|it|now|then|the (?:current|latest|last|one|new|change)\b)/i.test(event)) return null;
  const filter = asOf({ memory, reader, ...options });
  const found = await Promise.all(
    (within ?? [null]).map((span) =>
      memory.recall({
        ...filter,
        ...{ text: event, limit: 30, streams: span === null ? records.map(({ id }) => id) : [span.stream] },
        ...(span && { fromSeconds: span.fromSeconds, toSeconds: span.toSeconds }),
      }),
    ),
  );
  const clocks = new Map<string, Clock>(records.map(({ id, clock }) => [id, clock]));
  const entry = reader.find(event, found.flat(), clocks);
  if (entry === null) return null;
  const isBefore = /^(?:before|vor|bevor|avant|antes|prima)$/i.test(match.slice(1, 6).find(Boolean) ?? "");
  const clock = clocks.get(entry.stream) ?? { kind: "media" as const };
  // "After lunch I took a nap" is itself of the time after lunch.
  const isOfIt = entry.text.toLowerCase().includes(match[0].replace(/[\s?.!,]+$/, "").toLowerCase());
  const beginning = isOfIt
    ? { ...entry, startSeconds: entry.endSeconds, endSeconds: entry.startSeconds }
    : entry;
  const span = isBefore ? beforeEntry(beginning, clock) : afterEntry(beginning, clock);
  const near = await nearestTo(entry, span, isBefore, { memory, ...filter });
  const rest = `${text
    .slice(0, match.index)
    .trim()
    .replace(/[,;:]$/, "")}?`;
  const asked = { rest, at: "beside" as const, mayBeTold: isOfIt };
  return near === null
    ? {
        asked,
        spans: [],
        unknown: `Nothing is remembered of that day ${isBefore ? "before" : "after"} this: ${entry.text}`,
      }
    : { asked, spans: [near], unknown: null };
}

const daySeconds = 86_400;

function dayOf(seconds: number, clock: Clock): { readonly from: number; readonly to: number } {
  if (clock.kind === "media") return { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const origin = clock.kind === "wall" ? clock.originMs / 1000 : 0;
  const from = Math.floor((seconds + origin) / daySeconds) * daySeconds - origin;
  return { from, to: from + daySeconds };
}

const beforeEntry = (entry: Entry, clock: Clock) => ({
  from: dayOf(entry.startSeconds, clock).from,
  to: entry.startSeconds,
});
const afterEntry = (entry: Entry, clock: Clock) => ({
  from: entry.endSeconds,
  to: dayOf(entry.startSeconds, clock).to,
});

/** Most entries beside an event that are looked at: what lies further is no longer "after lunch". */
const mostBeside = 12;

/** The span of the entries next to an event on one side; `null` where there are none. */
async function nearestTo(
  { stream }: Entry,
  { from, to }: { readonly from: number; readonly to: number },
  isBefore: boolean,
  { memory, asOfSeconds }: { readonly memory: Pick<Entries, "entries">; readonly asOfSeconds?: number },
): Promise<StreamSpan | null> {
  const entries = await memory.entries({
    streams: [stream],
    ...(Number.isFinite(from) && { fromSeconds: from }),
    ...(Number.isFinite(to) && { toSeconds: to }),
    ...(asOfSeconds !== undefined && { asOfSeconds }),
    ...(isBefore && { newest: true }),
    limit: mostBeside,
  });
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) return null;
  return {
    stream,
    fromSeconds: Math.max(from, first.startSeconds),
    toSeconds: Math.min(to, last.endSeconds + 0.001),
    atSeconds: isBefore ? last.endSeconds : first.startSeconds,
  };
}
