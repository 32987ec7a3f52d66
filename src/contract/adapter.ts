import { z } from "zod";
import type { AdapterWord } from "../adapter/adapter.ts";
import { isTaskMemError, StoreError } from "../errors.ts";
import type { KeptAdapter } from "../memory/memory.ts";
import type { TaskMem } from "../taskmem.ts";
import { verb } from "./verb.ts";

/** Words that are told, the heaviest. */
const mostWords = 60;
/** Questions that are told, the latest. */
const mostQuestions = 50;

/** One thing that was learned, with what it weighs and how it was tried. */
export const adapter = verb({
  name: "adapter",
  title: "One thing that was learned",
  about:
    "Tells of an adapter which words it weighs, beside the one that was active before it, what it was trained on, how it was tried, and every state it was in.",
  effect: "reads",
  isIdempotent: true,
  input: z.strictObject({ adapter: z.string().describe("id") }),
  output: z.object({
    adapter: z.string(),
    policy: z.string(),
    revision: z.string(),
    method: z.string().describe("how it was made: closed-form, dpo, blend or import"),
    history: z.array(
      z.object({
        state: z.enum(["candidate", "active", "retired", "refused"]),
        reason: z.string(),
        at: z.string().describe("wall time, ISO 8601"),
      }),
    ),
    report: z.record(z.string(), z.number()).describe("what training and validation measured, by name"),
    words: z
      .array(
        z.object({
          word: z.string(),
          weight: z.number(),
          before: z.number().optional().describe("its weight in `before`"),
        }),
      )
      .describe("the heaviest first; none where it has no words"),
    before: z.string().optional().describe("id of the adapter that was active before it was made"),
    questions: z.array(z.string()).describe("of those it was trained on, the latest"),
  }),
  async run(memory, { adapter: id }) {
    const all = await memory.store.adapters();
    const kept = all.find((one) => one.id === id);
    if (!kept) throw new StoreError("adapter-unknown", `Expected the id of an adapter, got ${id}`);
    const before = all
      .slice(0, all.indexOf(kept))
      .findLast((one) => one.policy === kept.policy && wasActive(one));
    const [words, earlier] = [await wordsOf(memory, kept), before ? await wordsOf(memory, before) : []];
    const weightBefore = new Map(earlier.map(({ word, weight }) => [word, weight]));
    const trainedOn = new Set(kept.tasks);
    const asked = (await memory.store.tasks()).filter(({ id }) => trainedOn.has(id));
    const { method, report } = provenanceOf(kept);
    const history = kept.history ?? [kept];
    return {
      ...{ adapter: id, policy: kept.policy, revision: kept.revision, method, report },
      history: history.map(({ state, reason, atMs }) => ({
        ...{ state, reason, at: new Date(atMs).toISOString() },
      })),
      words: words.slice(0, mostWords).map(({ word, weight }) => ({
        ...{ word, weight, before: weightBefore.get(word) },
      })),
      before: before?.id,
      questions: asked.slice(-mostQuestions).map(({ question }) => question.text),
    };
  },
  text: ({ adapter, history, words }) =>
    [
      ...history.map(({ state, reason, at }) => `[${adapter}] ${at} ${state}: ${reason}`),
      ...words.map(({ word, weight }) => `${word} ${weight.toFixed(3)}`),
    ].join("\n"),
});

const wasActive = ({ state, history = [] }: KeptAdapter) =>
  [{ state }, ...history].some((one) => one.state === "active");

/** The words of an adapter; none for one that has none, or no longer fits the policy. */
async function wordsOf(memory: TaskMem, { id, policy }: KeptAdapter): Promise<AdapterWord[]> {
  if (policy !== memory.adapters.policy) return [];
  return memory.adapters.words(id).catch((error) => {
    if (isTaskMemError(error)) return [];
    throw error;
  });
}

/** How an adapter was made and what was measured of it, as its file says. */
export function provenanceOf({ file }: Pick<KeptAdapter, "file">): {
  readonly method: string;
  readonly report: Readonly<Record<string, number>>;
} {
  const parsed = fileSchema.safeParse(parsedJson(file));
  if (!parsed.success) return { method: "unknown", report: {} };
  const { method, report } = parsed.data.provenance;
  const measured = Object.entries(report).filter(([, value]) => typeof value === "number");
  return { method, report: Object.fromEntries(measured) as Record<string, number> };
}

const fileSchema = z.object({
  provenance: z.object({
    method: z.string(),
    report: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
});

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
