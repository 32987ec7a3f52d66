/** `taskmem bench egolife --text`: a week of a real life as texts, without a model. */
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { foreignFilesBeside, readForeignQuestions } from "../../benchmarks/datasets/egolife-text/foreign.ts";
import type { Updates } from "../../benchmarks/datasets/egolife-text/learning.ts";
import { type PolicyName, policyNames } from "../../benchmarks/datasets/egolife-text/policies.ts";
import { reportOf } from "../../benchmarks/datasets/egolife-text/report.ts";
import {
  defaultEgoLifeTextOptions,
  type EgoLifeTextOptions,
  type PolicyResults,
  runEgoLifeText,
} from "../../benchmarks/datasets/egolife-text/run.ts";
import { differencesOf, rowsOf } from "../../benchmarks/datasets/egolife-text/summary.ts";
import { type EgoLifeText, loadEgoLifeText } from "../../benchmarks/datasets/egolife-text/week.ts";
import type { Language } from "../../benchmarks/datasets/files/transcripts.ts";
import { jsonLines, makeRunDirectory, openSteps } from "../../benchmarks/run/directory.ts";
import { parseUpdates } from "../../benchmarks/run/protocol.ts";
import { noCost } from "../../engine.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { nameStems } from "../../engines/local/words.ts";
import { ConfigError, DataError } from "../../errors.ts";
import { choiceWeightsRevision } from "../../policies/choice/choice-features.ts";
import { readChoiceWeights } from "../../policies/choice/choice-weights-trainer.ts";
import { sha256 } from "../../util/hash.ts";
import type { Invocation } from "../invocation.ts";

/** Skipped rows named one by one. */
const mostListed = 20;

export async function run({ output, options: flags, signal }: Invocation): Promise<void> {
  const startedMs = performance.now();
  const { options, language, root, runs, annotations, limit } = settingsOf(flags);
  const weights = typeof flags.weights === "string" ? readChoiceWeights(flags.weights) : null;
  const loaded = await loadEgoLifeText(root, language, annotations);
  const week = { ...loaded, questions: loaded.questions.slice(0, limit) };
  output.note(`egolife as text: ${week.found}`);
  for (const what of [...week.missing, ...week.notes]) output.note(`  ${what}`);
  for (const { file, row, reason } of week.skipped.slice(0, mostListed))
    output.note(`skipped ${file} row ${row}: ${reason}`);
  if (week.skipped.length > mostListed)
    output.note(`skipped ${week.skipped.length - mostListed} more rows; --json lists them`);
  if (week.questions.length === 0) {
    throw new DataError("questions-missing", "Expected at least one question that can be read, got none");
  }
  const files =
    (flags.foreign as string[] | undefined) ?? (language === "en" ? foreignFilesBeside(root) : []);
  const foreign = files.map((path) => readForeignQuestions(path, options.seed));
  if (foreign.length === 0 && options.policies.includes("cov+foreign"))
    output.note("no foreign questions: give a JSON file of questions with --foreign to run cov+foreign");

  const config = {
    benchmark: "egolife",
    text: true,
    wearer: week.wearer,
    language,
    ...options,
    words: wordSpace.id,
    ...(weights && { weights: choiceWeightsRevision(weights) }),
    data: digestOf(week),
    foreign: foreign.map(({ name, texts }) => ({
      name,
      questions: texts.length,
      digest: sha256(texts.join("\n")),
    })),
    skipped: week.skipped.length,
    missing: week.missing,
  };
  const directory = join(runs, `egolife-text-${sha256(JSON.stringify(config)).slice(0, 12)}`);
  makeRunDirectory(directory);
  const steps = openSteps<readonly PolicyResults[]>(directory, flags.resume === true);
  if (steps.before.size > 0) output.note(`resumed: ${steps.before.size} steps stand`);
  const measured = await runEgoLifeText(week, options, {
    before: steps.before,
    onMeasured: steps.add,
    words: wordSpace,
    weights,
    foreign,
    names: nameStems(week.names),
    signal,
    onProgress: ({ policy, budget }) => output.progress(`${policy} at ${100 * budget} %`),
  });
  output.progress("");
  const rows = rowsOf(measured, options.seed);
  const paired = differencesOf(measured, options.seed);
  const report = reportOf(measured, rows, paired);
  const write = (name: string, content: string) => writeFileSync(join(directory, name), content);
  write("config.json", `${JSON.stringify(config, null, 2)}\n`);
  write("rows.jsonl", jsonLines(rows));
  write("paired.jsonl", jsonLines(paired));
  write("skipped.jsonl", jsonLines(week.skipped));
  write(
    "questions.jsonl",
    jsonLines(
      measured.measured.flatMap(({ policy, budget, results }) =>
        results.map((result, i) => ({ policy, budget, question: week.questions[i]!.id, ...result })),
      ),
    ),
  );
  write("report.md", `${report.join("\n")}\n`);
  steps.remove();
  for (const line of report) output.text(line);
  output.text(`\nWritten to ${directory} in ${Math.round((performance.now() - startedMs) / 1000)} s.`);
  output.object({
    event: "bench-end",
    benchmark: "egolife",
    tasks: week.questions.length,
    skipped: week.skipped,
    rows,
    paired,
    config,
    cost: noCost,
    run: directory,
  });
}

