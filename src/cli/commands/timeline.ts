/** `taskmem timeline`: what is remembered, in time order, with the gaps. */
import { assertSpeakers } from "../../answer/known-speakers.ts";
import { leftOutLines, whyNothing } from "../../answer/left-out.ts";
import { ConfigError } from "../../errors.ts";
import type { Entry, EntryKind, FloorRow, Gap, StreamRecord } from "../../memory/memory.ts";
import type { Timeline } from "../../taskmem.ts";
import { oneLine } from "../../util/plain-text.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";
import type { Output } from "../output.ts";

interface TimelineFlags {
  readonly stream?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly speaker?: string[];
  readonly kind?: string;
  readonly limit?: number;
  readonly closed?: boolean;
}

export async function run(invocation: Invocation): Promise<void> {
  const { output, options } = invocation;
  const { stream, from, to, speaker, kind, limit, closed } = options as TimelineFlags;
  if (kind !== undefined && kind !== "episodic" && kind !== "semantic") {
    throw new ConfigError("kind-invalid", `Expected --kind to be episodic or semantic, got ${kind}`);
  }
  await using memory = await openFor(invocation, { mustExist: true, readOnly: "if-needed" });
  const named = await memory.streams(stream);
  const timeline = await memory.timeline({
    ...(stream && { streams: stream }),
    ...(from !== undefined && { fromSeconds: momentFlag("--from", from, named) }),
    ...(to !== undefined && { toSeconds: momentFlag("--to", to, named) }),
    ...(speaker && { speakers: speaker }),
    ...(kind !== undefined && { kinds: [kind as EntryKind] }),
    ...(limit !== undefined && { limit }),
    ...(closed && { includeClosed: true }),
  });
  for (const entry of timeline.entries) output.object(entry);
  for (const row of timeline.floor) output.object(asEntry(row));
  if (!output.json) printTimeline(output, timeline);
  if (timeline.entries.length === 0) await assertSpeakers(memory.store, speaker);
  const why = timeline.entries.length > 0 ? null : await whyNothing(memory.store, timeline.streams);
  const lines =
    timeline.entries.length > 0
      ? timeline.streams.flatMap(leftOutOf)
      : (why ?? ["nothing is remembered here"]);
  for (const line of lines) output.note(line);
}

/** A row of the floor with the fields of an entry, so that what reads entries reads it too. */
const asEntry = ({ look, ...row }: FloorRow) => {
  const { startSeconds, endSeconds } = row;
  const evidence = { clips: [], startSeconds, endSeconds, frames: [], sources: [], tiers: {} };
  return { ...row, speakers: [], policy: "floor", revision: "floor@1", evidence, closed: null, look };
};

const leftOutOf = ({ id, leftOut }: StreamRecord) =>
  leftOutLines(leftOut).map((line) => `left out of ${id}: ${line}`);

function printTimeline(output: Output, { entries, floor, gaps, streams }: Timeline): void {
  for (const { id, clock } of streams) {
    const own = entries.filter(({ stream }) => stream === id);
    const unwatched = gaps.filter(({ stream }) => stream === id);
    const lines = [
      ...own.map((entry) => ({ at: entry.startSeconds, line: entryLine(entry, clock) })),
      ...floor
        .filter(({ stream }) => stream === id)
        .map((row) => ({ at: row.startSeconds, line: output.dim(floorLine(row, clock)) })),
      ...unwatched.map((gap) => ({ at: gap.startSeconds, line: output.dim(gapLine(gap, clock)) })),
    ].sort((a, b) => a.at - b.at);
    if (lines.length === 0) continue;
    output.text(output.bold(id));
    for (const { line } of lines) output.text(`  ${line}`);
  }
}

function gapLine({ startSeconds, endSeconds, detail }: Gap, clock: Clock): string {
  return `${formatMoment(startSeconds, clock)}  — not watching until ${formatMoment(endSeconds, clock)}: ${detail}`;
}

function floorLine({ startSeconds, text }: FloorRow, clock: Clock): string {
  return `${formatMoment(startSeconds, clock)}  — nothing remembered: ${text}`;
}

function entryLine(entry: Entry, clock: Clock): string {
  const marks = [
    entry.kind === "semantic" ? "known" : null,
    entry.closed ? `closed: ${entry.closed.reason}` : null,
  ].filter((mark) => mark !== null);
  return `${formatMoment(entry.startSeconds, clock)}  ${oneLine(entry.text)}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
}
