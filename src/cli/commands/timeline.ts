/** `taskmem timeline`: what is remembered, in time order, with the gaps. */
import { ConfigError } from "../../errors.ts";
import type { Entry, EntryKind, Gap } from "../../memory/memory.ts";
import type { Timeline } from "../../taskmem.ts";
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
  await using memory = await openFor(invocation, { mustExist: true });
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
  if (!output.json) printTimeline(output, timeline);
}

function printTimeline(output: Output, { entries, gaps, streams }: Timeline): void {
  for (const { id, clock } of streams) {
    const own = entries.filter(({ stream }) => stream === id);
    const unwatched = gaps.filter(({ stream }) => stream === id);
    const lines = [
      ...own.map((entry) => ({ at: entry.startSeconds, line: entryLine(entry, clock) })),
      ...unwatched.map((gap) => ({ at: gap.startSeconds, line: output.dim(gapLine(gap, clock)) })),
    ].sort((a, b) => a.at - b.at);
    if (lines.length === 0) continue;
    output.text(output.bold(id));
    for (const { line } of lines) output.text(`  ${line}`);
  }
  if (entries.length === 0) output.note("nothing is remembered here");
}

function gapLine({ startSeconds, endSeconds, detail }: Gap, clock: Clock): string {
  return `${formatMoment(startSeconds, clock)}  — not watching until ${formatMoment(endSeconds, clock)}: ${detail}`;
}

function entryLine(entry: Entry, clock: Clock): string {
  const marks = [
    entry.kind === "semantic" ? "known" : null,
    entry.closed ? `closed: ${entry.closed.reason}` : null,
  ].filter((mark) => mark !== null);
  return `${formatMoment(entry.startSeconds, clock)}  ${entry.text}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
}
