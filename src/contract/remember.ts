import { z } from "zod";
import { given } from "./shapes.ts";
import { verb } from "./verb.ts";

/** A fact that is kept as it is. */
export const remember = verb({
  name: "remember",
  title: "Remember a fact",
  about: "Keeps a fact as it is, whatever the memory would choose by itself. The same id is kept once.",
  effect: "adds",
  isIdempotent: false,
  input: z.strictObject({
    text: z.string().trim().min(1).max(4000),
    speaker: z.string().min(1).max(200).optional().describe("who said it"),
    at: z.iso.datetime({ offset: true }).optional().describe("when it holds, ISO 8601; now if left out"),
    kind: z.enum(["episodic", "semantic"]).default("semantic"),
    id: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe("of the fact; a second call with it keeps nothing more"),
  }),
  output: z.object({
    entry: z.string().describe("id of the entry"),
    duplicate: z.boolean().describe("whether a fact with this id was kept before; that one is meant"),
    text: z.string(),
  }),
  async run(memory, { at, ...fact }) {
    const when = at === undefined ? {} : { atMs: Date.parse(at) };
    const { entry, duplicate } = await memory.remember({
      text: fact.text,
      kind: fact.kind,
      ...given(fact),
      ...when,
    });
    return { entry: entry.id, duplicate, text: entry.text };
  },
  text: ({ entry, duplicate }) => (duplicate ? `Already kept as ${entry}.` : `Kept as ${entry}.`),
});
