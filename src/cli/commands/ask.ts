/** `taskmem ask`: a question answered from memory alone, with the moments the answer rests on. */
import { spawn } from "node:child_process";
import { answerQuestion } from "../../answer/answer.ts";
import {
  adaptConfigured,
  chosenStreams,
  configuredModel,
  configuredReader,
  openConfiguredMemory,
} from "../../assembly.ts";
import { type Config, loadConfig } from "../../config.ts";
import type { Memory } from "../../memory/memory.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { readQuestion } from "../question.ts";
import { shownWords } from "./adapt.ts";

interface AskFlags {
  readonly option?: string[];
  readonly stream?: string[];
  readonly asOf?: string;
  readonly near?: string;
  readonly speaker?: string[];
  readonly limit?: number;
  readonly wholeMemory?: boolean;
}

export async function run(
  { output, flags, configFile, signal, options }: Invocation,
  questionText: string,
): Promise<void> {
  const { option = [], stream, asOf, near, speaker, limit, wholeMemory } = options as AskFlags;
  const question = await readQuestion(questionText, option);
  const config = await loadConfig(flags, { file: configFile });
  const model = configuredModel(config);
  const memory = await openConfiguredMemory(config, { mustExist: true });
  try {
    const streams = await chosenStreams(memory, stream);
    const answer = await answerQuestion(question, {
      memory,
      reader: configuredReader(config, model),
      now: Date.now,
      signal,
      ...(stream && { streams: stream }),
      ...(asOf !== undefined && { asOfSeconds: momentFlag("--as-of", asOf, streams) }),
      ...(near !== undefined && { nearSeconds: momentFlag("--near", near, streams) }),
      ...(speaker && { speakers: speaker }),
      ...(limit !== undefined && { limit }),
      ...(wholeMemory && { mode: "whole-memory" as const }),
    });
    output.object(answer);
    output.text(output.bold(answer.option === null ? answer.answer : `${answer.option}. ${answer.answer}`));
    const clocks = new Map<string, Clock>(streams.map(({ id, clock }) => [id, clock]));
    const moment = (entry: { stream: string; startSeconds: number }) =>
      formatMoment(entry.startSeconds, clocks.get(entry.stream) ?? { kind: "media" });
    for (const citation of answer.citations) {
      output.text(`  ${output.dim(`${moment(citation)} ${citation.stream}`)}  ${citation.text}`);
    }
    if (answer.abstained && answer.nearestMisses.length > 0) {
      output.text(output.dim("nearest in memory:"));
      for (const miss of answer.nearestMisses)
        output.text(`  ${output.dim(`${moment(miss)} ${miss.stream}`)}  ${miss.text}`);
    }
    for (const gap of answer.gaps) {
      const clock = clocks.get(gap.stream) ?? { kind: "media" };
      output.text(
        output.dim(
          `not watching ${formatMoment(gap.startSeconds, clock)} to ${formatMoment(gap.endSeconds, clock)}: ${gap.detail}`,
        ),
      );
    }
    const learning = { ...config, policy: config.policy ?? ("choice" as const) };
    if (learnsByItself(learning)) await learn({ memory, config: learning, output, signal, configFile });
  } finally {
    await memory.close();
  }
}

/** Whether answering may be followed by learning: what calls a model that costs is left to `adapt run`. */
function learnsByItself(config: Config): boolean {
  return config.adapt.auto && (config.policy === "choice" || config.policy === "nano");
}

/**
 * After every so many new questions, teaches the policy by them; only what comes into force is worth a remark. What takes
 * longer than an answer does is left to a process of its own.
 */
async function learn({
  memory,
  config,
  output,
  signal,
  configFile,
}: Pick<Invocation, "output" | "signal" | "configFile"> & { memory: Memory; config: Config }): Promise<void> {
  const adapters = await memory.adapters({ policy: config.policy! });
  const learntAtMs = Math.max(0, ...adapters.map(({ atMs }) => atMs));
  const news = (await memory.tasks({ newest: true, limit: 200 })).filter(
    (task) => task.askedAtMs > learntAtMs,
  );
  // A lesson that came to nothing is tried again with as many more.
  if (news.length === 0 || news.length % config.adapt.every !== 0) return;
  if (config.policy === "nano") {
    learnApart(config, configFile);
    output.note(
      `learning from ${news.length} new questions meanwhile: \`taskmem adapt --policy nano\` says what came of it`,
    );
    return;
  }
  try {
    const { activated, words, questions } = await adaptConfigured(config, memory, null, { signal });
    if (!activated) return;
    const what = words.length > 0 ? ` to care about ${shownWords(words.slice(0, 6))}` : "";
    output.note(`learnt from your ${questions} questions${what}`);
  } catch (error) {
    // The question is answered: what went wrong afterwards is a remark.
    output.note(`could not learn from your questions: ${(error as Error).message}`);
  }
}

/** `adapt run` as a process that goes on when this one ends. */
function learnApart({ memory, policy }: Config, configFile: string | undefined): void {
  const flags = ["adapt", "run", "--policy", policy!, "--memory", memory];
  const configured = configFile === undefined ? [] : ["--config", configFile];
  const program = [...process.execArgv, process.argv[1]!, ...flags, ...configured];
  spawn(process.execPath, program, { detached: true, stdio: "ignore" }).unref();
}
