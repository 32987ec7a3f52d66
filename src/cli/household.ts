/** What the demo and `bench household` share: the policies that are compared, and the table of what came out. */
import type { Adapter } from "../adapter/adapter.ts";
import {
  filmHousehold,
  type HouseholdFilm,
  type HouseholdOptions,
  type HouseholdPolicies,
  type HouseholdResult,
  householdBenchmark,
} from "../benchmarks/household.ts";
import { householdReport } from "../benchmarks/household-report.ts";
import { lexicalReader, wordSpace } from "../engines/local/index.ts";
import { shippedWeights } from "../engines/nano/shipped.ts";
import { choicePolicy } from "../policies/choice/choice.ts";
import { adapterFromTasks } from "../policies/choice/word-vector-trainer.ts";
import { nanoAdapterTrainer, nanoPolicy, openNano } from "../policies/nano/index.ts";
import type { Output } from "./output.ts";

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

/** The policies of one name: nano looks at pictures, choice reads captions and subtitles. */
export async function householdPolicies(
  name: HouseholdPolicyName,
  signal?: AbortSignal,
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
  const { countTokens } = wordSpace;
  const trainer = nanoAdapterTrainer({ model, countTokens });
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

export interface HouseholdRun {
  readonly output: Output;
  readonly name: HouseholdPolicyName;
  readonly size: HouseholdSize;
  readonly signal: AbortSignal;
  /** @default those of the name */
  readonly policies?: HouseholdPolicies;
  /** @default every step is run */
  readonly step?: HouseholdOptions["step"];
}

/** Films held-out episodes and runs the benchmark over them. */
export async function runHousehold(
  options: HouseholdRun,
): Promise<{ result: HouseholdResult; filmed: readonly HouseholdFilm[] }> {
  const { output, name, size, signal, policies, step } = options;
  const filmed = await filmHousehold({
    ...{ split: "held-out", from: 0, ...size, captions: name === "choice", signal },
    onFilm: (done) => output.progress(`filming held-out days, ${done} of ${size.films}`),
  });
  const result = await householdBenchmark({
    films: filmed,
    policies: policies ?? (await householdPolicies(name, signal)),
    ...(step && { step }),
    reader: lexicalReader({ words: wordSpace }),
    countTokens: wordSpace.countTokens,
    onProgress: (what) => output.progress(what),
    signal,
  });
  output.progress("");
  return { result, filmed };
}

/** What the end event of the demo and of `bench household` holds. */
export function householdEvent({ rows, gain, kindsAboveZero, swap }: HouseholdResult) {
  const { gain: overall, low, high } = gain.overall;
  return { rows, gain: { overall, low, high, kinds: gain.kinds }, kindsAboveZero, swap };
}

const widths = { name: 22, number: 10 };

/** The rows, the gain with its interval, and the swap control, as aligned columns. */
export function printHousehold(output: Output, result: HouseholdResult): void {
  for (const block of householdReport(result)) {
    if (block.block === "note") output.text(output.dim(block.text));
    else if (block.block === "verdict") output.text(`\n${output.bold(block.text)}`);
    else {
      const lines = [block.head, ...block.rows].map(
        ([name, ...numbers]) =>
          name!.padEnd(widths.name) + numbers.map((number) => number.padStart(widths.number)).join(""),
      );
      output.text(`\n${lines.join("\n")}`);
    }
  }
}
