/** `taskmem adapt`: what was learned from the questions, learning from them, and taking it back. */
import { dirname, join } from "node:path";
import type { AdapterWord } from "../../adapter/adapter.ts";
import { exchangeFormats } from "../../adapter/exchange/exchange.ts";
import { loadConfig } from "../../config.ts";
import { call, verbs } from "../../contract/index.ts";
import { ConfigError, TaskMemError } from "../../errors.ts";
import type { TaskMem } from "../../taskmem.ts";
import { makeDirectory } from "../../util/directory.ts";
import { replaceFile } from "../../util/replace-file.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { learnAndTell, lessonOf, shownWords, wordsShown } from "../learn.ts";
import { openFor } from "../open.ts";
import type { Output } from "../output.ts";

interface AdaptFlags {
  readonly adapter?: string;
  readonly with?: string;
  readonly share?: string;
  readonly format?: string;
  readonly out?: string;
  readonly kind?: string;
  readonly blocks?: number;
  readonly block?: number;
  readonly stream?: string[];
  readonly from?: string;
  readonly to?: string;
}

type Action = (memory: TaskMem, call: Invocation, flags: AdaptFlags, file?: string) => Promise<void>;

/** What `taskmem adapt` does, by name. */
export const actions = {
  ...{ status, run: learn, promote, rollback, blend },
  ...{ export: exportTo, import: importFrom, diff },
} satisfies Record<string, Action>;

export async function run(invocation: Invocation, name: keyof typeof actions, file?: string): Promise<void> {
  await using memory = await openFor(invocation, {
    mustExist: true,
    readOnly: name === "status" || name === "diff" ? "if-needed" : false,
  });
  const action: Action = actions[name];
  await action(memory, invocation, invocation.options as AdaptFlags, file);
}

async function learn(memory: TaskMem, call: Invocation): Promise<void> {
  const config = await loadConfig(call.flags, { file: call.configFile });
  await learnAndTell(memory, call.output, lessonOf(call, config));
}

async function promote(memory: TaskMem, { output }: Invocation, flags: AdaptFlags): Promise<void> {
  const id = given("--adapter", flags.adapter);
  const share = flags.share === undefined ? undefined : Number(flags.share);
  await memory.adapters.promote(id, { share });
  if (share === undefined) return printActive(output, id);
  const streams = (await memory.adapters.canary())?.streams ?? [];
  output.object({ event: "adapter-canary", adapter: id, share, streams });
  output.text(`${id} is on canary: \`watch\` writes ${streams.join(", ")} with it from the next decision`);
}

async function rollback(memory: TaskMem, { output }: Invocation): Promise<void> {
  printActive(output, await memory.adapters.rollback());
}

function printActive(output: Output, id: string | null): void {
  output.object({ event: "adapter-active", adapter: id });
  output.text(
    id === null ? "no adapter is active" : `${id} is active; \`watch\` writes with it from its next decision`,
  );
}

/** Keeps a blend of two adapters as a candidate. It is not tried; `promote` makes it active. */
async function blend(memory: TaskMem, { output }: Invocation, flags: AdaptFlags): Promise<void> {
  const share = Number(flags.share ?? "0.5");
  if (!(share > 0 && share < 1))
    throw new ConfigError("share-invalid", `Expected --share between 0 and 1, got ${flags.share}`);
  const [first, second] = [given("--adapter", flags.adapter), given("--with", flags.with)];
  const { id, revision } = await memory.adapters.blend(first, second, share);
  output.object({ event: "adapter-blended", adapter: id, revision });
  output.text(`${id} is kept as a candidate; \`taskmem adapt promote --adapter ${id}\` makes it active`);
}

