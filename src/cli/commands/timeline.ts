/** `taskmem timeline`: what is remembered, in time order, gaps shown. */

import { chosenStreams, openConfiguredMemory } from "../../assembly.ts";
import { loadConfig } from "../../config.ts";
import { ConfigError } from "../../errors.ts";
import type { Entry, EntryKind } from "../../memory/memory.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";

interface TimelineFlags {
  readonly stream?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly speaker?: string[];
  readonly kind?: string;
  readonly limit?: number;
  readonly closed?: boolean;
}

export async function run({ output, flags, configFile, options }: Invocation): Promise<void> {
  const { stream, from, to, speaker, kind, limit, closed } = options as TimelineFlags;
  if (kind !== undefined && kind !== "episodic" && kind !== "semantic") {
    throw new ConfigError("kind-invalid", `Expected --kind to be episodic or semantic, got ${kind}`);
  }
  const config = await loadConfig(flags, { file: configFile });
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    const streams = await chosenStreams(memory, stream);
    const span = {
      ...(stream && { streams: stream }),
      ...(from !== undefined && { fromSeconds: momentFlag("--from", from, streams) }),
      ...(to !== undefined && { toSeconds: momentFlag("--to", to, streams) }),
    };
    const entries = await memory.entries({
      ...span,
      ...(speaker && { speakers: speaker }),
      ...(kind !== undefined && { kinds: [kind as EntryKind] }),
      ...(limit !== undefined && { limit, newest: true }),
      ...(closed && { includeClosed: true }),
    });
    for (const entry of entries) output.object(entry);
    if (output.json) return;
    const gaps = await memory.gaps(span);
    for (const { id, clock } of streams) {
      const lines = [
        ...entries
          .filter((entry) => entry.stream === id)
          .map((entry) => ({ at: entry.startSeconds, line: entryLine(entry, clock) })),
        ...gaps
          .filter((gap) => gap.stream === id)
          .map((gap) => ({
            at: gap.startSeconds,
            line: output.dim(
              `${formatMoment(gap.startSeconds, clock)}  — not watching until ${formatMoment(gap.endSeconds, clock)}: ${gap.detail}`,
            ),
          })),
      ].sort((a, b) => a.at - b.at);
      if (lines.length === 0) continue;
      output.text(output.bold(id));
      for (const { line } of lines) output.text(`  ${line}`);
    }
    if (entries.length === 0) output.note("nothing is remembered here");
  } finally {
    await memory.close();
  }
}

function entryLine(entry: Entry, clock: Clock): string {
  const marks = [
    entry.kind === "semantic" ? "known" : null,
    entry.closed ? `closed: ${entry.closed.reason}` : null,
  ].filter((mark) => mark !== null);
  return `${formatMoment(entry.startSeconds, clock)}  ${entry.text}${marks.length > 0 ? ` (${marks.join(", ")})` : ""}`;
}
