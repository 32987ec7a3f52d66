/**
 * The rows of a benchmark's table: what writes the memory. Each names a policy for every version of the protocol.
 *
 * Keep-nothing measures what the answerer knows without a memory; keep-all what the stream's texts hold; uniform what
 * a budget keeps by chance. Base is the policy untouched; best-of-n has it write several texts, with nothing trained to pick
 * by: what more samples alone do; words picks among as many by the words of past questions, in closed form. The task prompt
 * shows it past questions. Phase One is the choice policy with weights of that phase, or a model that went through it, where
 * there are some. TaskMem is what past questions taught on top of Phase One or base: a model by preferences between its
 * memories (`lessons.ts`), as in the paper; the choice policy, which writes no texts of its own, by words.
 */
import type { Adapter } from "../../adapter/adapter.ts";
import { noCost, type WordSpace } from "../../engine.ts";
import { bestOfNPolicy } from "../../policies/best-of-n/best-of-n.ts";
import { type ChoiceOptions, choicePolicy } from "../../policies/choice/choice.ts";
import { budgetRules, type ChoiceBudget, defaultBudget } from "../../policies/choice/choice-budget.ts";
import { candidatesOf } from "../../policies/choice/choice-candidates.ts";
import { adapterFromTasks } from "../../policies/choice/word-vector-trainer.ts";
import type { Action, Context, Policy } from "../../policy/policy.ts";
import { withTaskPrompt } from "../../policy/task-prompt.ts";
import { sha256 } from "../../util/hash.ts";
import { seededRandom, shuffle } from "../../util/random.ts";
import { type BenchmarkTask, questionOf } from "../task.ts";
import type { PolicyVersion } from "./protocol.ts";

/** Names of the rows, in the order of the table. */
export const rowNames = [
  "keep-nothing",
  "keep-all",
  "uniform",
  "base",
  "best-of-n",
  "words",
  "task-prompt",
  "phase-one",
  "taskmem",
] as const;
/** One of `rowNames`. */
export type RowName = (typeof rowNames)[number];

/** One row of the table: a policy for each version of the protocol. */
export interface BenchmarkRow<Name extends string = RowName> {
  readonly name: Name;
  /** For people. */
  readonly label: string;
  /** Whether updates mean anything to it. */
  readonly learns: boolean;
  /** Share of the tokens of a stream's texts it is to keep; `null` for a model, which writes texts of its own. */
  readonly budget: number | null;
  policyOf(version: PolicyVersion): Policy;
}

/** A model's policies after Phase Two. */
export interface LearntPolicies {
  /** How they learnt, for people. */
  readonly how: string;
  /** By the version's name; a version that is not among them writes as before. */
  readonly policies: ReadonlyMap<string, Policy>;
}

/** What the rows of a table are made of. */
export interface RowOptions {
  /** What writes the base row; weights are those of Phase One, and base is without them. */
  readonly base:
    | { readonly kind: "choice"; readonly options: Omit<ChoiceOptions, "adapter"> }
    | {
        readonly kind: "model";
        readonly policy: Policy;
        /** One whose model went through Phase One. @default none */
        readonly phaseOne?: Policy | undefined;
        /** What was learnt by preferences; TaskMem has no row without. */
        readonly learnt?: LearntPolicies | undefined;
      };
  readonly words: WordSpace;
  readonly clipSeconds: number;
  /** By id: what a version was trained on. */
  readonly tasks: ReadonlyMap<string, BenchmarkTask>;
  /** Texts one is picked from, for TaskMem over an engine. */
  readonly samples: number;
  readonly seed: number | string;
}

