/** `taskmem bench egolife --text`: a week of a real life as texts, without a model. */
import { resolve } from "node:path";
import {
  differenceTables,
  verdictOf,
  weekDifferences,
  weekRows,
} from "../../benchmarks/datasets/egolife-text/figures.ts";
import { foreignFilesBeside, readForeignQuestions } from "../../benchmarks/datasets/egolife-text/foreign.ts";
import {
  defaultEgoLifeTextOptions,
  type EgoLifeTextOptions,
  type PolicyName,
  policyNames,
  type Updates,
} from "../../benchmarks/datasets/egolife-text/policies.ts";
import { runEgoLifeText } from "../../benchmarks/datasets/egolife-text/run.ts";
import { type EgoLifeText, loadEgoLifeText } from "../../benchmarks/datasets/egolife-text/week.ts";
import type { Language } from "../../benchmarks/datasets/files/transcripts.ts";
import { figuresMarkdown } from "../../benchmarks/report/markdown.ts";
import { parseUpdates } from "../../benchmarks/run/protocol.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { nameStems } from "../../engines/local/words.ts";
import { ConfigError, DataError } from "../../errors.ts";
import { choiceWeightsRevision } from "../../policies/choice/choice-features.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { sha256 } from "../../util/hash.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { endOwnRun, startOwnRun } from "../own-run.ts";

/** Most skipped rows that are named one by one. */
const mostListed = 20;

/** What the measures are. */
const measuresNote =
  "m: worth of the best kept evidence as a share of the best there was; a60, s60: any, strict evidence is kept; r20: some is among the first 20 entries recalled";

/** What differs from the paper's EgoLife. */
const differences = [
  "Memory is written from transcript and captions, without pictures, and a policy keeps lines as they are.",
  "Each policy keeps the same share of the tokens; the paper's memories have no budget.",
  "Questions are answered by recall and the reader by rules; the paper asks GPT-4o, the majority of 3.",
];

export async function run(invocation: Invocation): Promise<void> {
  const { output, options: flags, signal } = invocation;
  const { options, language, root, annotations, limit } = settingsOf(flags);
  const weights = typeof flags.weights === "string" ? readChoiceWeights(flags.weights) : null;
  const loaded = await loadEgoLifeText(root, language, annotations);
  const week = { ...loaded, questions: loaded.questions.slice(0, limit) };
  const { questions, skipped, wearer, missing, notes } = week;
  printLoaded(output, week);
  if (questions.length === 0)
    throw new DataError("questions-missing", `No question below ${root} can be used`);
  const files =
    (flags.foreign as string[] | undefined) ?? (language === "en" ? foreignFilesBeside(root) : []);
  const foreign = files.map((path) => readForeignQuestions(path, options.seed));
  if (foreign.length === 0 && options.policies.includes("cov+foreign"))
    output.note("cov+foreign is left out: name a JSON file of other people's questions with --foreign");

  const config = {
    ...{ benchmark: "egolife", text: true, wearer, language },
    ...options,
    words: wordSpace.id,
    ...(weights && { weights: choiceWeightsRevision(weights) }),
    data: sha256(JSON.stringify([week.entries, questions, week.names])),
    foreign: foreign.map(({ name, texts }) => ({
      ...{ name, questions: texts.length, digest: sha256(texts.join("\n")) },
    })),
    ...{ skipped: skipped.length, missing },
  };
  const kept = startOwnRun(invocation, "egolife-text", config);
  const run = await runEgoLifeText(week, options, {
    ...{ step: kept.step, words: wordSpace, weights, foreign, names: nameStems(week.names), signal },
    onProgress: (what) => output.progress(what),
  });
  output.progress("");
  const paired = weekDifferences(run, options.seed);
  const { measured, answerable, strictlyAnswerable, windows, tokens } = run;
  const size = `${questions.length} questions, evidence in the text for ${answerable} (strict ${strictlyAnswerable}); ${windows} windows, ${tokens} tokens.`;
  endOwnRun(
    output,
    kept,
    {
      ...{ rows: weekRows(run), paired, skipped, notes: [size, measuresNote, ...missing, ...notes] },
      results: measured.flatMap(({ results }) => results),
      rowNames: measured.map(({ name, policy, budget }) => ({ name, label: name, policy, budget })),
      report: {
        ...{ title: `EgoLife as text: ${wearer}`, verdict: verdictOf(paired), differences },
        ...{ tables: differenceTables(paired), updates: [], intervals: "benchmark intervals" },
      },
      files: { "skipped.jsonl": skipped },
    },
    { benchmark: "egolife", tasks: questions.length, skipped, config },
    (reported) => output.text(size, "", ...figuresMarkdown([reported]).split("\n")),
  );
}

