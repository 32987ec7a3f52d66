/** A policy, a judge, a reader and perceptors of one's own are written from exported types alone. */
import {
  type Action,
  type AgentOptions,
  type Context,
  createAgent,
  type DecideOptions,
  type DecideResult,
  type Judge,
  type Judged,
  type JudgeFailure,
  type Memory,
  type Perceptors,
  type Policy,
  type Preference,
  type QualityRequest,
  type QualityVerdict,
  type Reader,
  type Reading,
  type ReadRequest,
  type RelevanceRequest,
  type RichnessRequest,
  type ScreenReader,
  type Transcriber,
} from "../../src/index.ts";

const cost = { calls: 0, promptTokens: 0, completionTokens: 0, usd: 0 };

/** Keeps what was said. */
const policy: Policy = {
  id: "verbatim",
  revision: "verbatim@1",
  clipsPerDecision: 1,
  async decide({ observations }: Context, { n = 1 }: DecideOptions = {}): Promise<DecideResult> {
    const text = observations.flatMap(({ speech }) => speech.map(({ text }) => text)).join(" ");
    const action: Action = { text, statements: [], logprobs: null, revision: "verbatim@1", issues: [] };
    return { actions: Array.from({ length: n }, () => action), cost };
  },
  advance: () => null,
};

// @ts-expect-error: a policy says how its state changes
({ id: "", revision: "", clipsPerDecision: 1, decide: policy.decide }) satisfies Policy;

/** The longer memory is the better one. */
const judge: Judge = {
  id: "length",
  async quality({ memory }: QualityRequest): Promise<Judged<QualityVerdict>> {
    return { ok: true, value: { correct: true, clean: memory.length < 200, rationale: "by its length" } };
  },
  async richness({ memories }: RichnessRequest): Promise<Judged<readonly number[]>> {
    return { ok: true, value: memories.map(({ length }) => length) };
  },
  async relevance({ first, second, questions }: RelevanceRequest): Promise<Judged<Preference>> {
    const failure: JudgeFailure = { ok: false, reason: "no-evidence", message: "nothing is asked" };
    if (questions.length === 0) return failure;
    return { ok: true, value: first.length >= second.length ? "first" : "second" };
  },
};

/** Says what was recalled first. */
const reader: Reader = {
  id: "first",
  tokenBudget: 100,
  async read({ recalled }: ReadRequest): Promise<Reading> {
    const [best] = recalled;
    const cited = best ? [best.entry.id] : [];
    return { answer: best?.entry.text ?? "", option: null, abstained: !best, cited, cost };
  },
};

const screenReader: ScreenReader = { id: "blank", read: async () => [] };
const transcriber: Transcriber = { id: "silence", transcribe: async () => [] };
const perceptors: Perceptors = { transcriber, language: null, screenReader };

declare const memory: Memory;
export const options: AgentOptions = { memory, policy, reader, perceptors };
export const agent = createAgent(options);
export { judge };
