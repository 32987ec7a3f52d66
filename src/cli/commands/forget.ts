/** `taskmem forget`: removes memories and everything derived from them, and reports it. */
import { ConfigError } from "../../errors.ts";
import type { ForgetRequest } from "../../memory/memory.ts";
import { didYouMean } from "../../util/nearest.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { openFor } from "../open.ts";

interface ForgetFlags {
  readonly stream?: string[];
  readonly from?: string;
  readonly to?: string;
  readonly person?: string;
  readonly query?: string;
  readonly entry?: string[];
  readonly dryRun?: boolean;
}

export async function run(invocation: Invocation): Promise<void> {
  const { output, options } = invocation;
  const { stream, from, to, person, query, entry, dryRun = false } = options as ForgetFlags;
  if ([stream, from, to, person, query, entry].every((given) => given === undefined)) {
    throw new ConfigError(
      "forget-what",
      "Say what to forget: --stream, --from, --to, --person, --query or --entry",
    );
  }
  await using memory = await openFor(invocation, { mustExist: true });
  const streams = await memory.streams(stream);
  const request: ForgetRequest = {
    ...(stream && { streams: stream }),
    ...(from !== undefined && { fromSeconds: momentFlag("--from", from, streams) }),
    ...(to !== undefined && { toSeconds: momentFlag("--to", to, streams) }),
    ...(person !== undefined && { person }),
    ...(query !== undefined && { query }),
    ...(entry && { entries: entry }),
  };
  const report = await memory.forget(request, { dryRun });
  output.object({ event: "forget-end", ...report });
  output.text(
    `${dryRun ? "would forget" : "forgot"} ${report.entries} entries, ${report.clips} clips, ${report.tasks} questions, ${report.gaps} gaps, ${report.blobs} blobs (${report.blobBytes} bytes)`,
  );
  if (person !== undefined && report.entries === 0) {
    const names = await memory.store.speakers();
    output.note(
      `no memory is spoken by or names ${person}. ${didYouMean(person, names)}It knows ${names.join(", ") || "no names"}.`,
    );
  }
  for (const line of report.outOfReach) output.text(output.dim(line));
  for (const { id, text } of report.sample) output.text(output.dim(`  ${id}  ${text}`));
  if (dryRun && report.entries + report.clips > 0) output.text("run it again without --dry-run to do it");
}
