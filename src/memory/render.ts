/**
 * Memory as text, for readers: the only renderer.
 *
 * Descriptions come in time order in blocks, one per clip, under the span they cover on the stream's own clock. Gaps
 * stand between them at their times. Knowledge follows, one item per line. Entries hold words of strangers, so an entry
 * is always one line: no text can pass for another entry or a heading.
 *
 * Departures from the paper's form (arXiv 2605.31075): 1. A block's span is that of its entries, not a multiple of the
 * clip length, so a short last clip keeps its true end. 2. Ids in brackets lead entries by default, so that an answer
 * can cite them.
 */
import { countTokens as estimatedTokens } from "../util/count-tokens.ts";
import { type Clock, formatMoment } from "../util/time.ts";
import type { Entry, FloorRow, Gap, RecalledEntry } from "./memory.ts";

/** How memory is rendered. */
export interface RenderOptions {
  /** Clock of each stream, by id. @default seconds from the start */
  readonly clocks?: ReadonlyMap<string, Clock>;
  readonly gaps?: readonly Gap[];
  /** What is known of the recording. @default nothing */
  readonly floor?: readonly FloorRow[];
  /** Most tokens of the text; the best-scored entries that fit are kept. @default unlimited */
  readonly tokenBudget?: number;
  /** Counts the tokens of a text. @default an estimate (`util/count-tokens.ts`) */
  readonly countTokens?: (text: string) => number;
  /** Whether an id in brackets leads each entry; `false` gives the paper's plain form. @default true */
  readonly ids?: boolean;
}

export const descriptionHeading = "Description:";
export const knowledgeHeading = "Knowledge:";
export const recordingHeading = "Recording:";
export const gapMark = "not watching";

/** The text of recalled entries; empty if there are none. */
export function renderMemory(recalled: readonly RecalledEntry[], options: RenderOptions = {}): string {
  const { entries, gaps, floor } = withinBudget(recalled, options);
  const episodic = entries.filter(({ kind }) => kind === "episodic");
  const semantic = inTimeOrder(entries.filter(({ kind }) => kind === "semantic"));
  const streams = [...new Set([...episodic, ...gaps].map(({ stream }) => stream))].sort();
  const described = streams.flatMap((stream) => {
    const blocks = streamBlocks(
      episodic.filter((entry) => entry.stream === stream),
      gaps.filter((gap) => gap.stream === stream),
      options,
    );
    return streams.length > 1 ? [`Stream ${oneLine(stream)}`, ...blocks] : blocks;
  });
  const known = semantic.map((entry) => entryLine(entry, options));
  return [
    ...(described.length > 0 ? [descriptionHeading, ...described] : []),
    ...(known.length > 0 ? [[knowledgeHeading, ...known].join("\n")] : []),
    ...(floor.length > 0
      ? [[recordingHeading, ...floor.map((row) => floorLine(row, options))].join("\n")]
      : []),
  ].join("\n\n");
}

/** A span such as `00:00:10-00:00:20`. On a clock with days the day is given once: `DAY2 11:09:40-11:09:50`. */
export function formatSpan(startSeconds: number, endSeconds: number, clock: Clock): string {
  const start = formatMoment(startSeconds, clock);
  const end = formatMoment(endSeconds, clock);
  const day = start.slice(0, start.lastIndexOf(" ") + 1);
  return `${start}-${end.startsWith(day) ? end.slice(day.length) : end}`;
}

/** Blocks of one stream in time order: a clip's entries, or a gap. */
function streamBlocks(entries: readonly Entry[], gaps: readonly Gap[], options: RenderOptions): string[] {
  const clips = Map.groupBy(inTimeOrder(entries), ({ clip }) => clip);
  const blocks = [...clips.values()].map((ofClip) => ({
    startSeconds: ofClip[0]!.startSeconds,
    text: [
      spanLine(ofClip, options),
      ofClip.map((entry) => entryLine(entry, options)).join(options.ids === false ? " " : "\n"),
    ].join("\n"),
  }));
  const unwatched = gaps.map((gap) => ({ startSeconds: gap.startSeconds, text: gapBlock(gap, options) }));
  return [...blocks, ...unwatched].sort((a, b) => a.startSeconds - b.startSeconds).map(({ text }) => text);
}

function spanLine(entries: readonly Entry[], { clocks }: RenderOptions): string {
  const start = Math.min(...entries.map(({ startSeconds }) => startSeconds));
  const end = Math.max(...entries.map(({ endSeconds }) => endSeconds));
  return formatSpan(start, end, clockOf(entries[0]!.stream, clocks));
}

function entryLine({ id, text, closed }: Entry, { ids }: RenderOptions): string {
  const until = closed ? ` (no longer so: ${oneLine(closed.reason)})` : "";
  return `${ids === false ? "" : `[${id}] `}${oneLine(text)}${until}`;
}

function floorLine(
  { id, stream, startSeconds, endSeconds, text }: FloorRow,
  { clocks, ids }: RenderOptions,
): string {
  const span = formatSpan(startSeconds, endSeconds, clockOf(stream, clocks));
  return `${ids === false ? "" : `[${id}] `}${oneLine(stream)} ${span}: ${text}`;
}

function gapBlock(gap: Gap, { clocks }: RenderOptions): string {
  const span = formatSpan(gap.startSeconds, gap.endSeconds, clockOf(gap.stream, clocks));
  return `${span}\n${gapMark}: ${oneLine(gap.detail)}`;
}

const clockOf = (stream: string, clocks: RenderOptions["clocks"]): Clock =>
  clocks?.get(stream) ?? { kind: "media" };

const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();

function inTimeOrder(entries: readonly Entry[]): Entry[] {
  return [...entries].sort(
    (a, b) =>
      (a.stream < b.stream ? -1 : a.stream > b.stream ? 1 : 0) ||
      a.startSeconds - b.startSeconds ||
      (a.id < b.id ? -1 : 1),
  );
}

/** The best entries, then the gaps, then the recordings, that fit. Each counts with its own lines, so the total is never underestimated. */
export function withinBudget(
  recalled: readonly RecalledEntry[],
  options: RenderOptions,
): { readonly entries: Entry[]; readonly gaps: Gap[]; readonly floor: FloorRow[] } {
  const {
    gaps = [],
    floor = [],
    tokenBudget = Number.POSITIVE_INFINITY,
    countTokens = estimatedTokens,
  } = options;
  let left = tokenBudget - countTokens(`${descriptionHeading} ${knowledgeHeading}`);
  const streams = new Set([
    ...recalled.map(({ entry }) => entry.stream),
    ...gaps.map(({ stream }) => stream),
  ]);
  if (streams.size > 1) for (const stream of streams) left -= countTokens(`Stream ${stream}`);
  const blocks = new Set<string>();
  const entries: Entry[] = [];
  for (const { entry } of [...recalled].sort((a, b) => b.score.total - a.score.total)) {
    const block = JSON.stringify([entry.stream, entry.clip]);
    const isNew = entry.kind === "episodic" && !blocks.has(block);
    const cost =
      countTokens(entryLine(entry, options)) + (isNew ? countTokens(spanLine([entry], options)) : 0);
    if (cost > left) continue;
    left -= cost;
    if (isNew) blocks.add(block);
    entries.push(entry);
  }
  const fits = (text: string) => {
    const cost = countTokens(text);
    if (cost > left) return false;
    left -= cost;
    return true;
  };
  const fitting = gaps.filter((gap) => fits(gapBlock(gap, options)));
  return { entries, gaps: fitting, floor: floor.filter((row) => fits(floorLine(row, options))) };
}
