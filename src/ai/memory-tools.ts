/** Verbs of a memory as tools of the AI SDK. */
import type { Tool } from "ai";
import type { z } from "zod";
import { call, type Verb, verbs } from "../contract/index.ts";
import type { TaskMem } from "../taskmem.ts";

/** The verbs that are tools. */
export const memoryToolVerbs = [
  ...["ask", "recall", "timeline", "evidence", "remember", "feedback", "forget"],
] as const satisfies readonly (keyof typeof verbs)[];

/** A verb that is a tool. */
export type MemoryToolVerb = (typeof memoryToolVerbs)[number];

/** Tools by name: `memory_ask` and so on. */
export type MemoryTools = {
  readonly [Name in MemoryToolVerb as `memory_${Name}`]: Tool<
    z.input<(typeof verbs)[Name]["input"]>,
    z.output<(typeof verbs)[Name]["output"]>
  >;
};

/** What the tools may reach. It is fixed here, and no model can widen it. */
export interface MemoryToolOptions {
  /** Only these verbs. @default all of `memoryToolVerbs` */
  readonly only?: readonly MemoryToolVerb[];
  /** Only these streams, where a verb searches or forgets. @default all */
  readonly streams?: readonly string[];
}

/**
 * The tools of a memory. A model gets each result as text, in which memories are quoted evidence; the caller gets it as
 * data. What a verb refuses is thrown, which the SDK makes a tool error.
 */
export function memoryTools(memory: TaskMem, options: MemoryToolOptions = {}): MemoryTools {
  const { only = memoryToolVerbs, streams } = options;
  const tools = only.map((name) => [`memory_${name}`, toolOf(memory, verbs[name] as Verb, streams)]);
  return Object.fromEntries(tools) as MemoryTools;
}

function toolOf(memory: TaskMem, given: Verb, streams: readonly string[] | undefined): Tool {
  const called = streams ? within(given, streams) : given;
  return {
    ...{ title: called.title, description: called.about },
    ...{ inputSchema: called.input, outputSchema: called.output },
    execute: async (input: unknown, { abortSignal }: { abortSignal?: AbortSignal }) =>
      (await call(memory, called, input, { signal: abortSignal })).output,
    toModelOutput: ({ output }: { output: unknown }) => ({ type: "text", value: called.text(output) }),
  } as Tool;
}

/** A verb that only reaches some streams: the caller no longer names any. */
function within(given: Verb, streams: readonly string[]): Verb {
  const input = given.input as z.ZodObject;
  if (!("streams" in input.shape)) return given;
  return {
    ...given,
    input: input.omit({ streams: true }),
    run: (memory, asked, options) => given.run(memory, { ...(asked as object), streams }, options),
  };
}

/** For `toolApproval`: a person approves what would be forgotten for good; a dry run needs no one. */
export const memoryToolApproval = {
  memory_forget: ({ confirm }: { readonly confirm?: string | undefined }) =>
    confirm === undefined ? ("not-applicable" as const) : ("user-approval" as const),
};
