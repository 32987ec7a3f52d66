import { z } from "zod";
import { ConfigError, StoreError } from "../errors.ts";
import type { RecallScore } from "../memory/memory.ts";
import { countTokens } from "../util/count-tokens.ts";
import { Clocks, filters, given, listed, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

const channel = z.object({ rank: z.int().describe("from 1"), score: z.number() });
const channels = ["words", "likeness", "time", "speaker"] as const;

/** One question from end to end: what each way of recall found, and what was answered from. */
export const trace = verb({
  name: "trace",
  title: "How an answer was found",
  about:
    "Asks a question once more without keeping it, and tells what recall found, by which channel and at which rank, and which of it the answer cites. Of a question that was kept it also tells what was answered then.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    question: z.string().trim().min(1).max(4000).optional().describe("left out where `task` names one"),
    task: z.string().optional().describe("id of a question that was asked"),
    streams: filters.streams,
    speakers: filters.speakers,
    asOfSeconds: z.number().optional().describe("only what had ended by this moment of stream time"),
  }),
  output: z.object({
    question: z.string(),
    options: z.array(z.string()),
    answer: z.string(),
    option: z.string().optional(),
    abstained: z.boolean(),
    recalled: z
      .array(
        listed.extend({
          total: z.number().describe("the score by which it is ranked"),
          words: channel.optional().describe("words that question and memory share"),
          likeness: channel.optional().describe("cosine of question and memory"),
          byMeaning: z.boolean().describe("whether the cosine is of meanings; of spellings otherwise"),
          time: channel.optional().describe("nearness to a moment that is asked about"),
          speaker: channel.optional().describe("people who are asked about"),
          cited: z.boolean(),
          tokens: z.int(),
        }),
      )
      .describe("what the reader was given, best first"),
    asked: z
      .object({
        task: z.string(),
        askedAt: z.string().describe("wall time, ISO 8601"),
        answer: z.string().optional().describe("left out where it was not answered"),
        abstained: z.boolean(),
        citations: z.array(z.string()).describe("ids of entries"),
        reader: z.string(),
        feedback: z
          .object({ verdict: z.enum(["right", "wrong"]), correction: z.string().optional() })
          .optional(),
      })
      .optional()
      .describe("of a question that was kept"),
    milliseconds: z.number(),
    promptTokens: z.int().describe("tokens that a model read to answer"),
    completionTokens: z.int(),
    usd: z.number(),
  }),
  async run(memory, { question, task: id, ...asked }, { signal }) {
    const task = id === undefined ? undefined : (await memory.store.tasks()).find((one) => one.id === id);
    if (id !== undefined && !task)
      throw new StoreError("task-unknown", `Expected the id of a question that was asked, got ${id}`);
    const wanted = task?.question ?? question;
    if (wanted === undefined) throw new ConfigError("question-empty", "Expected a question, or a task.");
    const own = task?.asOfSeconds != null ? { asOfSeconds: task.asOfSeconds } : {};
    const beganMs = performance.now();
    const answer = await memory.ask(wanted, { ...own, ...given(asked), record: false, signal });
    const milliseconds = performance.now() - beganMs;
    const clocks = await Clocks.of(memory);
    const cited = new Set(answer.citations.map(({ entry }) => entry));
    const entries = await Promise.all(answer.recall.map(({ entry }) => memory.store.entry(entry)));
    return {
      question: typeof wanted === "string" ? wanted : wanted.text,
      options: typeof wanted === "string" ? [] : wanted.options.map(({ text }) => text),
      ...{ answer: answer.answer, option: answer.option ?? undefined, abstained: answer.abstained },
      recalled: answer.recall.flatMap(({ score }, i) => {
        const entry = entries[i];
        if (!entry) return [];
        return {
          ...clocks.entry(entry),
          ...channelsOf(score),
          ...{ cited: cited.has(entry.id), tokens: countTokens(entry.text) },
        };
      }),
      asked: task && {
        ...{ task: task.id, askedAt: new Date(task.askedAtMs).toISOString(), abstained: task.abstained },
        answer: task.answer === "" ? undefined : task.answer,
        ...{ citations: [...task.citations], reader: task.reader },
        feedback: task.feedback
          ? { verdict: task.feedback.verdict, correction: task.feedback.correction ?? undefined }
          : undefined,
      },
      milliseconds,
      ...{ promptTokens: answer.cost.promptTokens, completionTokens: answer.cost.completionTokens },
      usd: answer.cost.usd,
    };
  },
  text: ({ question, answer, recalled, milliseconds }) =>
    [
      `“${question.replace(/\s+/g, " ")}”: ${answer}`,
      `${recalled.length} memories recalled in ${Math.round(milliseconds)} ms`,
      ...(recalled.length > 0 ? [quoted] : []),
      ...recalled.map((one) => {
        const found = channels.flatMap((name) => (one[name] ? [`${name} ${one[name].rank}`] : []));
        return `${one.cited ? "*" : " "} ${quoteLine(one)} (${found.join(", ")})`;
      }),
    ].join("\n"),
});

function channelsOf({ total, fullText, vector, time, speaker }: RecallScore) {
  return {
    ...{ total, words: fullText, time, speaker },
    ...(vector && { likeness: { rank: vector.rank, score: vector.score } }),
    byMeaning: vector?.byMeaning ?? false,
  };
}
