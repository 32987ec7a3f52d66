import { z } from "zod";
import { oneLine } from "../util/plain-text.ts";
import { verb } from "./verb.ts";

/** What was watched. */
export const streams = verb({
  name: "streams",
  title: "Streams",
  about: "Lists what was watched: each stream, whether it has ended, and what was left out of it.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({}),
  output: z.object({
    streams: z.array(
      z.object({
        stream: z.string().describe("id"),
        description: z.string(),
        addedAt: z.string().describe("wall time, ISO 8601"),
        ended: z.boolean().describe("whether it was watched to its end"),
        leftOut: z.array(z.string()).describe("what was left out of it, one sentence each"),
      }),
    ),
  }),
  run: async (memory) => ({
    streams: (await memory.streams()).map(({ id, description, addedAtMs, ended, leftOut }) => ({
      ...{ stream: id, description, addedAt: new Date(addedAtMs).toISOString(), ended },
      leftOut: leftOut.map(({ reason }) => reason),
    })),
  }),
  text: ({ streams }) =>
    streams.length === 0
      ? "Nothing was watched yet."
      : streams
          .map(
            ({ stream, description, ended }) =>
              `${oneLine(stream)}: ${oneLine(description)}${ended ? "" : " (not ended)"}`,
          )
          .join("\n"),
});