/** What was read, so that a run can be told from one on other data. */
function digestOf({ entries, questions, names }: EgoLifeText) {
  return {
    entries: entries.length,
    speech: entries.filter(({ kind }) => kind === "speech").length,
    questions: questions.length,
    names: names.length,
    digest: sha256(JSON.stringify([entries, questions])),
  };
}

interface Settings {
  readonly options: EgoLifeTextOptions;
  readonly language: Language;
  readonly root: string;
  readonly runs: string;
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
  const options: EgoLifeTextOptions = {
    policies: read<readonly PolicyName[]>(
      "policies",
      policyNames,
      policiesOf,
      `some of ${policyNames.join(",")}`,
    ),
    budgets: read("budgets", defaults.budgets, budgetsOf, "shares above 0 to 1, as .05,.1,.2"),
    stream: read(
      "stream",
      defaults.stream,
      (text) => (text === "mixed" || text === "types" ? text : null),
      "mixed or types",
    ),
    updates: read(
      "updates",
      defaults.updates,
      updatesOf,
      "every, none, or numbers of questions that ascend, as 5,10,30,50",
    ),
    windowSeconds: read("window", defaults.windowSeconds, (text) => numberAbove(text, 0), "seconds above 0"),
    rechoose: flags.rechoose === true,
    seed: flags.seed === undefined ? defaults.seed : String(flags.seed),
  };
  const language = read<Language>(
    "lang",
    "en",
    (text) => (text === "en" || text === "zh" ? text : null),
    "en or zh",
  );
  read(
    "variant",
    "full-stream",
    (text) => (text === "full-stream" ? text : null),
    "full-stream: what a reader finds near the evidence is a column of it",
  );
  read(
    "order",
    "official",
    (text) => (text === "official" ? text : null),
    "official: its questions have times",
  );
  if (typeof flags.root !== "string")
    issues.push("--root: expected the folder that holds EgoLifeQA and EgoLifeCap");
  if (flags.limit === 0) issues.push("--limit: expected a whole number from 1 up, got 0");
  if (issues.length > 0) throw new ConfigError("flags-invalid", issues.join("; "));
  return {
    options,
    language,
    root: resolve(String(flags.root)),
    runs: resolve(typeof flags.runs === "string" ? flags.runs : "runs"),
    ...(typeof flags.annotations === "string" && { annotations: resolve(flags.annotations) }),
    limit: typeof flags.limit === "number" ? flags.limit : Number.POSITIVE_INFINITY,
  };
}

function policiesOf(text: string): PolicyName[] | null {
  const names = text.split(",").map((name) => name.trim());
  const known = names.filter((name): name is PolicyName => (policyNames as readonly string[]).includes(name));
  return known.length === names.length ? [...new Set(known)] : null;
}

function budgetsOf(text: string): number[] | null {
  const budgets = text.split(",").map((part) => numberAbove(part, 0));
  return budgets.every((budget) => budget !== null && budget <= 1) ? [...new Set(budgets as number[])] : null;
}

function updatesOf(text: string): Updates | null {
  return text === "every" ? text : parseUpdates(text);
}

function numberAbove(text: string, least: number): number | null {
  const value = Number(text);
  return text.trim() !== "" && Number.isFinite(value) && value > least ? value : null;
}
