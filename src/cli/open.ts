/** From a command's flags to the TaskMem it calls. */
import { appendFileSync } from "node:fs";
import { type Config, loadConfig } from "../config.ts";
import type { LogEvent } from "../taskmem/logging.ts";
import { openTaskMem, type TaskMem, type TaskMemOptions } from "../taskmem.ts";
import { masked } from "../util/secrets.ts";
import type { Invocation } from "./invocation.ts";
import type { Output } from "./output.ts";
import { showProgress } from "./progress.ts";

type Opening = Pick<TaskMemOptions, "mustExist" | "readOnly" | "judge" | "onLearning" | "adapt">;

/** Opens what the flags, the environment and the configuration file name. @throws ConfigError, StoreError */
export async function openFor(invocation: Invocation, opening: Opening = {}): Promise<TaskMem> {
  const config = await loadConfig(invocation.flags, { file: invocation.configFile });
  return openConfigured(invocation, config, opening);
}

/** Opens what a configuration names. */
export function openConfigured(
  { output, options }: Pick<Invocation, "output" | "options">,
  { memory: directory, ...config }: Config,
  opening: Opening = {},
): Promise<TaskMem> {
  const log = logTo(output, options.verbose === true, process.env.TASKMEM_LOG);
  const onProgress = showProgress(output);
  return openTaskMem({ directory, ...config, ...opening, onProgress, ...(log && { log }) });
}

/** `--verbose` writes to standard error for people; TASKMEM_LOG names a file that JSON lines are appended to. */
function logTo(
  output: Output,
  verbose: boolean,
  file: string | undefined,
): ((event: LogEvent) => void) | null {
  if (!verbose && !file) return null;
  return (event) => {
    if (file) appendFileSync(file, `${masked(JSON.stringify({ at: new Date().toISOString(), ...event }))}\n`);
    if (verbose) for (const line of linesOf(event)) output.note(line);
  };
}

function linesOf(event: LogEvent): string[] {
  switch (event.log) {
    case "prompt":
      return [
        `→ ${event.model} (${event.samples} wanted)`,
        ...indented(event.system ?? ""),
        ...indented(event.text),
      ];
    case "completion": {
      const thinking = event.thinking === null ? [] : indented(`<think>${event.thinking}</think>`);
      return [
        `← ${event.model} after ${event.ms} ms (${event.finish})`,
        ...thinking,
        ...indented(event.text),
      ];
    }
    case "left-out":
      return [`! ${event.text}`];
    case "decision": {
      const { stream, clips, shownClips, shownEntries, revision, ms } = event;
      const shown = `shown ${shownClips.length} earlier clips and ${shownEntries} entries`;
      const written = event.actions.flatMap(({ text, issues, leftOut }) => [
        ...indented(text === "" ? "(nothing)" : text),
        ...[...issues, ...(leftOut === null ? [] : [leftOut])].map((said) => `    ! ${said}`),
      ]);
      return [`• ${stream} clips ${clips.join(", ")} by ${revision}, ${shown}, ${ms} ms`, ...written];
    }
  }
}

const indented = (text: string) => (text === "" ? [] : text.split("\n").map((line) => `    ${line}`));
