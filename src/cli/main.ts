#!/usr/bin/env node
/** The command line's entry: runs the program, turns errors into exit codes. */
import { CommanderError } from "commander";
import { ConfigError, isTaskMemError } from "../errors.ts";
import { isOutOfFiles, noMoreFiles } from "../util/program.ts";
import { keepSecretsOf, maskedMessage } from "../util/secrets.ts";
import { createOutput, exitCodeOf, exitCodes } from "./output.ts";
import { buildProgram } from "./program.ts";

const abort = new AbortController();
const output = createOutput(process.argv.includes("--json"));
/** A command that was told to stop is ended after this time. */
const longestStopMs = 10_000;

/**
 * For a command that stops cleanly: the first Ctrl-C is passed on, the second ends it at once. The others change
 * everything or nothing, so a signal ends them as it ends any program.
 */
function listenForSignals(): void {
  if (process.listenerCount("SIGINT") > 0) return;
  const end = () => process.exit(exitCodes.interrupted);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) end();
      abort.abort();
      setTimeout(end, longestStopMs).unref();
    });
  }
}

// The reader of our output left (`taskmem timeline | head`): nothing more to say.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  throw error;
});
keepSecretsOf(process.env);
process.umask(0o077); // what is written here is the user's own
const context = {
  get signal() {
    listenForSignals();
    return abort.signal;
  },
};
try {
  await buildProgram(context).parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? wrongUsage(error) : failure(error as Error);
}

/** Exit code of what commander said: help, the version, or what is wrong with the flags. */
function wrongUsage({ code, exitCode, message }: CommanderError): number {
  if (exitCode === 0) return exitCodes.done;
  if (code !== "commander.help")
    printError("ConfigError", "flags-invalid", message.replace(/^error: /, "").replaceAll("\n", " "));
  return exitCodes.usage;
}

/** Exit code of a command that failed, which is told on standard error unless it was interrupted. */
function failure(thrown: Error & { code?: string }): number {
  const error =
    !isTaskMemError(thrown) && isOutOfFiles(thrown)
      ? new ConfigError("files-spent", `The command cannot continue: ${noMoreFiles}.`, { cause: thrown })
      : thrown;
  const exitCode = abort.signal.aborted ? exitCodes.interrupted : exitCodeOf(error);
  if (exitCode === exitCodes.interrupted) return exitCode;
  printError(error.name, error.code ?? null, error.message);
  const isBug = exitCode === exitCodes.bug;
  // Only the message that names every wrong option has lines of its own.
  const lines = error.code === "config-invalid" ? error.message.split("\n") : [error.message];
  const [first, ...more] = isBug ? (error.stack ?? "").split("\n") : lines;
  output.note(
    ...(isBug ? ["taskmem: unexpected error, please report it", first!] : [`taskmem: ${first}`]),
    ...more,
  );
  return exitCode;
}

/** The object that programs read. */
function printError(error: string, code: string | null, message: string): void {
  output.object({ event: "error", error, code, message: maskedMessage(message) });
}
