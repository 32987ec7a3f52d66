/** `taskmem adapt`: what the questions taught, training again, and taking an adapter back. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Adapter, AdapterWord } from "../../adapter/adapter.ts";
import { adapterText, type Provenance, parseAdapter } from "../../adapter/adapter-file.ts";
import { blendAdapters } from "../../adapter/arithmetic.ts";
import {
  activeAdapter,
  adaptConfigured,
  adapterTarget,
  openConfiguredMemory,
  openConfiguredModel,
} from "../../assembly.ts";
import { type Config, loadConfig, type PolicyName, policyName } from "../../config.ts";
import type { Model } from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError, TaskMemError } from "../../errors.ts";
import type { KeptAdapter, Memory } from "../../memory/memory.ts";
import { adapterWords } from "../../policies/choice/word-vector-trainer.ts";
import type { AdapterResult } from "../../training/train-adapter.ts";
import { shortId } from "../../util/hash.ts";
import { judgeFlags } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";

const wordsShown = 12;

interface AdaptCommandFlags {
  readonly method?: unknown;
  readonly judge?: unknown;
  readonly judgeModel?: unknown;
  readonly adapter?: unknown;
  readonly with?: unknown;
  readonly share?: unknown;
  readonly run?: string;
}

/** What an action is given. */
interface Setting {
  readonly output: Output;
  readonly memory: Memory;
  readonly config: Config;
  readonly policy: PolicyName;
  readonly model: Model | null;
  readonly options: AdaptCommandFlags;
  readonly signal: AbortSignal;
}

const actions: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  status: printStatus,
  run: async ({ output, memory, config, policy, model, options, signal }) => {
    const unfinished = options.run ?? join(memory.directory, "runs", `unfinished-${policy}`);
    const flags = {
      method: methodOf(options.method),
      ...judgeFlags({ ...options }),
      run: unfinished,
      signal,
    };
    const report = await adaptConfigured(config, memory, model, flags);
    const run = options.run ?? join(memory.directory, "runs", report.id ?? "nothing-learnt");
    const isKept = report.curve !== undefined && existsSync(unfinished);
    if (isKept && run !== unfinished) {
      rmSync(run, { recursive: true, force: true });
      renameSync(unfinished, run);
    }
    output.object({ ...adaptEnd(report), run: isKept ? run : null });
    printReport(output, report);
    if (isKept) output.text(output.dim(`curves of the training: ${join(run, "curves.html")}`));
  },
  promote,
  rollback,
  blend,
};

export async function run(
  { output, flags, configFile, signal, options }: Invocation,
  name = "status",
): Promise<void> {
  const action = actions[name];
  if (!action) {
    throw new ConfigError(
      "action-unknown",
      `Expected \`adapt status\`, \`run\`, \`promote\`, \`rollback\` or \`blend\`, got ${name}`,
    );
  }
  const config = await loadConfig(flags, { file: configFile });
  const policy = policyName(config);
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    const model = await openConfiguredModel(config);
    await action({ output, memory, config, policy, model, options, signal });
  } finally {
    await memory.close();
  }
}

function methodOf(method: unknown): "closed-form" | "preferences" {
  if (method === undefined || method === "closed-form") return "closed-form";
  if (method === "preferences") return method;
  throw new ConfigError(
    "method-unknown",
    `Expected --method to be closed-form or preferences, got ${method}`,
  );
}

/** @throws ConfigError, DataError where the adapter does not fit the policy as it is now */
async function promote({ output, memory, policy, model, options }: Setting): Promise<void> {
  const id = options.adapter;
  if (typeof id !== "string")
    throw new ConfigError("adapter-missing", "Expected --adapter with the id that `taskmem adapt` lists");
  const kept = (await memory.adapters({ policy })).find((adapter) => adapter.id === id);
  if (kept) parseAdapter(kept.file, id, await adapterTarget(policy, model));
  await memory.activateAdapter(policy, id, "promoted by hand");
  printInForce(output, id);
}

async function rollback({ output, memory, policy }: Setting): Promise<void> {
  if ((await memory.adapters({ policy, state: "active" })).length === 0)
    throw new ConfigError("adapter-missing", "Expected an adapter in force to roll back, there is none");
  printInForce(output, await memory.rollbackAdapter(policy));
}

function printInForce(output: Output, id: string | null): void {
  output.object({ event: "adapter-active", adapter: id });
  output.text(
    id === null
      ? "no adapter is in force"
      : `${id} is in force; \`watch\` writes with it from its next decision`,
  );
}

