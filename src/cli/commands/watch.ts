/** `taskmem watch`: a stream becomes memories, printed as they are written. */

import { createAgent, type StreamEnd, type WatchEvent } from "../../agent.ts";
import {
  activeAdapter,
  configuredModel,
  configuredPerceptors,
  configuredPolicy,
  configuredReader,
  openConfiguredMemory,
  openConfiguredModel,
} from "../../assembly.ts";
import { loadConfig } from "../../config.ts";
import { contextDefaults } from "../../policy/context.ts";
import { openSource } from "../../stream/open-source.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import type { Invocation } from "../invocation.ts";
import { counted, exitCodes, type Output } from "../output.ts";

export async function run(
  { output, flags, configFile, signal, options }: Invocation,
  specs: string[],
): Promise<number> {
  const config = await loadConfig(flags, { file: configFile });
  const model = await openConfiguredModel(config);
  const perceptors = configuredPerceptors(config);
  const source = await openSource(specs, {
    ...config.stream,
    languages: config.languages,
    largeFrames: config.screenText,
    ...(typeof options.subtitles === "string" && { subtitles: options.subtitles }),
    ...(typeof options.textKind === "string" && { textKind: options.textKind as "speech" | "caption" }),
    signal,
  });
  await model?.capabilities(signal);
  const memory = await openConfiguredMemory(config, { mustExist: false });
  try {
    const withAdapter = async () =>
      configuredPolicy(config, model, await activeAdapter(memory, config, model));
    const policy = await withAdapter();
    const agent = createAgent({
      memory,
      policy,
      currentPolicy: withAdapter,
      perceptors,
      reader: configuredReader(config, configuredModel(config)),
      limits: { ...contextDefaults, windowClips: config.stream.windowClips },
    });
    const stream = typeof options.stream === "string" ? options.stream : source.id;
    let end: StreamEnd | undefined;
    for (const problem of source.problems) output.note(`  skipped: ${problem}`);
    const show = watchPrinter(output, { live: source.live, endSeconds: source.endSeconds });
    for await (const event of agent.watch(source, { stream, signal })) {
      if (event.event !== "stream-end") {
        show(event);
        continue;
      }
      // The model knows what failed calls and its probe cost too.
      end = { ...event, cost: model?.cost() ?? event.cost };
      show(end);
    }
    return exitCodeOfEnd(end!);
  } finally {
    await memory.close();
  }
}

function exitCodeOfEnd({ reason }: StreamEnd): number {
  if (reason === "budget-spent") return exitCodes.budget;
  if (reason === "engine-down") return exitCodes.engine;
  return reason === "interrupted" ? exitCodes.interrupted : exitCodes.done;
}

/** Prints watch events: JSON objects as documented in docs/cli.md, or a timeline that grows, with rate and lag below it. */
export function watchPrinter(
  output: Output,
  source: { live: boolean; endSeconds: number | null },
): (event: WatchEvent) => void {
  const startedAtMs = Date.now();
  let entries = 0;
  let fromSeconds = 0;
  let clock: Clock = { kind: "media" };
  const at = (seconds: number) => output.dim(formatMoment(seconds, clock));
  return (event) => {
    if (event.event === "clip-end") {
      output.object({ ...event, entries: event.entries.map(({ id, text }) => ({ id, text })) });
      for (const entry of event.entries) output.text(`${at(entry.startSeconds)}  ${entry.text}`);
      entries += event.entries.length;
      for (const problem of event.problems)
        output.note(`  ${formatMoment(event.startSeconds, clock)}: ${problem}`);
      const rate = (event.endSeconds - fromSeconds) / Math.max(1e-3, (Date.now() - startedAtMs) / 1000);
      const lag =
        source.live && clock.kind === "wall"
          ? `, ${((Date.now() - clock.originMs) / 1000 - event.endSeconds).toFixed(0)} s behind`
          : "";
      const whole = source.endSeconds === null ? "" : ` of ${formatMoment(source.endSeconds, clock)}`;
      output.progress(
        `${formatMoment(event.endSeconds, clock)}${whole}, ${rate.toFixed(1)} × real time${lag}, ${counted(entries, "entry", "entries")}`,
      );
      return;
    }
    output.object(event);
    if (event.event === "stream-start") {
      ({ fromSeconds, clock } = event);
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
      if (failed > 0) parts.push(`${failed} failed (the next run tries again what may pass)`);
      if (gaps > 0) parts.push(counted(gaps, "gap"));
      if (cost.calls > 0)
        parts.push(
          `${counted(cost.calls, "call")}, ${cost.promptTokens + cost.completionTokens} tokens, $${cost.usd.toFixed(4)}`,
        );
      output.text(output.dim(`${event.stream}: ${parts.join(", ")}`));
      if (event.message) output.note(`stopped: ${event.message}`);
      else if (event.reason === "interrupted") output.note("stopped; the same command goes on from here");
    }
  };
}
