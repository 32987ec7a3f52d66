import { z } from "zod";
import { notAnswered, type Task } from "../tasks/task.ts";
import { oneLine } from "../util/plain-text.ts";
import { asked, given } from "./shapes.ts";
import { verb } from "./verb.ts";

const task = z.object({
  task: z.string().describe("id of the question"),
  askedAt: z.string().describe("wall time, ISO 8601"),
  question: z.string(),
  options: z.array(z.string()),
  answer: z.string().optional().describe("left out where it was not answered"),
  option: z.string().optional(),
  abstained: z.boolean(),
  citations: z.array(z.string()).describe("ids of entries"),
  feedback: z.object({ verdict: z.enum(["right", "wrong"]), correction: z.string().optional() }).optional(),
});

/** What was asked. */
export const tasks = verb({
  name: "tasks",
  title: "Questions asked",
  about: "Lists the questions that were asked, with their answers and feedback: what the memory learns from.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    cursor: z.string().optional().describe("`next` of the page before"),
    limit: z.int().min(1).max(100).default(50),
    newest: z.boolean().default(false).describe("the latest `limit` alone, the last asked first"),
  }),
  output: z.object({ tasks: z.array(task), next: z.string().optional() }),
  async run(memory, { cursor, limit, newest }) {
    if (newest) return { tasks: (await memory.store.tasks({ limit, newest })).toReversed().map(taskOf) };
    const { items, next } = await memory.page("tasks", {}, given({ cursor, limit }));
    return { tasks: items.map(taskOf), next: next ?? undefined };
  },
  text: ({ tasks, next }) =>
    [
      ...(tasks.length === 0 ? ["Nothing was asked yet."] : []),
      ...tasks.map(({ task, question, answer, abstained }) => {
        const outcome = answer === undefined ? "not answered" : abstained ? "not in memory" : oneLine(answer);
        return `[${task}] “${oneLine(question)}”: ${outcome}`;
      }),
      ...(next === undefined ? [] : [`More: cursor ${next}`]),
    ].join("\n"),
});

function taskOf({ id, askedAtMs, question, answer, option, abstained, citations, reader, feedback }: Task) {
  return {
    ...{ task: id, askedAt: new Date(askedAtMs).toISOString(), question: question.text },
    options: question.options.map(({ text }) => text),
    ...(reader !== notAnswered && { answer }),
    ...{ option: option ?? undefined, abstained, citations: [...citations] },
    ...(feedback && {
      feedback: { verdict: feedback.verdict, correction: feedback.correction ?? undefined },
    }),
  };
}

/** A question that was answered elsewhere. */
export const record = verb({
  name: "record",
  title: "Record a question",
  about:
    "Keeps a question that was asked and answered elsewhere, so that the memory learns from it as from its own what to write down.",
  effect: "adds",
  isIdempotent: false,
  input: z.strictObject({
    ...asked,
    answer: z.string().min(1).max(4000).optional().describe("left out where it was not answered"),
    citations: z.array(z.string()).max(100).optional().describe("ids of the entries it rests on"),
    stream: z.string().optional().describe("id of the stream it is about"),
    askedAt: z.iso.datetime({ offset: true }).optional().describe("wall time, ISO 8601; now if left out"),
  }),
  output: z.object({ task: z.string().describe("id of the question, to give feedback on") }),
  async run(memory, { question, options, askedAt, ...rest }) {
    if (rest.stream !== undefined) await memory.streams([rest.stream]);
    const asked = options ? { text: question, options } : question;
    const when = askedAt === undefined ? {} : { askedAtMs: Date.parse(askedAt) };
    const { id } = await memory.recordTask({ question: asked, ...given(rest), ...when });
    return { task: id };
  },
  text: ({ task }) => `Recorded as ${task}.`,
});

/** What a person says about an answer. */
export const feedback = verb({
  name: "feedback",
  title: "Feedback on an answer",
  about:
    "Says whether an answer was right, and what would have been. The memory takes it into account when it learns.",
  effect: "adds",
  isIdempotent: true,
  input: z.strictObject({
    task: z.string().describe("`task` of the answer"),
    verdict: z.enum(["right", "wrong"]),
    correction: z.string().min(1).max(4000).optional().describe("the right answer"),
  }),
  output: z.object({ task: z.string(), verdict: z.enum(["right", "wrong"]) }),
  async run(memory, { task, verdict, correction }) {
    await memory.feedback(task, verdict, correction);
    return { task, verdict };
  },
  text: ({ task, verdict }) => `Noted: ${task} was ${verdict}.`,
});
