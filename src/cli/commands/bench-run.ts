/** `taskmem bench videomme|egolife|egotempo|m3bench`: a benchmark's videos, watched, remembered and asked about. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { choiceOptions, configuredEngine, configuredModel, configuredPerceptors } from "../../assembly.ts";
import { recordingsOf } from "../../benchmarks/datasets/egotempo.ts";
import { loadBenchmark } from "../../benchmarks/datasets/load.ts";
import { type AnswerJudge, modelAnswerJudge, wordingJudge } from "../../benchmarks/run/answer-judge.ts";
import {
  type Answerer,
  modelAnswerer,
  type RecallMode,
  readerAnswerer,
} from "../../benchmarks/run/answerers.ts";
import { type ProtocolOptions, parseOrder, parseUpdates } from "../../benchmarks/run/protocol.ts";
import type { Retried } from "../../benchmarks/run/results.ts";
import { runBenchmark } from "../../benchmarks/run/run.ts";
import type { RunSummary } from "../../benchmarks/run/summary.ts";
import { type BenchmarkRow, benchmarkRows, type RowName, rowNames } from "../../benchmarks/run/writers.ts";
import { type BenchmarkName, type LoadedBenchmark, withMaterial } from "../../benchmarks/task.ts";
import { type Config, loadConfig } from "../../config.ts";
import type { Model } from "../../engine.ts";
import { cachedModel, folderCache } from "../../engines/cached-model.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { ConfigError, DataError, EngineError } from "../../errors.ts";
import { openSqliteMemory } from "../../memory/sqlite.ts";
import { defaultSamples } from "../../policies/best-of-n/best-of-n.ts";
import { sha256 } from "../../util/hash.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";

/** Most rows and streams that are named one by one. */
const mostListed = 10;
/** Stream watched around each place of evidence, and before the question, in EgoLife's oracle variant. */
const oracleSeconds = 300;

