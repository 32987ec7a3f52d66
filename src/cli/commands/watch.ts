/** `taskmem watch`: a stream becomes memories, printed as they are written. */
import type { SourceStatusEvent, StreamEnd, WatchEvent } from "../../agent.ts";
import { leftOutLines, whyNothing } from "../../answer/left-out.ts";
import { loadConfig } from "../../config.ts";
import { costText } from "../../engine.ts";
import type { RetriedClips } from "../../memory/memory.ts";
import { paceText } from "../../perception/pace.ts";
import { openConfiguredSources } from "../../taskmem/assembly.ts";
import { lostEncoder } from "../../taskmem/encoder.ts";
import { keptOfPeople } from "../../taskmem/people.ts";
import type { TaskMem } from "../../taskmem.ts";
import { oneLine } from "../../util/plain-text.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import type { Invocation } from "../invocation.ts";
import { openConfigured } from "../open.ts";
import { counted, exitCodes, type Output } from "../output.ts";

interface WatchFlags {
  readonly stream?: string;
  readonly subtitles?: string;
  readonly textKind?: "speech" | "caption";
  readonly takeOver?: boolean;
  readonly retryFailed?: boolean;
}

export async function run(invocation: Invocation, specs: string[]): Promise<number> {
  const { output, flags, configFile, signal, options } = invocation;
  const { stream, subtitles, textKind, takeOver = false, retryFailed = false } = options as WatchFlags;
  const config = await loadConfig(flags, { file: configFile });
  // Before the memory: a source that cannot be read leaves none behind.
  const sources = await openConfiguredSources(config, specs, {
    ...(stream !== undefined && { id: stream }),
    ...(subtitles !== undefined && { subtitles }),
    ...(textKind !== undefined && { textKind }),
    signal,
    onStatus: (status) =>
      printStatus(output, { event: "source-status", ...status, stream: stream ?? status.stream }),
  });
  await using memory = await openConfigured(invocation, config);
  const lost = await lostEncoder(config);
  if (lost !== null)
    output.note(`what is written is compared by its words until meanings can be: ${lost.why}`);
  if (config.people) output.note(keptOfPeople(config.memory));
  let exitCode: number = exitCodes.done;
  for (const source of sources) {
    let end: StreamEnd | undefined;
    const show = watchPrinter(output, source);
    for await (const event of memory.watch(source, { takeOver, retryFailed, signal })) {
      show(event);
      if (event.event === "stream-end") end = event;
    }
    if (!output.json) for (const line of await endLines(memory, end!)) output.note(`  ${line}`);
    exitCode = exitCodeOfEnd(end!) || exitCode;
    if (end!.reason !== "ended") break;
  }
  return exitCode;
}

/** What is said at the end: what was left out, or why nothing is remembered. */
async function endLines(memory: TaskMem, { stream, leftOut }: StreamEnd): Promise<readonly string[]> {
  const why = await whyNothing(memory.store, await memory.streams([stream]));
  return why === null ? leftOutLines(leftOut).map((line) => `left out: ${line}`) : why;
}

function exitCodeOfEnd({ reason, leftOut }: StreamEnd): number {
  if (reason === "budget-spent") return exitCodes.budget;
  if (reason === "engine-down") return exitCodes.engine;
  if (reason === "interrupted") return exitCodes.interrupted;
  return leftOut.some(({ kind }) => kind === "damaged") ? exitCodes.damaged : exitCodes.done;
}

/** What `--retry-failed` found. */
function retriedLine({ waiting, gone }: RetriedClips): string {
  const lost =
    gone.length === 0 ? "" : `; not kept any more: ${counted(gone.length, "clip")} (${gone.join(", ")})`;
  return `${counted(waiting.length, "clip")} that failed for good ${waiting.length === 1 ? "is" : "are"} tried again${lost}`;
}

/** Prints what becomes of a live source's connection. */
function printStatus(output: Output, event: SourceStatusEvent): void {
  output.object(event);
  const { source, state, reason } = event;
  if (state === "up") output.note(`${source}: connected`);
  else
    output.note(
      `${source}: ${state === "down" ? "not connected any more" : "not connected yet"}: ${reason}.`,
    );
}

