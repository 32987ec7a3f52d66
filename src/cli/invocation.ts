/** What every command is called with. */
import type { FlagValues } from "../config.ts";
import type { Output } from "./output.ts";

/** What was given on the command line, and where to write. */
export interface Invocation {
  readonly output: Output;
  /** Options of the configuration that flags set, by path. */
  readonly flags: FlagValues;
  readonly configFile: string | undefined;
  /** Aborted by SIGINT or SIGTERM. A command that does not read it is ended by them. */
  readonly signal: AbortSignal;
  /** All parsed flags of the command. */
  readonly options: Readonly<Record<string, unknown>>;
}