export async function run(
  { output, flags, configFile, signal, options }: Invocation,
  name: BenchmarkName,
): Promise<void> {
  const config = await loadConfig(flags, { file: configFile });
  const root = textFlag(options.root);
  if (root === undefined) {
    throw new ConfigError("root-missing", `Expected --root with the folder of ${name}'s files, got none`);
  }
  for (const flag of ["limit", "votes"])
    if (options[flag] === 0)
      throw new ConfigError("flags-invalid", `Expected --${flag} to be a whole number from 1 up, got 0`);
  const runName = textFlag(options.run);
  if (runName !== undefined && !/^[\w][\w.-]*$/.test(runName))
    throw new ConfigError(
      "flags-invalid",
      `Expected --run to be a name of letters, digits, - . _ for a folder below --runs, got ${runName}`,
    );
  const protocol = protocolOf(name, options);
  const models = modelsOf(config, options);
  const kind = policyKind(config, models.writes);
  const loaded = await loadBenchmark(name, root, textFlag(options.annotations));
  printLoaded(output, loaded);
  const limit = typeof options.limit === "number" ? options.limit : Number.POSITIVE_INFINITY;
  const groups = textFlag(options.group)
    ?.split(",")
    .map((group) => group.trim());
  const inGroups = withMaterial(loaded).filter(
    ({ group }) => groups === undefined || groups.includes(group ?? ""),
  );
  const tasks = inGroups.slice(0, limit);
  const runs = resolve(textFlag(options.runs) ?? "runs");
  const known = new Set(loaded.tasks.flatMap(({ group }) => group ?? []));
  if (groups?.some((group) => !known.has(group))) {
    const names = [...known].join(", ") || "none";
    throw new ConfigError("group-unknown", `Expected --group to name some of ${names}, got ${options.group}`);
  }
  if (loaded.tasks.length === 0) {
    throw new DataError(
      "questions-missing",
      `No question of ${name} can be used: none of the ${loaded.rows} rows in ${loaded.files.join(", ")}`,
    );
  }
  if (tasks.length === 0) {
    if (name === "egotempo") listRecordings(output, runs, loaded);
    throw new DataError(
      "material-missing",
      `${loaded.root} holds no video of the ${loaded.tasks.length} questions of ${name}. Put them there (nothing is downloaded)${name === "egolife" ? ", or run on transcript and captions with --text" : ""}`,
    );
  }

  if (options.votes !== undefined && tasks.every((task) => !task.options))
    throw new ConfigError(
      "flags-invalid",
      `Expected no --votes with ${name}: its questions are open, and answered once`,
    );

  // A week does not fit a prompt: there memory is searched for the question.
  const mode = name === "egolife" && !protocol.oracle ? "search" : "whole-memory";
  const { framesPerClip, pictureTokens } = config.model;
  const settings = {
    policy: kind,
    model: {
      writes: models.writes?.id ?? null,
      answers: answererOf(config, models.answers, mode).id,
      judges: judgeOf(models.judges).id,
      recall: mode,
    },
    variant: protocol.oracle ? "oracle" : "full-stream",
    limit: Number.isFinite(limit) ? limit : null,
    groups: groups ?? null,
    choiceBudget: config.choice.budget ?? null,
    ...(framesPerClip !== undefined && { framesPerClip }),
    ...(pictureTokens !== undefined && { pictureTokens }),
    screenText: config.screenText,
    transcriber: config.transcriber.model ?? null,
    embedder: localEmbedder.id,
  };
  const command = commandOf(name, root, options);
  const id = runName ?? `${name}-${sha256(JSON.stringify([settings, protocol])).slice(0, 12)}`;
  const directory = join(runs, id);
  const cached = (model: Model | null) => model && cachedModel(model, folderCache(join(directory, "said")));
  const { rows, missing } = benchmarkRows({
    base:
      kind === "model"
        ? { kind, policy: configuredEngine(config, cached(models.writes)!) }
        : { kind, options: choiceOptions(config) },
    words: wordSpace,
    clipSeconds: config.stream.clipSeconds,
    tasks: new Map(loaded.tasks.map((task) => [task.id, task])),
    samples: config.bestOfN.samples ?? defaultSamples,
    seed: protocol.seed!,
  });
  const chosen = chosenRows(rows, missing, textFlag(options.rows));
  const answerer = answererOf(config, cached(models.answers), mode);
  for (const model of new Set(Object.values(models))) await model?.capabilities(signal);
  const stopped = (error: unknown) => {
    if (signal.aborted || error instanceof EngineError)
      output.note(`stopped; the same command with --resume continues the run in ${directory}`);
    throw error;
  };
  const { summary, cost } = await runBenchmark({
    directory,
    loaded,
    tasks,
    protocol,
    answerer,
    judge: judgeOf(cached(models.judges)),
    votes: typeof options.votes === "number" ? options.votes : votesOf(name, answerer),
    rows: chosen,
    missingRows: missing,
    openMemory: (place) =>
      openSqliteMemory(place, { words: wordSpace, embedder: localEmbedder, now: Date.now }),
    perceptors: configuredPerceptors(config),
    source: { ...config.stream, languages: config.languages, largeFrames: config.screenText },
    windowClips: config.stream.windowClips,
    words: wordSpace,
    concurrency: models.writes ? config.model.concurrency : 1,
    resume: options.resume === true,
    ...{ config: settings, command },
    onResume: ({ done, again, reasons }) => {
      output.object({ event: "bench-resume", done, again, reasons });
      const tried = again === 0 ? "" : `; ${again} questions are tried again: ${reasonsText(reasons)}`;
      output.note(`resumed: ${done} results kept${tried}`);
    },
    onProgress: ({ row, done, total, outcome }) => {
      output.progress(`${done} of ${total}: ${row} ${outcome}`);
      output.object({ event: "bench-answer", row, done, total, outcome });
    },
    signal,
  }).catch(stopped);
  output.progress("");
  if (name === "egotempo") listRecordings(output, directory, loaded);
  output.object({
    event: "bench-end",
    benchmark: name,
    tasks: tasks.length,
    skipped: loaded.skipped,
    ...figuresOf(summary, chosen),
    config: { ...settings, protocol, command },
    cost,
    run: directory,
  });
  printSummary(output, summary);
  output.text(output.dim(`\n${directory}; \`taskmem bench report ${directory}\` draws it`));
  if (cost.calls > 0) {
    const tokens = cost.promptTokens + cost.completionTokens;
    output.text(output.dim(`${cost.calls} calls, ${tokens} tokens, $${cost.usd.toFixed(4)} in all`));
  }
}

const textFlag = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function protocolOf(name: BenchmarkName, options: Invocation["options"]): ProtocolOptions & { seed: number } {
  const order = parseOrder(textFlag(options.order) ?? "official");
  if (order === null)
    throw new ConfigError(
      "order-unknown",
      `Expected --order to be official or seeded:<n>, got ${options.order}`,
    );
  if (name === "egolife" && order !== "official")
    throw new ConfigError(
      "order-unknown",
      `Expected --order official with egolife, got ${options.order}: all its questions are asked about one stream, at their times`,
    );
  const updates = parseUpdates(textFlag(options.updates) ?? "5");
  if (updates === null) {
    throw new ConfigError(
      "updates-invalid",
      `Expected --updates to be none, or counts that ascend such as 5 or 10,30,50, got ${options.updates}`,
    );
  }
  const seed = Number(textFlag(options.seed) ?? "1");
  if (!Number.isInteger(seed) || seed < 0)
    throw new ConfigError("seed-invalid", `Expected --seed to be a whole number, got ${options.seed}`);
  const variant = textFlag(options.variant) ?? "full-stream";
  if (variant !== "full-stream" && variant !== "oracle")
    throw new ConfigError(
      "variant-unknown",
      `Expected --variant to be oracle or full-stream, got ${variant}`,
    );
  if (variant === "oracle" && name !== "egolife") {
    throw new ConfigError(
      "variant-unknown",
      `Expected --variant oracle with egolife, got ${name}: its files do not say where the evidence is`,
    );
  }
  return { order, updates, seed, oracle: variant === "oracle" ? { seconds: oracleSeconds } : false };
}

