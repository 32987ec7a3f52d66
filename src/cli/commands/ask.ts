/** `taskmem ask`: a question answered from memory alone, with the moments the answer rests on. */
import type { Answer } from "../../answer/answer.ts";
import { leftOutLines } from "../../answer/left-out.ts";
import { loadConfig } from "../../config.ts";
import type { StreamRecord } from "../../memory/memory.ts";
import { lacksForMeaning } from "../../taskmem/encoder.ts";
import type { LearningEvent } from "../../taskmem/learning.ts";
import { oneLine } from "../../util/plain-text.ts";
import { type Clock, formatMoment } from "../../util/time.ts";
import { momentFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import { shownWords } from "../learn.ts";
import { openConfigured } from "../open.ts";
import { counted, type Output } from "../output.ts";
import { questionFlag } from "../question.ts";

/** Most streams of which it is said what was left out. */
const mostStreams = 3;

interface AskFlags {
  readonly option?: string[];
  readonly stream?: string[];
  readonly asOf?: string;
  readonly near?: string;
  readonly speaker?: string[];
  readonly limit?: number;
  readonly wholeMemory?: boolean;
}

export async function run(invocation: Invocation, questionText: string): Promise<void> {
  const { output, signal, options } = invocation;
  const { option = [], stream, asOf, near, speaker, limit, wholeMemory } = options as AskFlags;
  const question = await questionFlag(questionText, option, signal);
  const config = await loadConfig(invocation.flags, { file: invocation.configFile });
  const onLearning = (event: LearningEvent) => printLearning(output, event);
  const opening = { mustExist: true, readOnly: "if-needed", onLearning } as const;
  await using memory = await openConfigured(invocation, config, opening);
  const streams = await memory.streams(stream);
  const answer = await memory.ask(question, {
    signal,
    ...(stream && { streams: stream }),
    ...(asOf !== undefined && { asOfSeconds: momentFlag("--as-of", asOf, streams) }),
    ...(near !== undefined && { nearSeconds: momentFlag("--near", near, streams) }),
    ...(speaker && { speakers: speaker }),
    ...(limit !== undefined && { limit }),
    ...(wholeMemory && { mode: "whole-memory" as const }),
  });
  output.object(answer);
  printAnswer(output, answer, streams);
  const { meaning, model } = config.embedder;
  const isTold = meaning === "off" || model !== undefined || answer.bySpelling !== null;
  const lacking = isTold ? null : lacksForMeaning(config);
  if (answer.abstained && answer.nearestMisses.length > 0 && lacking !== null)
    output.note(`words were compared by spelling; to compare them by meaning: ${lacking}`);
}

function printAnswer(output: Output, answer: Answer, streams: readonly StreamRecord[]): void {
  const answered = oneLine(answer.answer);
  output.text(output.bold(answer.option === null ? answered : `${answer.option}. ${answered}`));
  const clocks = new Map<string, Clock>(streams.map(({ id, clock }) => [id, clock]));
  const clockOf = (stream: string) => clocks.get(stream) ?? { kind: "media" as const };
  const line = ({ stream, startSeconds, text }: Answer["citations"][number]) =>
    `  ${output.dim(`${formatMoment(startSeconds, clockOf(stream))} ${stream}`)}  ${oneLine(text)}`;
  for (const citation of answer.citations) output.text(line(citation));
  if (answer.earlier.length > 0) {
    output.text(output.dim("before that:"));
    for (const statement of answer.earlier) output.text(line(statement));
  }
  if (answer.abstained && answer.nearestMisses.length > 0) {
    output.text(output.dim("not sure; closest moments:"));
    for (const miss of answer.nearestMisses) output.text(line(miss));
  }
  for (const line of notInMemory(answer)) output.text(output.dim(line));
  for (const { stream, startSeconds, endSeconds, detail } of answer.gaps) {
    const [from, to] = [startSeconds, endSeconds].map((at) => formatMoment(at, clockOf(stream)));
    output.text(output.dim(`not watching ${from} to ${to}: ${detail}`));
  }
  if (answer.bySpelling !== null) output.note(`compared by spelling, not by meaning: ${answer.bySpelling}`);
  if (answer.notRecorded !== null)
    output.note(`the question could not be recorded, so nothing is learned from it: ${answer.notRecorded}`);
}

/** What was left out of the streams, without what the answer of an empty memory says already. */
function notInMemory({ answer, leftOut }: Answer): string[] {
  const byStream = Map.groupBy(
    leftOut.filter(({ reason }) => !answer.includes(reason)),
    ({ stream }) => stream,
  );
  const lines = [...byStream]
    .slice(0, mostStreams)
    .flatMap(([stream, items]) => leftOutLines(items).map((line) => `not in memory of ${stream}: ${line}`));
  const more = byStream.size - mostStreams;
  return more > 0 ? [...lines, `and more was left out of ${counted(more, "stream")}`] : lines;
}

/** One line on what came of learning. The answer was printed before. */
function printLearning(output: Output, event: LearningEvent): void {
  if (event.event === "learning-start" && event.apart)
    output.note(
      `learning from ${event.questions} new questions in the background: \`taskmem adapt status --policy ${event.policy}\` shows the result`,
    );
  else if (event.event === "learning-end" && event.result.activated) {
    const { words, questions } = event.result;
    const what = words.length > 0 ? ` to care about ${shownWords(words.slice(0, 6))}` : "";
    output.note(`learned from your ${questions} questions${what}`);
  } else if (event.event === "learning-end") {
    const { adapter, questions, reason } = event.result;
    output.note(adapter === null ? reason : `not learned from your ${questions} questions: ${reason}`);
  } else if (event.event === "learning-failed")
    output.note(`could not learn from your questions: ${event.error.message}`);
}
