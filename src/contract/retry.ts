import { z } from "zod";
import { verb } from "./verb.ts";

/** Trying again what failed. */
export const retry = verb({
  name: "retry",
  title: "Try failed clips again",
  about:
    "Makes the clips of a stream that failed for good wait for another try, which the next watch makes, as far as their observation is kept.",
  effect: "changes",
  isIdempotent: true,
  input: z.strictObject({ stream: z.string().describe("id of the stream") }),
  output: z.object({
    waiting: z.int().describe("clips that wait again"),
    gone: z.int().describe("clips of which nothing is left to try"),
  }),
  async run(memory, { stream }) {
    await memory.streams([stream]);
    const { waiting, gone } = await memory.store.retryClips(stream);
    return { waiting: waiting.length, gone: gone.length };
  },
  text: ({ waiting, gone }) => `${waiting} clips wait to be tried again; of ${gone} nothing is left.`,
});
