/** Who is compared on the household: nano looks at pictures, choice reads captions and subtitles. */
import type { Adapter } from "../../../adapter/adapter.ts";
import { wordSpace } from "../../../engines/local/index.ts";
import { shippedWeights } from "../../../engines/nano/shipped.ts";
import { choicePolicy } from "../../../policies/choice/choice.ts";
import { adapterFromTasks } from "../../../policies/choice/word-vector-trainer.ts";
import { type NanoModel, nanoAdapterTrainer, nanoPolicy, openNano } from "../../../policies/nano/index.ts";
import { questionWordsJudge } from "../../../reward/question-words-judge.ts";
import type { HouseholdPolicies } from "./household.ts";

export type HouseholdPolicyName = "nano" | "choice";

export interface HouseholdSize {
  readonly films: number;
  /** Clips of a film, 10 s each. */
  readonly clips: number;
  readonly questionsPerKind: number;
}

/** All held-out films, and a few of them. */
export const wholeHousehold: HouseholdSize = { films: 64, clips: 6, questionsPerKind: 5 };
export const smallHousehold: HouseholdSize = { films: 9, clips: 6, questionsPerKind: 3 };

/** By what nano's memories are compared: their words and those of the questions, or what is true and asked about. */
export const householdJudgeNames = ["words", "truth"] as const;
/** One of `householdJudgeNames`. */
export type HouseholdJudgeName = (typeof householdJudgeNames)[number];

/**
 * The policies of one name: nano looks at pictures, choice reads captions and subtitles.
 * @param judge compares nano's memories in Phase Two; the choice policy learns without one
 */
export async function householdPolicies(
  name: HouseholdPolicyName,
  signal?: AbortSignal,
  judge: HouseholdJudgeName = "words",
): Promise<HouseholdPolicies> {
  if (name === "choice") {
    // Two sentences of a clip's nine or so, as nano writes.
    const budget = { fraction: 0.2 };
    const choice = (adapter: Adapter | null) => choicePolicy({ words: wordSpace, budget, adapter });
    return {
      base: null,
      takesSupplement: false,
      phaseOne: choice(null),
      adapted: choice,
      learn: async (tasks) => {
        const { adapter, problem } = adapterFromTasks(tasks, { words: wordSpace });
        return problem === null ? adapter : null;
      },
    };
  }
  const [base, model] = [await openNano(shippedWeights("nano-base")), await openNano(shippedWeights("nano"))];
  return nanoPolicies({ base, model, judge, signal });
}

/** What `nanoPolicies` works with. */
export interface NanoPoliciesOptions {
  /** Before Phase One. */
  readonly base: NanoModel;
  /** What learns: after Phase One, or the base again. */
  readonly model: NanoModel;
  readonly judge?: HouseholdJudgeName;
  /** Phase Two's draws. @default as what ships */
  readonly seed?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nano's policies; the cache of Phase Two is drawn at the first lesson. */
export function nanoPolicies({
  base,
  model,
  judge = "words",
  seed,
  signal,
}: NanoPoliciesOptions): HouseholdPolicies {
  const { countTokens } = wordSpace;
  const trainer = nanoAdapterTrainer({
    ...{ model, countTokens },
    ...(seed !== undefined && { seed }),
    ...(judge === "words" && { judge: questionWordsJudge({ words: wordSpace }) }),
  });
  return {
    base: nanoPolicy(base, null, countTokens),
    takesSupplement: true,
    phaseOne: nanoPolicy(model, null, countTokens),
    adapted: (adapter) => nanoPolicy(model, adapter, countTokens),
    learn: async (tasks) => {
      const { adapter, problem } = await trainer.train(tasks, [], { signal });
      return problem === null ? adapter : null;
    },
  };
}
