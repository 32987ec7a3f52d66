/** `taskmem bench egolife --text`: a week of a real life as texts, without a model. */
import { resolve } from "node:path";
import {
  differenceTables,
  verdictOf,
  weekDifferences,
  weekRows,
} from "../../benchmarks/datasets/egolife-text/figures.ts";
import {
  egoLifeTextDefaults as defaults,
  policyNames,
} from "../../benchmarks/datasets/egolife-text/policies.ts";
import { runEgoLifeText } from "../../benchmarks/datasets/egolife-text/run.ts";
import {
  foreignFilesBeside,
  loadEgoLifeText,
  readForeignQuestions,
} from "../../benchmarks/datasets/egolife-text/week.ts";
import type { Language } from "../../benchmarks/datasets/files/transcripts.ts";
import { figuresMarkdown } from "../../benchmarks/report/markdown.ts";
import { parseUpdates } from "../../benchmarks/run/protocol.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError, DataError } from "../../errors.ts";
import { choiceWeightsRevision } from "../../policies/choice/choice-features.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { sha256 } from "../../util/hash.ts";
import type { Invocation } from "../invocation.ts";
import { endOwnRun, startOwnRun } from "../own-run.ts";
import { following, printSkipped } from "./bench-print.ts";

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
  const { root, annotations, language, limit, ...options } = settingsOf(flags);
  const weights = typeof flags.weights === "string" ? readChoiceWeights(flags.weights) : null;
  const loaded = await loadEgoLifeText(root, language, annotations);
  const { entries, names, wearer, found, notes, skipped } = loaded;
  const questions = loaded.questions.slice(0, limit);
  output.note(`egolife as text: ${found}`);
  for (const note of notes) output.note(`  ${note}`);
  printSkipped(output, skipped);
  if (questions.length === 0)
    throw new DataError("questions-missing", `No question below ${root} can be used`);
  const files =
    (flags.foreign as string[] | undefined) ?? (language === "en" ? foreignFilesBeside(root) : []);
  const foreign = files.map((path) => readForeignQuestions(path, options.seed));
  if (foreign.length === 0 && options.policies.includes("cov+foreign"))
    output.note("cov+foreign is left out: name a JSON file of other people's questions with --foreign");

  const config = {
    ...{ benchmark: "egolife", text: true, wearer, language, ...options, words: wordSpace.id },
    ...(weights && { weights: choiceWeightsRevision(weights) }),
    data: sha256(JSON.stringify([entries, questions, names])),
    foreign: foreign.map(({ name, texts }) => ({
      ...{ name, questions: texts.length, digest: sha256(texts.join("\n")) },
    })),
    skipped: skipped.length,
  };
  const kept = startOwnRun(invocation, "egolife-text", config);
  const { measured, tokens } = await runEgoLifeText(
    { entries, questions, names },
    { ...options, weights, foreign, signal, directory: kept.directory, ...following(output) },
  );
  output.progress("");
  const paired = weekDifferences(measured, options.seed);
  const size = `${questions.length} questions; ${entries.length} lines, ${tokens} tokens.`;
  endOwnRun(
    invocation,
    kept,
    {
      ...{ rows: weekRows(measured), paired, skipped, notes: [size, measuresNote, ...notes] },
      results: measured.flatMap(({ results }) => results),
      rowNames: measured.map(({ name, label, policy, budget }) => ({ name, label, policy, budget })),
      report: {
        ...{ title: `EgoLife as text: ${wearer}`, verdict: verdictOf(paired), differences },
        ...{ tables: differenceTables(paired), updates: [], intervals: "benchmark intervals" },
      },
      files: { "skipped.jsonl": skipped },
    },
    { benchmark: "egolife", tasks: questions.length, skipped },
    (reported) => output.text(size, "", ...figuresMarkdown([reported]).split("\n")),
  );
}

/** @throws ConfigError naming every flag that is wrong */
function settingsOf(flags: Invocation["options"]) {
  const issues: string[] = [];
  const read = <T>(flag: string, fallback: T, parse: (text: string) => T | null, expected: string): T => {
    if (flags[flag] === undefined) return fallback;
    const value = parse(String(flags[flag]));
    if (value === null) issues.push(`--${flag}: expected ${expected}, got ${flags[flag]}`);
    return value ?? fallback;
  };
  const allOf =
    <T>(parse: (text: string) => T | null) =>
    (text: string): readonly T[] | null => {
      const values = text.split(",").map((each) => parse(each.trim()));
      return values.includes(null) ? null : [...new Set(values as T[])];
    };
  const named =
    <T extends string>(names: readonly T[]) =>
    (text: string) =>
      names.find((name) => name === text) ?? null;
  const upTo = (most: number) => (text: string) =>
    Number(text) > 0 && Number(text) <= most ? Number(text) : null;
  const settings = {
    ...defaults,
    policies: read("policies", defaults.policies, allOf(named(policyNames)), `some of ${policyNames}`),
    budgets: read("budgets", defaults.budgets, allOf(upTo(1)), "shares above 0 to 1, as .05,.1,.2"),
    updates: read("updates", defaults.updates, parseUpdates, "none, or counts that ascend, as 5,10,30,50"),
    windowSeconds: read("window", defaults.windowSeconds, upTo(Number.MAX_VALUE), "seconds above 0"),
    seed: String(flags.seed ?? defaults.seed),
    language: read<Language>("lang", "en", named(["en", "zh"]), "en or zh"),
    root: resolve(String(flags.root)),
    ...(typeof flags.annotations === "string" && { annotations: resolve(flags.annotations) }),
    limit: typeof flags.limit === "number" ? flags.limit : Number.POSITIVE_INFINITY,
  };
  if (flags.root === undefined)
    issues.push("--root: expected the folder with EgoLifeQA and EgoLifeCap, got none");
  if (flags.limit === 0) issues.push("--limit: expected a whole number from 1 up, got 0");
  if (issues.length > 0) throw new ConfigError("flags-invalid", issues.join("; "));
  return settings;
}
