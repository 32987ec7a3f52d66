import { z } from "zod";
import { verb } from "./verb.ts";

/** Pausing a stream, and letting it run again. */
export const pause = verb({
  name: "pause",
  title: "Pause a stream",
  about:
    "Pauses a stream, or lets it run again. While it is paused, who watches it leaves out what comes and keeps a gap instead, a recording waits, and what is pushed is refused.",
  effect: "changes",
  isIdempotent: true,
  input: z.strictObject({
    stream: z.string().describe("id of the stream"),
    paused: z.boolean().describe("false lets it run again"),
  }),
  output: z.object({
    stream: z.string(),
    pausedAt: z
      .string()
      .optional()
      .describe("wall time since when it is paused, ISO 8601; left out where it runs"),
  }),
  async run(memory, { stream, paused }) {
    await memory.streams([stream]);
    await memory.store.pauseStream(stream, paused);
    const pause = (await memory.store.pauses()).find((one) => one.stream === stream);
    return { stream, ...(pause && { pausedAt: new Date(pause.sinceMs).toISOString() }) };
  },
  text: ({ stream, pausedAt }) =>
    pausedAt === undefined ? `${stream} runs.` : `${stream} is paused since ${pausedAt}.`,
});
