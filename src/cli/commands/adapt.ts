/** `taskmem adapt`: what was learnt from the questions, learning anew, and taking a lesson back. */
import { loadConfig } from "../../config.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError } from "../../errors.ts";
import type { KeptAdapter, Memory } from "../../memory/memory.ts";
import type { AdaptReport } from "../../training/adapt.ts";
import { type LearntWord, learntWords } from "../../training/choice-trainer.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { activeAdapter, adaptConfigured, openConfiguredMemory } from "../wiring.ts";

const wordsShown = 12;

export async function run(
  { output, flags, configFile, signal, options }: Invocation,
  action = "status",
): Promise<void> {
  const config = await loadConfig({ ...flags, policy: flags.policy ?? "choice" }, { file: configFile });
  if (config.policy !== "choice") {
    throw new ConfigError(
      "policy-untrainable",
      `Expected the policy choice, got ${config.policy}: an engine's weights are trained where the engine runs`,
    );
  }
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    if (action === "status") await printStatus(output, memory);
    else if (action === "run") {
      const report = await adaptConfigured(config, memory, { method: methodOf(options.method), signal });
      output.object({ event: "adapt-end", ...report });
      printReport(output, report);
    } else if (action === "promote" || action === "rollback") {
      await putInForce(output, memory, action, options.adapter);
    } else {
      throw new ConfigError(
        "action-unknown",
        `Expected \`adapt status\`, \`run\`, \`promote\` or \`rollback\`, got ${action}`,
      );
    }
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

/** `promote` takes the adapter named; `rollback` the one retired last, or none where no other was in force. */
async function putInForce(output: Output, memory: Memory, action: string, named: unknown): Promise<void> {
  const adapters = await memory.adapters({ policy: "choice" });
  const earlier = adapters
    .filter(({ state }) => state === "retired")
    .sort((a, b) => a.atMs - b.atMs)
    .at(-1);
  if (action === "promote" && typeof named !== "string") {
    throw new ConfigError("adapter-missing", "Expected --adapter with the id that `taskmem adapt` lists");
  }
  if (action === "rollback" && !adapters.some(({ state }) => state === "active")) {
    throw new ConfigError("adapter-missing", "Expected an adapter in force to roll back, there is none");
  }
  const id = action === "promote" ? (named as string) : (earlier?.id ?? null);
  await memory.activateAdapter("choice", id, action === "promote" ? "promoted by hand" : "rolled back");
  output.object({ event: "adapter-active", adapter: id });
  output.text(
    id === null
      ? "no adapter is in force"
      : `${id} is in force; \`watch\` writes with it from its next decision`,
  );
}

async function printStatus(output: Output, memory: Memory): Promise<void> {
  const adapters = await memory.adapters({ policy: "choice" });
  const tasks = await memory.tasks();
  const words = await wordsOf(memory, adapters);
  const active = adapters.find(({ state }) => state === "active")?.id ?? null;
  output.object({
    event: "adapt-status",
    active,
    tasks: tasks.length,
    learnt: words,
    adapters: adapters.map(({ file: _, ...adapter }) => adapter),
  });
  output.text(
    `${tasks.length} questions asked, ${active === null ? "no adapter is in force" : `${active} is in force`}`,
  );
  if (words.length > 0) output.text(`it cares about ${shownWords(words)}`);
  for (const { id, state, reason, tasks: trainedOn } of adapters) {
    output.text(`  ${id}  ${state}  ${output.dim(`${trainedOn.length} questions: ${reason}`)}`);
  }
}

/** What the active adapter weighs most, named by the words of the tasks it was trained on. */
async function wordsOf(memory: Memory, adapters: readonly KeptAdapter[]): Promise<LearntWord[]> {
  const active = adapters.find(({ state }) => state === "active");
  if (!active) return [];
  const trainedOn = new Set(active.tasks);
  const texts = (await memory.tasks())
    .filter(({ id }) => trainedOn.has(id))
    .flatMap(({ question }) => [question.text, ...question.options.map(({ text }) => text)]);
  const adapter = await activeAdapter(memory);
  return learntWords(adapter!, texts, wordSpace).slice(0, wordsShown);
}

export const shownWords = (words: readonly LearntWord[]) =>
  words.map(({ word, weight }) => `${word} ${weight.toFixed(1)}`).join(", ");

/** What a run of learning came to, for people. */
export function printReport(output: Output, report: AdaptReport): void {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  if (report.learnt.length > 0) {
    output.text(`learnt to care about ${shownWords(report.learnt.slice(0, wordsShown))}`);
  }
  if (report.adapter !== null) {
    output.text(
      output.dim(
        `tried on ${report.questions} questions it had not learnt from: answered ${percent(report.accuracyBefore)} before, ${percent(report.accuracyAfter)} after; memories ${report.tokenRatio.toFixed(2)} × as long; repeats ${percent(report.redundancyBefore)} before, ${percent(report.redundancyAfter)} after`,
      ),
    );
  }
  output.text(`${output.bold(report.activated ? "in force" : "not in force")}: ${report.reason}`);
}