/** Writes an adapter as another program reads it: a file, or PEFT's folder. */
async function exportTo(memory: TaskMem, { output }: Invocation, flags: AdaptFlags): Promise<void> {
  const { format, out, kind, blocks } = flags;
  const named = exchangeFormats.find((one) => one === format);
  if (!named || out === undefined || (kind !== undefined && kind !== "text" && kind !== "vision")) {
    throw new ConfigError(
      "flags-invalid",
      `Expected --format (${exchangeFormats.join(", ")}), --out, and for beft --kind text or vision, got ${format ?? "no format"}, ${out ?? "no place"}, ${kind ?? "no kind"}`,
    );
  }
  const files = await memory.adapters.export(given("--adapter", flags.adapter), named, { kind, blocks });
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(out, name);
    makeDirectory(dirname(path));
    replaceFile(path, bytes);
  }
  output.object({ event: "adapter-exported", adapter: flags.adapter, format, out });
  output.text(`${flags.adapter} is written to ${out}`);
}

/** Keeps another program's adapter as a candidate. */
async function importFrom(
  memory: TaskMem,
  { output }: Invocation,
  { block }: AdaptFlags,
  file?: string,
): Promise<void> {
  const { id, revision } = await memory.adapters.import(file!, { block });
  output.object({ event: "adapter-imported", adapter: id, revision });
  output.text(`${id} is kept as a candidate; \`taskmem adapt promote --adapter ${id}\` makes it active`);
}

/** What two adapters keep of the last hour, or of a span, side by side. */
async function diff(memory: TaskMem, { output, signal }: Invocation, flags: AdaptFlags): Promise<void> {
  const { adapter, with: against, stream, from, to } = flags;
  const streams = await memory.streams(stream);
  const input = {
    ...(adapter !== undefined && { adapter }),
    ...(against !== undefined && { against }),
    ...(stream && { streams: stream }),
    ...(from !== undefined && { fromSeconds: momentFlag("--from", from, streams) }),
    ...(to !== undefined && { toSeconds: momentFlag("--to", to, streams) }),
  };
  const { output: told, text } = await call(memory, verbs.diff, input, { signal });
  output.object({ event: "adapt-diff", ...told });
  output.text(...text.split("\n"));
}

/** The id that a flag names. @throws ConfigError `adapter-missing` */
function given(flag: string, id: string | undefined): string {
  if (id !== undefined) return id;
  throw new ConfigError(
    "adapter-missing",
    `Expected ${flag} with the id of an adapter that \`taskmem adapt status\` lists, got nothing`,
  );
}

async function status(memory: TaskMem, { output }: Invocation): Promise<void> {
  const [adapters, tasks] = [await memory.adapters.list(), await memory.store.tasks()];
  const active = adapters.find(({ state }) => state === "active") ?? null;
  const standing = await memory.adapters.canary();
  // One that was trained for another model, or with other words, is shown with the rest.
  const { words, problem } = await memory.adapters.words().then(
    (found) => ({ words: found.slice(0, wordsShown), problem: null }),
    (error: unknown) => {
      if (!(error instanceof TaskMemError)) throw error;
      return { words: [] as AdapterWord[], problem: error.message };
    },
  );
  output.object({
    event: "adapt-status",
    policy: memory.adapters.policy,
    active: active?.id ?? null,
    problem,
    tasks: tasks.length,
    learnt: words,
    adapters: adapters.map(({ file: _, ...kept }) => kept),
    canary: standing,
  });
  output.text(
    `${tasks.length} questions asked, ${active === null ? "no adapter is active" : `${active.id} is active`}`,
  );
  if (problem !== null) output.text(`it does not fit: ${problem}; \`taskmem adapt rollback\` deactivates it`);
  if (words.length > 0) output.text(`it weighs ${shownWords(words)}`);
  for (const { id, state, reason, tasks: trainedOn } of adapters)
    output.text(`  ${id}  ${state}  ${output.dim(`${trainedOn.length} questions: ${reason}`)}`);
  if (standing === null) return;
  const { own, others, before, p, isWorse } = standing;
  const test = p === null ? "too few to tell" : `p = ${p.toPrecision(2)}${isWorse ? ", worse" : ""}`;
  output.text(
    `${standing.adapter} writes ${standing.streams.join(", ")}: ${own.bad} of ${own.asked} questions about them went badly, ${others.bad} of ${others.asked} about the others (${test}), ${before.bad} of ${before.asked} before`,
  );
}
