/**
 * The rows of a benchmark's table: what writes the memory. Each names a policy for every version of the protocol.
 *
 * Keep-nothing measures what the answerer knows without a memory; keep-all what the stream's texts hold; uniform what
 * a budget keeps by chance. Base is the policy untouched; best-of-n has it write as many texts as TaskMem picks from, with
 * nothing learnt to pick by: what more samples alone do. The task prompt shows it past questions; TaskMem learnt from them.
 */
import { noCost, type WordSpace } from "../engine.ts";
import { bestOfNPolicy } from "../policy/best-of-n.ts";
import { type ChoiceOptions, choicePolicy } from "../policy/choice.ts";
import { budgetRules, type ChoiceBudget, defaultBudget } from "../policy/choice-budget.ts";
import { candidatesOf } from "../policy/choice-candidates.ts";
import type { Action, Context, Policy } from "../policy/policy.ts";
import { taskSupplement } from "../policy/prompts.ts";
import { adapterFromTasks } from "../training/choice-trainer.ts";
import { sha256 } from "../util/hash.ts";
import { seededRandom, shuffle } from "../util/random.ts";
import type { PolicyVersion } from "./protocol.ts";
import { type BenchmarkTask, questionOf } from "./task.ts";

export const rowNames = [
  "keep-nothing",
  "keep-all",
  "uniform",
  "base",
  "best-of-n",
  "task-prompt",
  "taskmem",
] as const;
export type RowName = (typeof rowNames)[number];

export interface BenchmarkRow {
  readonly name: RowName;
  /** For people. */
  readonly label: string;
  /** Whether updates mean anything to it. */
  readonly learns: boolean;
  policyOf(version: PolicyVersion): Policy;
}

export interface RowOptions {
  /** What writes the base row. */
  readonly base:
    | { readonly kind: "choice"; readonly options: Omit<ChoiceOptions, "adapter"> }
    | { readonly kind: "engine"; readonly policy: Policy };
  readonly words: WordSpace;
  readonly clipSeconds: number;
  /** By id: what a version has learnt from. */
  readonly tasks: ReadonlyMap<string, BenchmarkTask>;
  /** Texts one is picked from, for TaskMem over an engine. */
  readonly samples: number;
  readonly seed: number;
}

/** The rows there can be for a base, and why the others cannot. */
export function benchmarkRows(options: RowOptions): {
  readonly rows: BenchmarkRow[];
  readonly missing: Partial<Record<RowName, string>>;
} {
  const { base, words, clipSeconds, tasks } = options;
  const budget = base.kind === "choice" ? (base.options.budget ?? defaultBudget) : defaultBudget;
  const untouched = base.kind === "choice" ? choicePolicy(base.options) : base.policy;
  const always = (policy: Policy) => () => policy;
  const rows: BenchmarkRow[] = [
    { name: "keep-nothing", label: "keep nothing", learns: false, policyOf: always(keepNothing) },
    {
      name: "keep-all",
      label: "keep all texts",
      learns: false,
      policyOf: always(choicePolicy({ words, clipSeconds, budget: { fraction: 1 } })),
    },
    {
      name: "uniform",
      label: "uniform random",
      learns: false,
      policyOf: always(uniformPolicy({ words, clipSeconds, budget, seed: options.seed })),
    },
    { name: "base", label: "base", learns: false, policyOf: always(untouched) },
  ];
  const taskmem: BenchmarkRow = {
    name: "taskmem",
    label: base.kind === "choice" ? "TaskMem (words)" : `TaskMem (words, best of ${options.samples})`,
    learns: true,
    policyOf: ({ examples }) => {
      const questions = examples.map((id) => ({ question: questionOf(tasks.get(id)!) }));
      const { adapter, problem } = adapterFromTasks(questions, { words });
      // One question says nothing yet about what questions have in common, but it is all there is to follow.
      if (problem !== null && problem !== "one-question") return untouched;
      return base.kind === "choice"
        ? choicePolicy({ ...base.options, adapter })
        : bestOfNPolicy({ inner: base.policy, words, adapter, samples: options.samples });
    },
  };
  if (base.kind === "choice") {
    const missing = {
      "best-of-n": "the choice policy picks among texts and writes none; give --policy engine",
      "task-prompt": "the choice policy picks among texts and reads no prompt; give --policy engine",
    };
    return { rows: [...rows, taskmem], missing };
  }
  const { samples } = options;
  const control: BenchmarkRow = {
    name: "best-of-n",
    label: `best of ${samples}, nothing learnt`,
    learns: false,
    policyOf: always(bestOfNPolicy({ inner: base.policy, words, samples })),
  };
  const prompted: BenchmarkRow = {
    name: "task-prompt",
    label: "base + task prompt",
    learns: true,
    policyOf: ({ hints }) =>
      hints.length === 0
        ? untouched
        : withSupplement(
            untouched,
            hints.map((id) => tasks.get(id)!.question),
          ),
  };
  return { rows: [...rows, control, prompted, taskmem], missing: {} };
}

