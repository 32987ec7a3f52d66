#!/usr/bin/env node
/** The command line's entry: runs the program, turns errors into exit codes. */
import { CommanderError } from "commander";
import { exitCodeOf, exitCodes } from "./output.ts";
import { buildProgram } from "./program.ts";

const abort = new AbortController();

/** The first Ctrl-C stops cleanly, the second at once. */
function listenForSignals(): void {
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(exitCodes.interrupted);
      abort.abort();
    });
  }
  // The reader of our output left (`taskmem timeline | head`): nothing more to say.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(exitCodes.done);
    throw error;
  });
}

listenForSignals();
try {
  await buildProgram({ signal: abort.signal }).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  } else {
    const code = abort.signal.aborted ? exitCodes.interrupted : exitCodeOf(error);
    const { name, message, code: kind, stack } = error as Error & { code?: string };
    if (code !== exitCodes.interrupted) {
      if (process.argv.includes("--json"))
        process.stdout.write(
          `${JSON.stringify({ event: "error", error: name, code: kind ?? null, message })}\n`,
        );
      process.stderr.write(
        code === exitCodes.bug
          ? `taskmem: unexpected error, please report it\n${stack}\n`
          : `taskmem: ${message}\n`,
      );
    }
    process.exitCode = code;
  }
}
