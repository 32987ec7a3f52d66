import { z } from "zod";
import type { MissOutcome } from "../taskmem/miss.ts";
import { oneLine } from "../util/plain-text.ts";
import { Clocks, filters, gap, gapLine, given, moment, quote, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

const outcomes = [
  ...["answered", "never-perceived", "not-decided", "dropped", "not-found", "not-read", "unknown"],
] as const satisfies readonly MissOutcome[];

/** Why a question was missed: which stage lost its answer. */
export const explain = verb({
  name: "explain",
  title: "Why a question was missed",
  about:
    "Says which stage lost the answer to a question that was declined or answered wrongly: perception never found it, the policy dropped it, recall did not find it, or the reader did not read it. Say what the right answer is, or when it was said or shown. The question is asked again and not kept.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    question: z.string().trim().min(1).max(4000).optional().describe("left out where `task` names one"),
    options: z
      .array(z.string().min(1).max(1000))
      .min(2)
      .max(26)
      .optional()
      .describe("answers to choose from"),
    task: z
      .string()
      .optional()
      .describe("id of a question that was asked; its correction is the right answer"),
    expected: z
      .string()
      .trim()
      .min(1)
      .max(4000)
      .optional()
      .describe("the right answer, in words that were used"),
    atSeconds: z
      .number()
      .optional()
      .describe("when it was said or shown, in seconds of the stream's own time"),
    streams: filters.streams,
    speakers: filters.speakers,
    asOfSeconds: z.number().optional().describe("only what had ended by this moment of stream time"),
  }),
  output: z.object({
    outcome: z
      .enum(outcomes)
      .describe(
        "where it was lost; `not-decided`: its clip waits or failed; `answered`: it is not lost; `unknown`: nothing that is still kept tells",
      ),
    reason: z.string().describe("the same as a sentence, with the evidence"),
    question: z.string(),
    expected: z.string().optional(),
    atSeconds: z.number().optional(),
    answer: z
      .object({
        answer: z.string(),
        option: z.string().optional(),
        abstained: z.boolean(),
        citations: z.array(quote),
      })
      .describe("what is answered now"),
    perceived: moment
      .extend({
        clip: z.int(),
        kind: z.enum(["speech", "caption", "screen", "sound", "person"]),
        text: z.string(),
        speaker: z.string().optional(),
      })
      .optional()
      .describe("what perception found of it, where no memory holds it"),
    decision: z
      .object({
        policy: z.string(),
        revision: z.string().describe("of the policy and its adapter"),
        at: z.string().describe("wall time, ISO 8601"),
      })
      .optional()
      .describe("who decided about it"),
    keptInstead: z.array(quote).describe("where it was dropped: what that decision kept"),
    kept: quote
      .extend({
        rank: z
          .int()
          .optional()
          .describe("its place among what recall finds, from 1; left out beyond the first 1000"),
        found: z.boolean().describe("whether the reader was given it"),
        shown: z.boolean().describe("whether it fitted what the reader is shown"),
        closed: z.string().optional().describe("why it is no longer current"),
      })
      .optional()
      .describe("the memory that holds it"),
    gaps: z.array(gap).describe("times at the moment that were not watched"),
    searched: z
      .object({ clips: z.int(), observed: z.int(), entries: z.int(), recalled: z.int() })
      .describe(
        "clips, those whose observation is still kept, memories, and memories that the reader was given",
      ),
  }),
  async run(memory, { question, options, ...asked }, { signal }) {
    const named =
      question === undefined ? {} : { question: options ? { text: question, options } : question };
    const miss = await memory.explain({ ...named, ...given(asked), ...(signal && { signal }) });
    const clocks = await Clocks.of(memory);
    const { answer, perceived, decision, kept } = miss;
    return {
      ...{ outcome: miss.outcome, reason: miss.reason, question: miss.question.text },
      ...{ expected: miss.expected ?? undefined, atSeconds: miss.atSeconds ?? undefined },
      answer: {
        ...{ answer: answer.answer, option: answer.option ?? undefined, abstained: answer.abstained },
        citations: answer.citations.map((one) => ({
          ...clocks.moment(one),
          entry: one.entry,
          text: one.text,
        })),
      },
      perceived: perceived
        ? {
            ...clocks.moment(perceived),
            ...{ clip: perceived.clip, kind: perceived.kind, text: perceived.text },
            speaker: perceived.speaker ?? undefined,
          }
        : undefined,
      decision: decision
        ? {
            ...{ policy: decision.policy, revision: decision.revision },
            at: new Date(decision.decidedAtMs).toISOString(),
          }
        : undefined,
      keptInstead: miss.keptInstead.map((entry) => clocks.entry(entry)),
      kept: kept
        ? {
            ...clocks.entry(kept.entry),
            ...{ rank: kept.rank ?? undefined, found: kept.isFound, shown: kept.isShown },
            closed: kept.entry.closed?.reason,
          }
        : undefined,
      gaps: miss.gaps.map((one) => clocks.gap(one)),
      searched: miss.searched,
    };
  },
  text: ({ outcome, reason, perceived, keptInstead, kept, gaps }) =>
    [
      `${outcome}: ${oneLine(reason)}`,
      ...(kept || perceived || keptInstead.length > 0 ? [quoted] : []),
      ...(kept ? [quoteLine(kept)] : []),
      ...(perceived ? [`${perceived.at} ${oneLine(perceived.stream)}: “${oneLine(perceived.text)}”`] : []),
      ...(keptInstead.length > 0 ? ["Kept instead:", ...keptInstead.map(quoteLine)] : []),
      ...gaps.map(gapLine),
    ].join("\n"),
});
