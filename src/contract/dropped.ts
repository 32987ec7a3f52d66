import { z } from "zod";
import { wordSpace } from "../engines/local/index.ts";
import { droppedLines } from "../taskmem/dropped.ts";
import { oneLine } from "../util/plain-text.ts";
import { Clocks, filters, moment, quoted } from "./shapes.ts";
import { verb } from "./verb.ts";

/** What was heard and seen lately, and not kept. */
export const dropped = verb({
  name: "dropped",
  title: "What was not kept",
  about:
    "Lists what was said and shown lately and is in no memory, the latest first, as far as the observations are still held: the last 360 clips of a stream. `keep` says of a line that such things are to be kept.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    streams: filters.streams,
    limit: z.int().min(1).max(500).default(100),
  }),
  output: z.object({
    lines: z.array(
      moment.extend({
        clip: z.int(),
        kind: z.enum(["speech", "caption", "screen", "sound", "person"]),
        text: z.string(),
        speaker: z.string().optional(),
        share: z.number().describe("of its words, what a memory of its time holds"),
        policy: z.string().optional().describe("who decided about its clip"),
        revision: z.string().optional().describe("of the policy and its adapter"),
      }),
    ),
    seen: z.int().describe("lines that were looked at"),
    left: z.int().describe("dropped lines beyond `limit`"),
  }),
  async run(memory, { streams, limit }) {
    const records = await memory.streams(streams);
    const clocks = new Clocks(records);
    const each = await Promise.all(
      records.map(async ({ id, clock }) => {
        const { lines, seen } = await droppedLines(memory.store, wordSpace, id);
        const decided = new Map((await memory.store.decisions(id)).map((one) => [one.clip, one]));
        const wallMs = (at: number) => (clock.kind === "wall" ? clock.originMs + 1000 * at : at);
        return {
          seen,
          lines: lines.map((line) => ({ line, by: decided.get(line.clip), atMs: wallMs(line.startSeconds) })),
        };
      }),
    );
    const all = each.flatMap(({ lines }) => lines).sort((a, b) => b.atMs - a.atMs);
    return {
      lines: all.slice(0, limit).map(({ line, by }) => ({
        ...clocks.moment(line),
        ...{ clip: line.clip, kind: line.kind, text: line.text, speaker: line.speaker ?? undefined },
        ...{ share: line.share, policy: by?.policy, revision: by?.revision },
      })),
      seen: each.reduce((sum, { seen }) => sum + seen, 0),
      left: Math.max(0, all.length - limit),
    };
  },
  text: ({ lines, seen, left }) =>
    [
      `${lines.length + left} of ${seen} lines are in no memory.`,
      ...(lines.length > 0 ? [quoted] : []),
      ...lines.map(({ at, stream, text }) => `${at} ${oneLine(stream)}: “${oneLine(text)}”`),
    ].join("\n"),
});

/** A line that was not kept and should have been. */
export const keep = verb({
  name: "keep",
  title: "Keep this kind of thing",
  about:
    "Says of a line that was not kept that such things are to be kept: it becomes a question whose right answer is the line, which the policy learns from, and, if wanted, a memory itself.",
  effect: "adds",
  isIdempotent: false,
  input: z.strictObject({
    stream: z.string().describe("id of the stream it was in"),
    text: z.string().trim().min(1).max(4000).describe("the line"),
    question: z
      .string()
      .trim()
      .min(1)
      .max(4000)
      .optional()
      .describe("a question that it answers; the line itself if left out"),
    speaker: z.string().min(1).max(200).optional(),
    remember: z.boolean().default(true).describe("whether the line itself becomes a memory"),
  }),
  output: z.object({
    task: z.string().describe("id of the question"),
    entry: z.string().optional().describe("id of the memory"),
  }),
  async run(memory, { stream, text, question = text, speaker, remember }) {
    await memory.streams([stream]);
    const said = speaker === undefined ? text : `${speaker}: ${text}`;
    const kept = remember
      ? await memory.remember({
          text: said,
          id: `kept ${stream} ${text}`,
          ...(speaker !== undefined && { speaker }),
        })
      : null;
    const task = await memory.recordTask({ question, stream, ...(kept && { citations: [kept.entry.id] }) });
    await memory.store.addFeedback(task.id, { atMs: Date.now(), verdict: "wrong", correction: text });
    return { task: task.id, entry: kept?.entry.id };
  },
  text: ({ task, entry }) => `Noted as ${task}${entry === undefined ? "" : `, and kept as ${entry}`}.`,
});
