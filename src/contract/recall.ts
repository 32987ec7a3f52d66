import { z } from "zod";
import { countTokens } from "../util/count-tokens.ts";
import { Clocks, filters, given, listed, quoted, quoteLine } from "./shapes.ts";
import { verb } from "./verb.ts";

/** Entries that fit a text. */
export const recall = verb({
  name: "recall",
  title: "Search memory",
  about: "Finds the memories that fit a text, best first, without answering anything.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    query: z.string().trim().min(1).max(4000),
    ...filters,
    limit: z.int().min(1).max(50).default(10),
    maxTokens: z.int().min(50).max(8000).default(4000).describe("most tokens of all texts together"),
  }),
  output: z.object({
    entries: z.array(listed),
    left: z.int().describe("found entries that the tokens left no room for"),
  }),
  async run(memory, { query, limit, maxTokens, ...filter }) {
    const found = await memory.recall({ text: query, limit, ...given(filter) });
    const clocks = await Clocks.of(memory);
    let room = maxTokens;
    const fitting = found.filter(({ entry }) => {
      const tokens = countTokens(entry.text);
      const fits = tokens <= room;
      if (fits) room -= tokens;
      return fits;
    });
    return {
      entries: fitting.map(({ entry }) => clocks.entry(entry)),
      left: found.length - fitting.length,
    };
  },
  text: ({ entries, left }) =>
    entries.length === 0
      ? "Nothing in memory fits."
      : [quoted, ...entries.map(quoteLine), ...(left > 0 ? [`${left} more were left out.`] : [])].join("\n"),
});