/** The rows there can be for a base, and why the others cannot. */
export function benchmarkRows(options: RowOptions): {
  readonly rows: BenchmarkRow[];
  readonly missing: Partial<Record<RowName, string>>;
} {
  const { base, words, clipSeconds, tasks } = options;
  const budget = base.kind === "choice" ? (base.options.budget ?? defaultBudget) : defaultBudget;
  const share = "fraction" in budget ? budget.fraction : null;
  const always = (policy: Policy) => () => policy;
  const texts: BenchmarkRow[] = [
    { name: "keep-nothing", label: "keep nothing", learns: false, budget: 0, policyOf: always(keepNothing) },
    {
      ...{ name: "keep-all", label: "keep all texts", learns: false, budget: 1 },
      policyOf: always(choicePolicy({ words, clipSeconds, budget: { fraction: 1 } })),
    },
    {
      ...{ name: "uniform", label: "uniform random", learns: false, budget: share },
      policyOf: always(uniformPolicy({ words, clipSeconds, budget, seed: options.seed })),
    },
  ];
  /** Learns in closed form from the words of questions: `untouched` until there is an adapter, then `adapted`. */
  const byWords = (untouched: Policy, adapted: (adapter: Adapter) => Policy) => ({
    learns: true,
    policyOf: ({ examples }: PolicyVersion) => {
      const questions = examples.map((id) => ({ question: questionOf(tasks.get(id)!) }));
      const { adapter, problem } = adapterFromTasks(questions, { words });
      // One question says nothing yet about what questions have in common, but it is all there is to follow.
      return problem === null || problem === "one-question" ? adapted(adapter) : untouched;
    },
  });
  if (base.kind === "choice") {
    const { weights, ...shipped } = base.options;
    const plain = choicePolicy(shipped);
    const phaseOne = choicePolicy(base.options);
    const fixed = { learns: false, budget: share };
    const missing: Partial<Record<RowName, string>> = {
      "best-of-n": "the choice policy picks among texts and writes none; give --policy model",
      "task-prompt": "the choice policy picks among texts and reads no prompt; give --policy model",
      words: "TaskMem of the choice policy learns by words itself",
      ...(!weights && { "phase-one": "give what `train phase-one --policy choice` learnt with --weights" }),
    };
    const rows: BenchmarkRow[] = [
      ...texts,
      { name: "base", label: "base", ...fixed, policyOf: always(plain) },
      ...(weights
        ? [{ name: "phase-one" as const, label: "Phase One", ...fixed, policyOf: always(phaseOne) }]
        : []),
      {
        ...{ name: "taskmem", label: "TaskMem (words)", budget: share },
        ...byWords(phaseOne, (adapter) => choicePolicy({ ...base.options, adapter })),
      },
    ];
    return { rows, missing };
  }
  const { samples } = options;
  const { policy: untouched, phaseOne, learnt } = base;
  const before = phaseOne ?? untouched;
  const best = (adapter: Adapter | null) => bestOfNPolicy({ inner: untouched, words, adapter, samples });
  const rows: BenchmarkRow[] = [
    ...texts,
    { name: "base", label: "base", learns: false, budget: null, policyOf: always(untouched) },
    {
      ...{ name: "best-of-n", label: `best of ${samples}, nothing learnt`, learns: false, budget: null },
      policyOf: always(best(null)),
    },
    {
      ...{ name: "words", label: `words of questions, best of ${samples}`, budget: null },
      ...byWords(untouched, best),
    },
    {
      ...{ name: "task-prompt", label: "base + task prompt", learns: true, budget: null },
      policyOf: ({ hints }) =>
        hints.length === 0
          ? untouched
          : withTaskPrompt(
              untouched,
              hints.map((id) => tasks.get(id)!.question),
            ),
    },
    ...(phaseOne
      ? [
          {
            ...{ name: "phase-one" as const, label: "Phase One", learns: false, budget: null },
            policyOf: always(phaseOne),
          },
        ]
      : []),
    ...(learnt
      ? [
          {
            ...{ name: "taskmem" as const, label: `TaskMem (${learnt.how})`, learns: true, budget: null },
            policyOf: ({ name }: PolicyVersion) => learnt.policies.get(name) ?? before,
          },
        ]
      : []),
  ];
  const missing = {
    ...(!phaseOne && {
      "phase-one":
        "a model's weights are trained where it runs: name one that went through Phase One with --phase-one",
    }),
    ...(!learnt && { taskmem: "nothing was to be learnt by preferences: give --updates" }),
  };
  return { rows, missing };
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
  readonly seed: number | string;
}

/** The choice policy's budget, spent on any texts: each is as likely, seeded by place, so a rerun is the same. */
export function uniformPolicy({ words, clipSeconds, budget, seed }: UniformOptions): Policy {
  const { allowance, mostCarried } = budgetRules(budget);
  const revision = `uniform@1-${seed}-${sha256(JSON.stringify(budget)).slice(0, 6)}`;
  const carriedOver = ({ state }: Context) => (state.value as number | null) ?? mostCarried;
  const keep = (context: Context) => {
    const candidates = candidatesOf(context.observations, words, new Set(), { tags: context.tags });
    const [first] = context.observations;
    let left = carriedOver(context) + allowance(candidates);
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