function printLoaded(output: Output, { found, missing, notes, skipped }: EgoLifeText): void {
  output.note(`egolife as text: ${found}`);
  for (const what of [...missing, ...notes]) output.note(`  ${what}`);
  for (const { file, row, reason } of skipped.slice(0, mostListed))
    output.note(`skipped ${file} row ${row}: ${reason}`);
  if (skipped.length > mostListed)
    output.note(`skipped ${skipped.length - mostListed} more rows; --json lists them`);
}

interface Settings {
  readonly options: EgoLifeTextOptions;
  readonly language: Language;
  readonly root: string;
  readonly annotations?: string;
  /** Only the first so many questions. */
  readonly limit: number;
}

/** @throws ConfigError naming every flag that is wrong */
function settingsOf(flags: Readonly<Record<string, unknown>>): Settings {
  const defaults = defaultEgoLifeTextOptions;
  const issues: string[] = [];
  const read = <T>(flag: string, fallback: T, parse: (text: string) => T | null, expected: string): T => {
    const text = flags[flag];
    if (text === undefined) return fallback;
    const value = parse(String(text));
    if (value === null) issues.push(`--${flag}: expected ${expected}, got ${String(text)}`);
    return value ?? fallback;
  };
  const oneOf = <T extends string>(flag: string, names: readonly [T, ...T[]], why = ""): T =>
    read(flag, names[0], (text) => names.find((name) => name === text) ?? null, names.join(" or ") + why);
  const counts = "every, none, or numbers of questions that ascend, as 5,10,30,50";
  const options: EgoLifeTextOptions = {
    policies: read("policies", policyNames, policiesOf, `some of ${policyNames.join(",")}`),
    budgets: read("budgets", defaults.budgets, budgetsOf, "shares above 0 to 1, as .05,.1,.2"),
    stream: oneOf("stream", ["mixed", "types"]),
    updates: read("updates", defaults.updates, updatesOf, counts),
    windowSeconds: read("window", defaults.windowSeconds, numberAboveZero, "seconds above 0"),
    seed: flags.seed === undefined ? defaults.seed : String(flags.seed),
  };
  const language = oneOf("lang", ["en", "zh"]);
  oneOf("variant", ["full-stream"], ": on texts, evidence only serves to measure");
  oneOf("order", ["official"], ": its questions have times");
  if (typeof flags.root !== "string")
    issues.push("--root: expected the folder with EgoLifeQA and EgoLifeCap, got none");
  if (flags.limit === 0) issues.push("--limit: expected a whole number from 1 up, got 0");
  if (issues.length > 0) throw new ConfigError("flags-invalid", issues.join("; "));
  return {
    ...{ options, language, root: resolve(String(flags.root)) },
    ...(typeof flags.annotations === "string" && { annotations: resolve(flags.annotations) }),
    limit: typeof flags.limit === "number" ? flags.limit : Number.POSITIVE_INFINITY,
  };
}

function policiesOf(text: string): readonly PolicyName[] | null {
  const names = text.split(",").map((name) => name.trim());
  const known = names.flatMap((name) => policyNames.find((each) => each === name) ?? []);
  return known.length === names.length ? [...new Set(known)] : null;
}

function budgetsOf(text: string): readonly number[] | null {
  const budgets = text.split(",").map(numberAboveZero);
  return budgets.every((budget) => budget !== null && budget <= 1) ? [...new Set(budgets as number[])] : null;
}

function updatesOf(text: string): Updates | null {
  return text === "every" ? text : parseUpdates(text);
}

function numberAboveZero(text: string): number | null {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && value > 0 ? value : null;
}