function policyKind(config: Config, model: Model | null): "choice" | "model" {
  const policy = config.policy ?? (model ? "model" : "choice");
  if (policy === "choice") return "choice";
  if (policy === "model" && model) return "model";
  throw new ConfigError(
    "policy-unknown",
    policy === "model"
      ? "Expected a model for the `model` policy: give --base-url and --model"
      : `Expected --policy to be choice or model, got ${policy}: policies that learn are rows of their own`,
  );
}

function chosenRows(
  rows: readonly BenchmarkRow[],
  missing: Partial<Record<RowName, string>>,
  flag: string | undefined,
): BenchmarkRow[] {
  if (flag === undefined) return [...rows];
  const names = new Set(flag.split(",").map((written) => written.trim()));
  return [...names].map((name) => {
    const row = rows.find((each) => each.name === name);
    if (row) return row;
    const why = missing[name as RowName];
    throw new ConfigError(
      "row-unknown",
      why
        ? `Row ${name} cannot be run: ${why}`
        : `Expected --rows to name some of ${rowNames.join(", ")}, got ${name}`,
    );
  });
}

/** Who writes, who answers and who grades, each at the configured endpoint; `null` for what needs no model. */
function modelsOf(
  config: Config,
  options: Invocation["options"],
): Record<"writes" | "answers" | "judges", Model | null> {
  const writes = configuredModel(config);
  const named = (flag: unknown) => {
    const other = textFlag(flag);
    if (other === undefined) return writes;
    if (config.model.baseUrl === undefined)
      throw new ConfigError("model-missing", `Expected --base-url for the model ${other}, got none`);
    return configuredModel({ ...config, model: { ...config.model, model: other } });
  };
  return { writes, answers: named(options.answerModel), judges: named(options.judgeModel) };
}

function answererOf(config: Config, model: Model | null, mode: RecallMode): Answerer {
  const reader = config.reader ?? (model ? "model" : "local");
  return reader === "model" && model
    ? modelAnswerer(model, { mode })
    : readerAnswerer(lexicalReader({ words: wordSpace }), { mode });
}

/** The released code asks EgoLife's questions three times; a reader without a model gives the same answer each time. */
const votesOf = (name: BenchmarkName, { id }: Answerer) =>
  name === "egolife" && id.startsWith("model@") ? 3 : 1;

const judgeOf = (model: Model | null): AnswerJudge => (model ? modelAnswerJudge(model) : wordingJudge());

/** The command that repeats a run. */
function commandOf(name: string, root: string, options: Invocation["options"]): string {
  const quoted = (value: unknown) => (/^[\w./:,-]+$/.test(String(value)) ? String(value) : `'${value}'`);
  const flags =
    "annotations group policy weights budget rows updates variant order limit seed votes answerModel judgeModel baseUrl model framesPerClip pictureTokens config"
      .split(" ")
      .filter((flag) => options[flag] !== undefined)
      .map(
        (flag) =>
          `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${quoted(options[flag])}`,
      );
  if (options.screenText === false) flags.push("--no-screen-text");
  return [`taskmem bench ${name} --root ${quoted(root)}`, ...flags].join(" ");
}

function printLoaded(output: Output, loaded: LoadedBenchmark): void {
  const { benchmark, layout, files, rows, tasks, skipped, missing, notes, streams } = loaded;
  output.object({
    event: "bench-loaded",
    ...{ benchmark, layout, files, rows, skipped, missing, notes },
    tasks: tasks.length,
    streams: streams.size,
  });
  const names = files.map((path) => basename(path));
  const listed = names.length > 3 ? `${names.slice(0, 3).join(", ")} and others` : names.join(", ");
  output.note(
    `${benchmark}: ${layout} in ${listed}, ${tasks.length} of ${rows} questions, ${streams.size} of ${streams.size + missing.length} videos${textsFound(loaded)}`,
  );
  for (const note of notes) output.note(`  ${note}`);
  for (const { file, row, reason } of skipped.slice(0, mostListed))
    output.note(`  skipped ${file} row ${row}: ${reason}`);
  if (skipped.length > mostListed)
    output.note(`  skipped ${skipped.length - mostListed} more; run.json lists them`);
  if (missing.length > 0) {
    const more = missing.length > mostListed ? ` and ${missing.length - mostListed} more` : "";
    output.note(`  no video of ${missing.slice(0, mostListed).join(", ")}${more}`);
  }
}

