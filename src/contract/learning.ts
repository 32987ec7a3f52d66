import { z } from "zod";
import { isTaskMemError } from "../errors.ts";
import type { CanaryStanding } from "../taskmem/canary.ts";
import type { LearnResult } from "../taskmem/learning.ts";
import { oneLine } from "../util/plain-text.ts";
import { provenanceOf } from "./adapter.ts";
import { given } from "./shapes.ts";
import { verb } from "./verb.ts";

const tried = z.object({
  heldOut: z.number().describe("comparisons"),
  winRate: z.number(),
  lossRate: z.number(),
  accuracyBefore: z.number(),
  accuracyAfter: z.number(),
  evidenceBefore: z.number().optional(),
  evidenceAfter: z.number().optional(),
});
const state = z.enum(["candidate", "active", "retired", "refused"]);

/** Learning from what was asked. */
export const learn = verb({
  name: "learn",
  title: "Learn from the questions",
  about:
    "Trains an adapter from the questions asked so far, tries it on others, and makes it active if it does better. Happens by itself after every few new questions.",
  effect: "changes",
  isIdempotent: false,
  input: z.strictObject({}),
  output: z.object({
    activated: z.boolean(),
    reason: z.string(),
    adapter: z.string().optional().describe("id of the adapter; left out where none was trained"),
    questions: z.int().describe("distinct questions it was trained on"),
    words: z.array(z.string()).describe("words it pays more attention to, the heaviest first"),
  }),
  async run(memory, _, { signal, apart = false }) {
    const learned = memory.learn({ signal, apart }).catch((error) => {
      // Parts that only this process has stay in it.
      if (isTaskMemError(error, "apart-impossible")) return memory.learn({ signal });
      throw error;
    });
    return learnedOf(await learned);
  },
  text: ({ activated, reason, questions }) =>
    `${activated ? "Learned" : "Nothing was learned"} from ${questions} questions: ${reason}`,
});

/** What learning gave, as the verb returns it. */
export function learnedOf({ activated, reason, id, questions, words }: LearnResult) {
  const shown = words.slice(0, 20).map(({ word }) => word);
  return { activated, reason, adapter: id ?? undefined, questions, words: shown };
}

const questions = z.object({ asked: z.int(), bad: z.int() });
const canary = z.object({
  share: z.number().describe("of the streams"),
  streams: z.array(z.string()).describe("those it writes"),
  since: z.string().describe("wall time, ISO 8601"),
  own: questions.describe("about its streams since then; bad: declined, or wrong by feedback"),
  others: questions.describe("about the others in the same time"),
  before: questions.describe("about its streams before"),
  p: z.number().optional().describe("of Fisher's exact test, one-sided, at the last look"),
  worse: z.boolean().describe("whether it did worse at the last look; at two in a row it is taken back"),
});

/** What was learned, and which of it the memory writes with. */
export const adapters = verb({
  name: "adapters",
  title: "What was learned",
  about: "Lists what was learned: each adapter with its state and the reason for it, page by page.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({
    state: state.optional(),
    cursor: z.string().optional().describe("`next` of the page before"),
    limit: z.int().min(1).max(100).default(50),
  }),
  output: z.object({
    adapters: z.array(
      z.object({
        adapter: z.string().describe("id"),
        policy: z.string(),
        revision: z.string(),
        state,
        reason: z.string(),
        since: z.string().describe("wall time, ISO 8601"),
        tasks: z.int().describe("questions it was trained on"),
        canary: canary.optional().describe("how it does, while it writes a share of the streams"),
        tried: tried
          .optional()
          .describe("how it was tried on what did not train it, in shares of the comparisons"),
      }),
    ),
    next: z.string().optional(),
  }),
  async run(memory, { state, cursor, limit }) {
    const { items, next } = await memory.page("adapters", given({ state }), given({ cursor, limit }));
    const standing = await memory.adapters.canary();
    return {
      adapters: items.map(({ id, policy, revision, state, reason, atMs, tasks, file }) => ({
        ...{ adapter: id, policy, revision, state, reason },
        ...{ since: new Date(atMs).toISOString(), tasks: tasks.length },
        ...(standing?.adapter === id && { canary: canaryShown(standing) }),
        tried: tried.safeParse(provenanceOf({ file }).report).data,
      })),
      next: next ?? undefined,
    };
  },
  text: ({ adapters, next }) =>
    [
      ...(adapters.length === 0 ? ["Nothing was learned yet."] : []),
      ...adapters.map(({ adapter, state, reason, canary: of }) => {
        const standing = of === undefined ? "" : `; ${canaryText(of)}`;
        return `[${adapter}] ${state}: ${reason}${standing}`;
      }),
      ...(next === undefined ? [] : [`More: cursor ${next}`]),
    ].join("\n"),
});

function canaryShown({ share, streams, sinceMs, own, others, before, p, isWorse }: CanaryStanding) {
  return {
    ...{ share, streams: [...streams], since: new Date(sinceMs).toISOString() },
    ...{ own, others, before, p: p ?? undefined, worse: isWorse },
  };
}

/** How a canary does, on one line. */
export function canaryText({ streams, own, others, before, p, worse }: z.output<typeof canary>): string {
  const of = ({ asked, bad }: z.output<typeof questions>) => `${bad} of ${asked}`;
  const test = p === undefined ? "too few to tell" : `p = ${p.toPrecision(2)}${worse ? ", worse" : ""}`;
  return `it writes ${streams.map(oneLine).join(", ")}; went badly: ${of(own)} questions about them, ${of(others)} about the others (${test}), ${of(before)} before`;
}

/** Writing with another adapter. */
export const promote = verb({
  name: "promote",
  title: "Write with an adapter",
  about:
    "Makes a kept adapter active: what is watched from now on is written with it. With a share it goes on canary: it writes so large a share of the streams, and is taken back by itself when answers about them get worse.",
  effect: "changes",
  isIdempotent: true,
  input: z.strictObject({
    adapter: z.string().describe("id"),
    share: z.number().gt(0).lt(1).optional().describe("of the streams; all if left out"),
  }),
  output: z.object({
    active: z.string().optional().describe("id of the active adapter; left out where none is"),
    canary: z.string().optional().describe("id of the adapter on canary"),
  }),
  async run(memory, { adapter, share }) {
    await memory.adapters.promote(adapter, { share });
    const active = await memory.adapters.active();
    return { active: active?.id, ...(share !== undefined && { canary: adapter }) };
  },
  text: ({ active, canary }) =>
    `${active ?? "No adapter"} is active.${canary === undefined ? "" : ` ${canary} is on canary.`}`,
});

/** Undoing the last promotion. */
export const rollback = verb({
  name: "rollback",
  title: "Take an adapter back",
  about:
    "Takes the adapter on canary off it; where none is, makes the adapter that was active before the present one active again, or none.",
  effect: "changes",
  isIdempotent: false,
  input: z.strictObject({}),
  output: z.object({
    active: z.string().optional().describe("id of the active adapter; left out where none is"),
  }),
  run: async (memory) => ({ active: (await memory.adapters.rollback()) ?? undefined }),
  text: ({ active }) => (active === undefined ? "No adapter is active." : `${active} is active.`),
});
