import { z } from "zod";
import { isTaskMemError } from "../errors.ts";
import type { LearnResult } from "../taskmem/learning.ts";
import { given } from "./shapes.ts";
import { verb } from "./verb.ts";

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
      }),
    ),
    next: z.string().optional(),
  }),
  async run(memory, { state, cursor, limit }) {
    const { items, next } = await memory.page("adapters", given({ state }), given({ cursor, limit }));
    return {
      adapters: items.map(({ id, policy, revision, state, reason, atMs, tasks }) => ({
        ...{ adapter: id, policy, revision, state, reason },
        ...{ since: new Date(atMs).toISOString(), tasks: tasks.length },
      })),
      next: next ?? undefined,
    };
  },
  text: ({ adapters, next }) =>
    [
      ...(adapters.length === 0 ? ["Nothing was learned yet."] : []),
      ...adapters.map(({ adapter, state, reason }) => `[${adapter}] ${state}: ${reason}`),
      ...(next === undefined ? [] : [`More: cursor ${next}`]),
    ].join("\n"),
});

/** Writing with another adapter. */
export const promote = verb({
  name: "promote",
  title: "Write with an adapter",
  about: "Makes a kept adapter active: what is watched from now on is written with it.",
  effect: "changes",
  isIdempotent: true,
  input: z.strictObject({ adapter: z.string().describe("id") }),
  output: z.object({ active: z.string().describe("id of the active adapter") }),
  async run(memory, { adapter }) {
    await memory.adapters.promote(adapter);
    return { active: adapter };
  },
  text: ({ active }) => `${active} is active.`,
});

/** Undoing the last promotion. */
export const rollback = verb({
  name: "rollback",
  title: "Take an adapter back",
  about: "Makes the adapter that was active before the present one active again, or none.",
  effect: "changes",
  isIdempotent: false,
  input: z.strictObject({}),
  output: z.object({
    active: z.string().optional().describe("id of the adapter that is active again; left out where none is"),
  }),
  run: async (memory) => ({ active: (await memory.adapters.rollback()) ?? undefined }),
  text: ({ active }) => (active === undefined ? "No adapter is active." : `${active} is active again.`),
});
