import { z } from "zod";
import type { Citation } from "../answer/answer.ts";
import type { Entry } from "../memory/memory.ts";
import { asked, Clocks, filters, gap, gapLine, given, quote, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

/** A question, answered from memory alone. */
export const ask = verb({
  name: "ask",
  title: "Ask memory",
  about:
    "Answers a question from memory alone and cites the moments it rests on. Where memory does not hold the answer it says so and shows the closest moments. The memory learns from what it is asked what to write down.",
  effect: "adds",
  isIdempotent: false,
  input: z.strictObject({
    ...asked,
    streams: filters.streams,
    speakers: filters.speakers,
    asOfSeconds: z.number().optional().describe("only what had ended by this moment of stream time"),
    record: z.boolean().default(true).describe("whether the memory keeps the question and learns from it"),
  }),
  output: z.object({
    answer: z.string(),
    option: z.string().optional().describe("letter of the chosen option"),
    abstained: z.boolean().describe("whether memory does not hold the answer"),
    citations: z.array(quote),
    closest: z.array(quote).describe("where it abstained: moments that came near"),
    earlier: z.array(quote).describe("earlier statements that the cited one replaced, the latest first"),
    gaps: z.array(gap).describe("times it asks about that were not watched"),
    bySpelling: z
      .string()
      .optional()
      .describe(
        "why the question was compared by spelling where meanings are to be compared, and what to do",
      ),
    task: z.string().optional().describe("id of the question, to give feedback on"),
    notRecorded: z.string().optional().describe("why the question could not be kept"),
  }),
  async run(memory, { question, options, record, ...filter }, { signal, onRecalled }) {
    const asked = options ? { text: question, options } : question;
    const clocks = await Clocks.of(memory);
    const quotes = (citations: readonly Citation[]) =>
      citations.map((one) => ({ ...clocks.moment(one), entry: one.entry, text: one.text }));
    const told = onRecalled && {
      onRecalled: (entries: readonly Entry[]) =>
        onRecalled(quotes(entries.map(({ id, ...one }) => ({ ...one, entry: id })))),
    };
    const answer = await memory.ask(asked, { ...given(filter), record, signal, ...told });
    return {
      ...{ answer: answer.answer, abstained: answer.abstained, option: answer.option ?? undefined },
      ...{ citations: quotes(answer.citations), closest: quotes(answer.nearestMisses) },
      ...{ earlier: quotes(answer.earlier), gaps: answer.gaps.map((one) => clocks.gap(one)) },
      bySpelling: answer.bySpelling ?? undefined,
      ...{ task: answer.task ?? undefined, notRecorded: answer.notRecorded ?? undefined },
    };
  },
  text({ answer, option, citations, closest, earlier, gaps, bySpelling }) {
    const lines = (heading: string, quotes: readonly z.output<typeof quote>[]) =>
      quotes.length > 0 ? [heading, ...quotes.map(quoteLine)] : [];
    return [
      option === undefined ? answer : `${option}. ${answer}`,
      ...(citations.length + closest.length > 0 ? [quoted] : []),
      ...lines("From:", citations),
      ...lines("Before that:", earlier),
      ...lines("Closest moments:", closest),
      ...gaps.map(gapLine),
      ...(bySpelling === undefined ? [] : [`Compared by spelling, not by meaning: ${bySpelling}`]),
    ].join("\n");
  },
});
