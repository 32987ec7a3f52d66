/** What the demo and `bench household` share: the policies that are compared, and the table of what came out. */
import type { Adapter } from "../adapter/adapter.ts";
import {
  filmHousehold,
  type HouseholdFilm,
  type HouseholdOptions,
  type HouseholdPolicies,
  type HouseholdResult,
  type HouseholdRowName,
  householdBenchmark,
} from "../benchmarks/household.ts";
import { lexicalReader, wordSpace } from "../engines/local/index.ts";
import { nanoAdaptation, nanoPolicy, openNano } from "../engines/nano/index.ts";
import { type FactKind, factKinds } from "../household/index.ts";
import { choicePolicy } from "../policy/choice.ts";
import { adapterFromTasks } from "../training/choice-trainer.ts";
import type { Output } from "./output.ts";
import { weightsOf } from "./wiring.ts";

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
  const [base, model] = [await openNano(weightsOf("nano-base")), await openNano(weightsOf("nano"))];
  const { countTokens } = wordSpace;
  const adaptation = nanoAdaptation({ model, countTokens });
  return {
    base: nanoPolicy(base, null, countTokens),
    takesSupplement: true,
    phaseOne: nanoPolicy(model, null, countTokens),
    adapted: (adapter) => nanoPolicy(model, adapter, countTokens),
    learn: async (tasks) => {
      const { adapter, problem } = await adaptation.learn(
        tasks.map(({ question }, i) => ({ ...unanswered, id: `task-${i}`, question })),
        [],
        signal,
      );
      return problem === null ? adapter : null;
    },
  };
}

/** What Phase Two does not look at in a task. */
const unanswered = {
  ...{ askedAtMs: 0, asOfSeconds: null, stream: null, answer: "", option: null, abstained: true },
  ...{ citations: [], reader: "", feedback: null },
};

/** Films held-out episodes and runs the benchmark over them. */
export async function runHousehold(
  output: Output,
  name: HouseholdPolicyName,
  { films, clips, questionsPerKind }: HouseholdSize,
  signal: AbortSignal,
  policies?: HouseholdPolicies,
  step?: HouseholdOptions["step"],
): Promise<{ result: HouseholdResult; filmed: readonly HouseholdFilm[] }> {
  const filmed = await filmHousehold({
    ...{ split: "held-out", from: 0, films, clips, questionsPerKind, captions: name === "choice", signal },
    onFilm: (done) => output.progress(`filming held-out days, ${done} of ${films}`),
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

const percent = (share: number) => (100 * share).toFixed(1);
const cells = (values: readonly string[], width: number) =>
  values.map((value) => value.padStart(width)).join("");

const answerShares = {
  accuracy: "right answers, %",
  coverage: "answered at all, %",
  precision: "right if answered, %",
} as const;

/** The rows, the gain with its interval, and the swap control. */
export function printHousehold(output: Output, { rows, gain, kindsAboveZero, swap }: HouseholdResult): void {
  const columns = ["all", ...factKinds] as const;
  const names = [...new Set(rows.map(({ policy }) => policy))];
  const cell = (name: HouseholdRowName, kind: (typeof columns)[number]) =>
    rows.find((row) => row.policy === name && row.kind === kind)!;
  for (const [metric, title] of Object.entries(answerShares) as [keyof typeof answerShares, string][]) {
    output.text(`\n${title.padEnd(22)}${cells(columns, 10)}`);
    for (const name of names) {
      const shares = columns.map((kind) => percent(cell(name, kind)[metric]));
      output.text(`${name.padEnd(22)}${cells(shares, 10)}`);
    }
  }
  output.text(
    `\n${"memories".padEnd(22)}${cells(["true, %", "repeated", "passing", "tokens", "facts"], 10)}`,
  );
  for (const name of names) {
    const row = cell(name, "all");
    const shares = [row.trueShare, row.redundantShare, row.passing].map(percent);
    const lengths = [row.tokensPerEntry.toFixed(1), row.factsPerEntry.toFixed(2)];
    output.text(`${name.padEnd(22)}${cells([...shares, ...lengths], 10)}`);
  }
  output.text(
    output.dim(
      "true, repeated: of all statements; passing: memories all true and nothing told before; tokens, facts: of a memory",
    ),
  );
  const { overall } = gain;
  output.text(
    `\n${output.bold(`TaskMem − Phase One: ${signed(overall.gain)} points [${signed(overall.low)}, ${signed(overall.high)}]`)}, surely above zero in ${kindsAboveZero} of ${factKinds.length} kinds`,
  );
  output.text(`\n${"swapped adapters, %".padEnd(22)}${cells(factKinds, 10)}`);
  for (const learnt of ["none", ...factKinds] as const) {
    const values = factKinds.map((kind: FactKind) =>
      learnt === kind ? `*${percent(swap[learnt][kind])}` : percent(swap[learnt][kind]),
    );
    output.text(
      `${(learnt === "none" ? "no adapter" : `learnt from ${learnt}`).padEnd(22)}${cells(values, 10)}`,
    );
  }
  output.text(
    output.dim("columns: what is asked about, all questions; * the adapter of the questions' own kind"),
  );
}

const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
