/**
 * A verb of the memory as callers outside see it: what goes in, what comes out, and what it does to the memory. Every
 * surface (tools, servers, clients) prints verbs and adds nothing to them.
 */
import type { z } from "zod";
import { ConfigError } from "../errors.ts";
import type { TaskMem } from "../taskmem.ts";
import type { Quote } from "./shapes.ts";
import type { Turns } from "./turns.ts";

/** How a verb is called. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether long work runs in a process of its own, where it can: the caller answers others meanwhile. @default false */
  readonly apart?: boolean;
  /** Called with what an answer may rest on, before it is read; again where memory is searched once more. @default nothing */
  readonly onRecalled?: ((quotes: readonly Quote[]) => void) | undefined;
  /** Where verbs that search wait for their turn. @default they do not wait */
  readonly turns?: Turns | undefined;
}

/** What a verb does to the memory: reads it, adds to it, changes what it writes with, or removes from it for good. */
export type Effect = "reads" | "adds" | "changes" | "removes";

/** One verb. */
export interface Verb<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  /** `ask`, `recall`. */
  readonly name: string;
  readonly title: string;
  /** What it does and returns, in a sentence or two, for whoever chooses among verbs. */
  readonly about: string;
  readonly effect: Effect;
  /** Whether calling it again with the same input changes nothing more. */
  readonly isIdempotent: boolean;
  readonly input: In;
  readonly output: Out;
  /** @throws TaskMemError */
  run(memory: TaskMem, input: z.output<In>, options: CallOptions): Promise<z.input<Out>>;
  /** The result as text, for people and models. */
  text(output: z.output<Out>): string;
}

/** A verb with its own types. */
export function verb<In extends z.ZodType, Out extends z.ZodType>(of: Verb<In, Out>): Verb<In, Out> {
  return of;
}

/** The result of a call: the data of the contract, and the same as text. */
export interface Called<Out> {
  readonly output: Out;
  readonly text: string;
}

/**
 * Calls a verb with what came from outside. Nothing leaves that the contract does not name.
 * @throws ConfigError `input-invalid` that names every wrong field, or says what the library expected; TaskMemError as the verb
 */
export async function call<In extends z.ZodType, Out extends z.ZodType>(
  memory: TaskMem,
  called: Verb<In, Out>,
  input: unknown,
  options: CallOptions = {},
): Promise<Called<z.output<Out>>> {
  const given = inputOf(called, input);
  const run = () => called.run(memory, given, options).catch(throwAsInput);
  const output = called.output.parse(await (options.turns ? options.turns.take(called.name, run) : run()));
  return { output, text: called.text(output) };
}

/** The library's own refusals of a wrong call say what was expected; here it was the input. */
function throwAsInput(error: unknown): never {
  const isRefusal = error instanceof TypeError || error instanceof RangeError;
  if (isRefusal && error.message.startsWith("Expected "))
    throw new ConfigError("input-invalid", error.message, { cause: error });
  throw error;
}

/** The input of a verb, from what came from outside. @throws ConfigError `input-invalid` that names every wrong field */
export function inputOf<In extends z.ZodType>(
  { name, input }: Pick<Verb<In>, "name" | "input">,
  given: unknown,
): z.output<In> {
  const parsed = input.safeParse(given);
  if (!parsed.success) throw invalid(name, parsed.error);
  return parsed.data;
}

function invalid(name: string, error: z.ZodError): ConfigError {
  const issues = error.issues.map(({ path, message }) => `${path.join(".") || "(whole)"}: ${message}`);
  return new ConfigError("input-invalid", `Expected the input of ${name}, got ${issues.join("; ")}`, {
    details: { verb: name, issues },
  });
}