/** Two adapters of the memory as one, kept as a candidate: nobody has tried it, `promote` puts it in force. */
async function blend({ output, memory, policy, model, options }: Setting): Promise<void> {
  const { adapter: firstId, with: secondId, share: shareText = "0.5" } = options;
  const share = Number(shareText);
  if (!(share > 0 && share < 1)) {
    throw new ConfigError("share-invalid", `Expected --share between 0 and 1, got ${shareText}`);
  }
  const adapters = await memory.adapters({ policy });
  const target = await adapterTarget(policy, model);
  const found = (flag: string, id: unknown) => {
    const kept = adapters.find((adapter) => adapter.id === id);
    if (kept) return { kept, ...parseAdapter(kept.file, kept.id, target) };
    throw new ConfigError(
      "adapter-missing",
      `Expected ${flag} with the id of an adapter that \`taskmem adapt\` lists, got ${id ?? "nothing"}`,
    );
  };
  const [first, second] = [found("--adapter", firstId), found("--with", secondId)];
  const adapter = blendAdapters(first.adapter, second.adapter, share);
  const createdAtMs = Date.now();
  const tasks = [...new Set([...first.kept.tasks, ...second.kept.tasks])];
  const id = shortId("adapter", adapter.revision, createdAtMs);
  const provenance: Provenance = {
    method: "blend",
    parents: [first.adapter.revision, second.adapter.revision],
    ...{ tasks, createdAtMs, report: { share } },
  };
  await memory.addAdapter({
    ...{ id, policy, revision: adapter.revision, state: "candidate", atMs: createdAtMs, tasks },
    reason: `${Math.round(100 * share)} % of ${second.kept.id} in ${first.kept.id}`,
    file: adapterText({ adapter, base: first.base, provenance }, "the blended adapter"),
  });
  output.object({ event: "adapter-blended", adapter: id, revision: adapter.revision });
  output.text(`${id} is kept as a candidate; \`taskmem adapt promote --adapter ${id}\` puts it in force`);
}

async function printStatus({ output, memory, policy, config, model }: Setting): Promise<void> {
  const adapters = await memory.adapters({ policy });
  const tasks = await memory.tasks();
  const active = adapters.find(({ state }) => state === "active") ?? null;
  // One that was trained for another model, or with other words, is shown with the rest.
  const { adapter, problem } = await activeAdapter(memory, config, model).then(
    (found) => ({ adapter: found, problem: null }),
    (error: unknown) => {
      if (!(error instanceof TaskMemError)) throw error;
      return { adapter: null, problem: error.message };
    },
  );
  const words = active && adapter?.space === wordSpace.id ? await wordsOf(memory, active, adapter) : [];
  output.object({
    event: "adapt-status",
    policy,
    active: active?.id ?? null,
    problem,
    tasks: tasks.length,
    learnt: words,
    adapters: adapters.map(({ file: _, ...kept }) => kept),
  });
  output.text(
    `${tasks.length} questions asked, ${active === null ? "no adapter is in force" : `${active.id} is in force`}`,
  );
  if (problem !== null)
    output.text(`it does not fit: ${problem}; \`taskmem adapt rollback\` takes it out of force`);
  if (words.length > 0) output.text(`it cares about ${shownWords(words)}`);
  for (const { id, state, reason, tasks: trainedOn } of adapters) {
    output.text(`  ${id}  ${state}  ${output.dim(`${trainedOn.length} questions: ${reason}`)}`);
  }
}

/** What the active adapter weighs most, named by the words of the tasks it was trained on. */
async function wordsOf(memory: Memory, active: KeptAdapter, adapter: Adapter): Promise<AdapterWord[]> {
  const trainedOn = new Set(active.tasks);
  const texts = (await memory.tasks())
    .filter(({ id }) => trainedOn.has(id))
    .flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  return adapterWords(adapter, texts, wordSpace).slice(0, wordsShown);
}

export const shownWords = (words: readonly AdapterWord[]) =>
  words.map(({ word, weight }) => `${word} ${weight.toFixed(1)}`).join(", ");

/** What a run of training came to, for scripts. */
export function adaptEnd({ words: learnt, ...report }: AdapterResult) {
  return { event: "adapt-end", ...report, learnt };
}

/** What a run of training came to, for people. */
export function printReport(output: Output, report: AdapterResult): void {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  if (report.words.length > 0) {
    output.text(`learned to care about ${shownWords(report.words.slice(0, wordsShown))}`);
  }
  if (report.adapter !== null) {
    const { heldOut, winRate, lossRate, accuracyBefore, accuracyAfter } = report;
    const tried =
      report.triedOn === "questions"
        ? `${heldOut} questions it was not trained on: answered ${percent(accuracyBefore)} before, ${percent(accuracyAfter)} after`
        : `${heldOut} clips it was not trained on: the better memory in ${percent(winRate)}, the worse in ${percent(lossRate)}`;
    const truth =
      report.graded > 0
        ? `; true ${percent(report.fidelityBefore)} before, ${percent(report.fidelityAfter)} after`
        : "";
    output.text(
      output.dim(
        `tried on ${tried}${truth}; memories ${report.tokenRatio.toFixed(2)} × as long; repeats ${percent(report.redundancyBefore)} before, ${percent(report.redundancyAfter)} after`,
      ),
    );
  }
  if (report.refusedClips > 0) {
    output.text(
      output.dim(`the model refused to write about ${report.refusedClips} clips: they were left out`),
    );
  }
  output.text(`${output.bold(report.activated ? "in force" : "not in force")}: ${report.reason}`);
}
