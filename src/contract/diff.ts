import { z } from "zod";
import { oneLine } from "../util/plain-text.ts";
import { Clocks, filters, given, moment, quoted } from "./shapes.ts";
import { verb } from "./verb.ts";

/** Most decisions that are told whole. */
const mostDecisions = 200;
const amount = z.object({ memories: z.int(), tokens: z.int() });
const lines = z.array(z.string());

/** What two adapters keep of the same clips. */
export const diff = verb({
  name: "diff",
  title: "What an adapter changes",
  about:
    "Shows what was watched last to the policy once more, with an adapter and with another, and tells what each keeps and drops, side by side. Nothing is written. A policy that asks a model asks it about each clip twice.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    adapter: z
      .string()
      .optional()
      .describe("id; the active one, otherwise the one trained last, if left out"),
    against: z
      .string()
      .optional()
      .describe(
        "id of the one it is compared with, or `none`; what the active one replaced, or for another the active one, if left out",
      ),
    streams: filters.streams,
    fromSeconds: filters.fromSeconds,
    toSeconds: filters.toSeconds,
    lastSeconds: z
      .number()
      .positive()
      .default(3600)
      .describe("without a span, so much of the end of each stream"),
  }),
  output: z.object({
    before: z.object({ adapter: z.string().optional(), revision: z.string(), kept: amount }),
    after: z.object({ adapter: z.string(), revision: z.string(), kept: amount }),
    keptByBoth: z.int().describe("memories that both keep, word for word"),
    decisions: z.int().describe("all decisions about these clips"),
    changed: z
      .array(
        moment.extend({
          both: lines,
          onlyBefore: lines.describe("what the adapter drops"),
          onlyAfter: lines.describe("what it keeps instead"),
          neither: lines.describe("texts that perception found and neither keeps"),
        }),
      )
      .describe("decisions in which they differ"),
    left: z.int().describe("differing decisions beyond those told"),
  }),
  async run(memory, { against, ...asked }, { signal }) {
    const other = against === undefined ? {} : { against: against === "none" ? null : against };
    const told = await memory.adapters.diff({ ...given(asked), ...other, ...(signal && { signal }) });
    const clocks = await Clocks.of(memory);
    const changed = told.decisions.filter(
      ({ onlyBefore, onlyAfter }) => onlyBefore.length + onlyAfter.length > 0,
    );
    return {
      before: {
        ...{ adapter: told.beforeAdapter ?? undefined, revision: told.before, kept: told.keptBefore },
      },
      after: { adapter: told.afterAdapter, revision: told.after, kept: told.keptAfter },
      ...{ keptByBoth: told.keptByBoth, decisions: told.decisions.length },
      changed: changed.slice(0, mostDecisions).map((one) => ({
        ...clocks.moment(one),
        ...{ both: [...one.both], onlyBefore: [...one.onlyBefore] },
        ...{ onlyAfter: [...one.onlyAfter], neither: [...one.neither] },
      })),
      left: Math.max(0, changed.length - mostDecisions),
    };
  },
  text: ({ before, after, keptByBoth, decisions, changed, left }) => {
    const total = changed.length + left;
    return [
      `${before.revision} keeps ${before.kept.memories} memories (${before.kept.tokens} tokens), ${after.revision} ${after.kept.memories} (${after.kept.tokens}); both ${keptByBoth}. They differ in ${total} of ${decisions} decisions.`,
      ...(changed.length > 0 ? [quoted] : []),
      ...changed.flatMap(({ at, stream, both, onlyBefore, onlyAfter, neither }) => [
        `${at} ${oneLine(stream)}`,
        ...both.map((text) => `  = “${oneLine(text)}”`),
        ...onlyBefore.map((text) => `  - “${oneLine(text)}”`),
        ...onlyAfter.map((text) => `  + “${oneLine(text)}”`),
        ...(neither.length > 0 ? [`  and ${neither.length} texts that neither keeps`] : []),
      ]),
      ...(left > 0 ? [`${left} more decisions differ.`] : []),
    ].join("\n");
  },
});