const keepNothing: Policy = {
  id: "keep-nothing",
  revision: "keep-nothing@1",
  clipsPerDecision: 1,
  decide: async (_, { n = 1 } = {}) => {
    const action: Action = {
      ...{ text: "", statements: [], logprobs: null, issues: [] },
      revision: "keep-nothing@1",
    };
    return { actions: Array.from({ length: n }, () => action), cost: noCost };
  },
  advance: () => null,
};

interface UniformOptions {
  readonly words: WordSpace;
  readonly clipSeconds: number;
  readonly budget: ChoiceBudget;
  readonly seed: number;
}

/** The choice policy's purse, spent on any texts: each is as likely, seeded by place, so a rerun is the same. */
export function uniformPolicy({ words, clipSeconds, budget, seed }: UniformOptions): Policy {
  const { allowance, mostCarried } = budgetRules(budget);
  const revision = `uniform@1-${seed}-${sha256(JSON.stringify(budget)).slice(0, 6)}`;
  const purseOf = ({ state }: Context) => (state.value as number | null) ?? mostCarried;
  const keep = (context: Context) => {
    const candidates = candidatesOf(context.observations, words, new Set());
    const [first] = context.observations;
    let left = purseOf(context) + allowance(candidates);
    const random = seededRandom(`uniform ${seed} ${first!.stream} ${first!.clip}`);
    const kept = new Set(
      shuffle(random, candidates).filter(({ tokens }) => {
        if (tokens > left) return false;
        left -= tokens;
        return true;
      }),
    );
    return { kept: candidates.filter((candidate) => kept.has(candidate)), left };
  };
  return {
    id: "uniform",
    revision,
    clipsPerDecision: Math.max(1, Math.ceil(30 / clipSeconds - 1e-9)),
    decide: async (context, { n = 1 } = {}) => {
      const statements = keep(context).kept.map(({ statement }) => statement);
      const text = statements.map((statement) => statement.text).join("\n");
      const action: Action = { text, statements, logprobs: null, revision, issues: [] };
      return { actions: Array.from({ length: n }, () => action), cost: noCost };
    },
    advance: (context) => ({
      value: Math.min(mostCarried, keep(context).left),
      documents: 0,
      words: new Map(),
    }),
  };
}

/** The policy, shown questions of the kind it is for. */
function withSupplement(policy: Policy, questions: readonly string[]): Policy {
  const supplement = taskSupplement(questions);
  const revision = `${policy.revision}+prompt-${sha256(supplement).slice(0, 12)}`;
  return {
    ...policy,
    revision,
    decide: async (context, options) => {
      const { actions, cost } = await policy.decide({ ...context, supplement }, options);
      return { actions: actions.map((action) => ({ ...action, revision })), cost };
    },
    advance: (context, action) => policy.advance({ ...context, supplement }, action),
  };
}