function textsFound({ streams }: LoadedBenchmark): string {
  const found = [...streams.values()];
  const subtitled = found.filter(({ subtitles }) => subtitles !== null).length;
  const hours = found.reduce((sum, { transcripts = [] }) => sum + transcripts.length, 0);
  return [
    subtitled > 0 ? `, ${subtitled} with subtitles` : "",
    hours > 0 ? `, transcripts of ${hours} hours` : "",
  ].join("");
}

/** Writes the ids that the Ego4D downloader takes. */
function listRecordings(output: Output, directory: string, { missing }: LoadedBenchmark): void {
  const recordings = recordingsOf(missing);
  if (recordings.length === 0) return;
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "missing-recordings.txt");
  writeFileSync(path, `${recordings.join("\n")}\n`);
  output.note(`  ${recordings.length} Ego4D recordings are missing; their ids are in ${path}`);
}

/** A run's figures as flat rows, one for each row of the table and type, and its paired tests. */
function figuresOf(summary: RunSummary, rows: readonly BenchmarkRow[]) {
  const flat = rows.flatMap(({ name, budget }) => {
    const { label, tokens, clips, retried, overall, byType } = summary.rows[name]!;
    return Object.entries({ all: overall, ...byType }).map(([type, figures]) => {
      const { tasks: n, accuracyInterval, coverageInterval, precisionInterval, ...own } = figures;
      const { low, high } = accuracyInterval ?? { low: null, high: null };
      const ofAll = type === "all" && { tokens, clips, retried };
      return { policy: name, label, budget, type, n, ...own, low, high, ...ofAll };
    });
  });
  const comparisons = [
    ...Object.entries(summary.againstBase).map(([first, of]) => ({ first, second: "base", of })),
    ...Object.entries(summary.taskmemAgainst).map(([second, of]) => ({ first: "taskmem", second, of })),
  ];
  const paired = comparisons.map(({ first, second, of }) => {
    const { tasks: n, difference, interval, p } = of;
    const { low, high } = interval ?? { low: null, high: null };
    return { first, second, metric: "accuracy", subset: "all", n, difference, low, high, p };
  });
  return { rows: flat, paired };
}

/** Why questions are tried again, in words. */
function reasonsText(reasons: Readonly<Record<Retried, number>>): string {
  const words: Record<Retried, string> = {
    missed: "with missing clips",
    unheard: "with missing speech",
    unreadable: "with an unreadable video",
    answerer: "without an answer",
    judge: "without a grade",
  };
  return (Object.entries(reasons) as [Retried, number][])
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${words[reason]}`)
    .join(", ");
}

const percent = (share: number | null) =>
  share === null ? "    –" : `${(100 * share).toFixed(1).padStart(5)}`;

function printSummary(output: Output, summary: RunSummary): void {
  const { rows, againstBase, missingRows, counts, unreadable } = summary;
  output.text(
    output.bold(`\n${counts.used} questions      accuracy  coverage  precision   errors  tokens kept`),
  );
  for (const [name, { label, overall, tokens }] of Object.entries(rows)) {
    const { accuracy, coverage, precision, errors } = overall;
    const against = againstBase[name];
    const line = `${label.padEnd(28)} ${percent(accuracy)}     ${percent(coverage)}      ${percent(precision)}   ${String(errors).padStart(6)}  ${tokens.toFixed(0).padStart(11)}`;
    const test = against
      ? output.dim(
          `   ${signed(100 * against.difference)} to base, p ${against.p < 0.001 ? "< 0.001" : against.p.toFixed(3)}`,
        )
      : "";
    output.text(line + test);
  }
  for (const [name, why] of Object.entries(missingRows)) output.text(output.dim(`${name}: ${why}`));
  const broken = Object.entries(unreadable);
  for (const [stream, why] of broken.slice(0, mostListed)) output.text(`${stream} could not be read: ${why}`);
  if (broken.length > mostListed)
    output.text(`${broken.length - mostListed} more could not be read; summary.json lists them`);
  for (const { label, clips, retried } of Object.values(rows)) {
    const reasons = reasonsText(retried);
    if (reasons !== "") output.text(`${label}: --resume tries questions again: ${reasons}`);
    if (clips.missed > 0)
      output.text(`${label}: the engine failed at ${clips.missed} clips; --resume retries them`);
    if (clips.unheard > 0)
      output.text(`${label}: the transcriber failed at ${clips.unheard} clips; --resume retries them`);
    if (clips.lost > 0)
      output.text(
        `${label}: ${clips.lost} clips have no memory: they were refused, or nothing usable was written`,
      );
  }
}

const signed = (points: number) => `${points < 0 ? "−" : "+"}${Math.abs(points).toFixed(1)}`;