/** Prints watch events: the JSON objects of docs/cli.md, or a growing timeline with rate and lag below it. */
export function watchPrinter(
  output: Output,
  source: { live: boolean; endSeconds: number | null },
): (event: WatchEvent) => void {
  const startedMs = performance.now();
  let entries = 0;
  let seconds = 0;
  let clock: Clock = { kind: "media" };
  let pace = "";
  const at = (seconds: number) => output.dim(formatMoment(seconds, clock));
  return (event) => {
    if (event.event === "clip-end") {
      output.object({ ...event, entries: event.entries.map(({ id, text }) => ({ id, text })) });
      for (const entry of event.entries) output.text(`${at(entry.startSeconds)}  ${oneLine(entry.text)}`);
      entries += event.entries.length;
      for (const problem of event.problems)
        output.note(`  ${formatMoment(event.startSeconds, clock)}: ${problem}`);
      seconds += event.endSeconds - event.startSeconds;
      const rate = seconds / Math.max(1e-3, (performance.now() - startedMs) / 1000);
      const lag =
        source.live && clock.kind === "wall"
          ? `, ${((Date.now() - clock.originMs) / 1000 - event.endSeconds).toFixed(0)} s behind`
          : "";
      const whole = source.endSeconds === null ? "" : ` of ${formatMoment(source.endSeconds, clock)}`;
      output.progress(
        `${formatMoment(event.endSeconds, clock)}${whole}, ${rate.toFixed(1)} × real time${lag}${pace}, ${counted(entries, "entry", "entries")}`,
      );
      return;
    }
    if (event.event === "source-status") return printStatus(output, event);
    output.object(event);
    if (event.event === "pace") {
      pace = event.every === 1 ? "" : `, senses look at ${paceText(event.every)}`;
      const what =
        event.every === 1
          ? "in time again: they look at every picture"
          : `late: they look at ${paceText(event.every)}`;
      output.note(`  ${formatMoment(event.atSeconds, clock)}: the senses are ${what}`);
      return;
    }
    if (event.event === "stream-start") {
      ({ clock } = event);
      if (event.retried) output.note(retriedLine(event.retried));
      if (event.tookOver)
        output.note(
          `took ${event.stream} over from process ${event.tookOver.pid} on ${event.tookOver.host}, last heard from at ${new Date(event.tookOver.heardAtMs).toISOString()}`,
        );
      // A recorded source ends, and says it then.
      if (source.live) for (const problem of event.problems) output.note(`  left out: ${problem}`);
      if (event.storedClips + event.pendingClips > 0) {
        output.text(
          output.dim(
            `resuming ${event.stream} at ${formatMoment(event.fromSeconds, clock)}, ${counted(event.storedClips, "clip")} already stored`,
          ),
        );
      }
    } else if (event.event === "clip-failed") {
      output.note(
        `  ${formatMoment(event.startSeconds, clock)}: not remembered (${event.code}): ${event.message}`,
      );
    } else if (event.event === "gap") {
      output.text(
        `${at(event.startSeconds)}  ${output.dim(`— not watching until ${formatMoment(event.endSeconds, clock)}: ${event.detail}`)}`,
      );
    } else {
      output.progress("");
      const { clips, failed, gaps, realTimeFactor, cost } = event;
      const parts = [
        counted(clips, "clip"),
        counted(event.entries, "entry", "entries"),
        `${realTimeFactor.toFixed(1)} × real time`,
      ];
      if (failed > 0) parts.push(`${failed} failed (the next run retries what may work)`);
      if (gaps > 0) parts.push(counted(gaps, "gap"));
      if (cost.calls > 0) parts.push(costText(cost));
      output.text(output.dim(`${event.stream}: ${parts.join(", ")}`));
      if (event.message) output.note(`stopped: ${event.message}`);
      else if (event.reason === "interrupted") output.note("stopped; the same command resumes here");
    }
  };
}
