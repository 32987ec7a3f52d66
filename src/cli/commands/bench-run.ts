/** `taskmem bench videomme|egolife|egotempo|m3bench`: a benchmark's videos, watched, remembered and asked about. */
import { join, resolve } from "node:path";
import { loadBenchmark } from "../../benchmarks/datasets/load.ts";
import { type AnswerJudge, modelAnswerJudge, wordingJudge } from "../../benchmarks/run/answer-judge.ts";
import {
  type Answerer,
  modelAnswerer,
  type RecallMode,
  readerAnswerer,
} from "../../benchmarks/run/answerers.ts";
import { refuseRunIn } from "../../benchmarks/run/identity.ts";
import type { RunOptions } from "../../benchmarks/run/options.ts";
import { runName } from "../../benchmarks/run/own-report.ts";
import { type ProtocolOptions, parseOrder, parseUpdates } from "../../benchmarks/run/protocol.ts";
import { runBenchmark } from "../../benchmarks/run/run.ts";
import { figuresOf } from "../../benchmarks/run/summary.ts";
import { type BenchmarkRow, benchmarkRows, type RowName, rowNames } from "../../benchmarks/run/writers.ts";
import {
  type BenchmarkName,
  type BenchmarkTask,
  type LoadedBenchmark,
  withMaterial,
} from "../../benchmarks/task.ts";
import { type Config, loadConfig, namesFolder, simultaneousCalls, withModel } from "../../config.ts";
import { costText, type Model } from "../../engine.ts";
import { cachedModel, folderCache } from "../../engines/cached-model.ts";
import { lexicalReader, localEmbedder, wordSpace } from "../../engines/local/index.ts";
import { ConfigError, DataError, EngineError } from "../../errors.ts";
import { openSqliteMemory } from "../../memory/sqlite.ts";
import { defaultSamples } from "../../policies/best-of-n/best-of-n.ts";
import { configuredBudget } from "../../policies/choice/choice-budget.ts";
import {
  choiceOptions,
  configuredModel,
  configuredModelPolicy,
  configuredPerceptors,
  configuredTemplate,
  isFolderModel,
  openConfiguredModel,
} from "../../taskmem/assembly.ts";
import { sha256 } from "../../util/hash.ts";
import { maskedMessage } from "../../util/secrets.ts";
import { flagOf, textFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import type { Output } from "../output.ts";
import { showProgress } from "../progress.ts";
import { learnsIn, learntPolicies, lessonJudge, lessonSettings, phaseOneConfig } from "./bench-lessons.ts";
import { following, listRecordings, printLoaded, printSummary } from "./bench-print.ts";

/** Stream watched around each place of evidence, and before the question, in EgoLife's oracle variant. */
const oracleSeconds = 300;

/** @param given models that are open already, and stay so; by default those that the configuration names, for this run */
export async function run(invocation: Invocation, name: BenchmarkName, given?: Models): Promise<void> {
  const { flags, configFile, options } = invocation;
  const config = await loadConfig(flags, { file: configFile });
  const selection = selectionOf(name, options);
  // Before a model is opened, which may take minutes.
  lessonJudge(options);
  if (selection.run !== null) refuseRunIn(join(selection.runs, selection.run), options.resume === true);
  const models = given ?? (await modelsOf(config, invocation));
  try {
    await runWith(invocation, config, selection, models);
  } finally {
    const own = given ? [] : [models.writes, models.phaseOne];
    for (const model of own) if (isFolderModel(model)) model.engine.close();
  }
}

async function runWith(
  invocation: Invocation,
  config: Config,
  selection: Selection,
  models: Models,
): Promise<void> {
  const { output, signal, options } = invocation;
  const { name } = selection;
  const kind = policyKind(config, models.writes);
  const loaded = await loadBenchmark(name, selection.root, textFlag(options.annotations));
  printLoaded(output, loaded);
  const tasks = tasksOf(output, loaded, selection);
  if (options.votes !== undefined && tasks.every((task) => !task.options))
    throw new ConfigError(
      "flags-invalid",
      `Expected no --votes with ${name}: its questions are open, and answered once`,
    );
  const run = await runOptionsOf(invocation, { config, selection, models, kind, loaded, tasks });
  for (const model of new Set(Object.values(models))) await model?.capabilities(signal);
  const { summary, cost } = await runBenchmark(run).catch((error: unknown) => {
    if (signal.aborted || error instanceof EngineError)
      output.note(`stopped; the same command with --resume continues the run in ${run.directory}`);
    throw error;
  });
  output.progress("");
  if (name === "egotempo") listRecordings(output, run.directory, loaded);
  output.object({
    ...{ event: "bench-end", benchmark: name, tasks: tasks.length, skipped: loaded.skipped },
    ...figuresOf(summary, run.rows),
    config: { ...run.config, protocol: run.protocol, command: run.command },
    ...{ cost, run: run.directory },
  });
  printSummary(output, summary);
  output.text("", output.dim(`${run.directory}; \`taskmem bench report ${run.directory}\` draws it`));
  if (cost.calls > 0) output.text(output.dim(`in all ${costText(cost)}`));
}

/** Which questions are run, in which order, and where the run is kept. */
export interface Selection {
  readonly name: BenchmarkName;
  readonly root: string;
  readonly runs: string;
  /** `null` for one that follows from the settings. */
  readonly run: string | null;
  readonly protocol: ProtocolOptions & { readonly seed: number };
  readonly groups: readonly string[] | null;
  readonly limit: number;
}

/** @throws ConfigError naming a flag that is wrong or missing */
function selectionOf(name: BenchmarkName, options: Invocation["options"]): Selection {
  const root = textFlag(options.root);
  if (root === undefined)
    throw new ConfigError("root-missing", `Expected --root with the folder of ${name}'s files, got none`);
  for (const flag of ["limit", "votes"])
    if (options[flag] === 0)
      throw new ConfigError("flags-invalid", `Expected --${flag} to be a whole number from 1 up, got 0`);
  const run = textFlag(options.run) ?? null;
  if (run !== null && !/^[\w][\w.-]*$/.test(run))
    throw new ConfigError(
      "flags-invalid",
      `Expected --run to be a name of letters, digits, - . _ for a folder below --runs, got ${run}`,
    );
  return {
    ...{ name, root, run, runs: resolve(textFlag(options.runs) ?? "runs") },
    protocol: protocolOf(name, options),
    groups:
      textFlag(options.group)
        ?.split(",")
        .map((group) => group.trim()) ?? null,
    limit: typeof options.limit === "number" ? options.limit : Number.POSITIVE_INFINITY,
  };
}

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

/** The questions to run, all with material. @throws ConfigError, DataError where there are none */
function tasksOf(
  output: Output,
  loaded: LoadedBenchmark,
  { name, groups, limit, runs }: Selection,
): readonly BenchmarkTask[] {
  const known = [...new Set(loaded.tasks.flatMap(({ group }) => group ?? []))];
  if (groups?.some((group) => !known.includes(group)))
    throw new ConfigError(
      "group-unknown",
      `Expected --group to name some of ${known.join(", ") || "none"}, got ${groups.join(",")}`,
    );
  if (loaded.tasks.length === 0)
    throw new DataError(
      "questions-missing",
      `No question of ${name} can be used: none of the ${loaded.rows} rows in ${loaded.files.join(", ")}`,
    );
  const tasks = withMaterial(loaded)
    .filter(({ group }) => groups === null || groups.includes(group ?? ""))
    .slice(0, limit);
  if (tasks.length > 0) return tasks;
  if (name === "egotempo") listRecordings(output, runs, loaded);
  throw new DataError(
    "material-missing",
    `${loaded.root} holds no video of the ${loaded.tasks.length} questions of ${name}. Put them there (nothing is downloaded)${name === "egolife" ? ", or run on transcript and captions with --text" : ""}`,
  );
}

/** Who writes, before Phase One and after it, who answers and who grades; `null` for what needs no model. */
export type Models = Readonly<Record<"writes" | "phaseOne" | "answers" | "judges", Model | null>>;

/** What a run is made of. */
export interface Parts {
  readonly config: Config;
  readonly selection: Selection;
  readonly models: Models;
  readonly kind: "choice" | "model";
  readonly loaded: LoadedBenchmark;
  readonly tasks: readonly BenchmarkTask[];
}

async function runOptionsOf(invocation: Invocation, parts: Parts): Promise<RunOptions> {
  const { output, options, signal } = invocation;
  const { config, selection, models, kind, loaded, tasks } = parts;
  const { name, protocol, runs } = selection;
  // A week does not fit a prompt: there memory is searched for the question.
  const mode = name === "egolife" && !protocol.oracle ? "search" : "whole-memory";
  const settings = { ...settingsOf(parts, mode), ...lessonSettings(parts, options) };
  const directory = join(runs, selection.run ?? runName(name, [settings, protocol]));
  const said = folderCache(join(directory, "said"));
  const cached = (model: Model | null) => model && cachedModel(model, said);
  const answerer = answererOf(config, cached(models.answers), mode);
  refuseRunIn(directory, options.resume === true);
  const { rows, missing } = benchmarkRows({
    base:
      kind === "model"
        ? {
            ...{ kind, policy: configuredModelPolicy(config, cached(models.writes)!) },
            ...(models.phaseOne && {
              phaseOne: configuredModelPolicy(phaseOneConfig(parts, options), cached(models.phaseOne)!),
            }),
            ...(learnsIn(parts, options) && {
              learnt: await learntPolicies(invocation, parts, { directory, settings }),
            }),
          }
        : { kind, options: choiceOptions(config) },
    words: wordSpace,
    clipSeconds: config.stream.clipSeconds,
    tasks: new Map(loaded.tasks.map((task) => [task.id, task])),
    samples: config.bestOfN.samples ?? defaultSamples,
    seed: protocol.seed,
  });
  return {
    ...{ directory, loaded, tasks, protocol, answerer, signal },
    judge: judgeOf(cached(models.judges)),
    votes: typeof options.votes === "number" ? options.votes : votesOf(name, answerer),
    rows: chosenRows(rows, missing, textFlag(options.rows)),
    missingRows: missing,
    openMemory: (place) =>
      openSqliteMemory(place, { words: wordSpace, embedder: localEmbedder, now: Date.now }),
    perceptors: configuredPerceptors(config),
    source: { ...config.stream, languages: config.languages, largeFrames: config.screenText },
    windowClips: config.stream.windowClips,
    words: wordSpace,
    concurrency: models.writes ? simultaneousCalls(config) : 1,
    resume: options.resume === true,
    ...{ config: settings, command: commandOf(name, selection.root, options) },
    ...following(output),
  };
}

/** What a run depends on besides its data and protocol; kept with it. */
function settingsOf({ config, selection, models, kind }: Parts, mode: RecallMode) {
  const { protocol, limit, groups } = selection;
  const { framesPerClip, pictureTokens, preset = "none", sampling, thinking, promptTemplate } = config.model;
  const { overlay } = config.model;
  return {
    policy: kind,
    model: {
      writes: models.writes?.id ?? null,
      answers: answererOf(config, models.answers, mode).id,
      judges: judgeOf(models.judges).id,
      recall: mode,
    },
    variant: protocol.oracle ? "oracle" : "full-stream",
    limit: Number.isFinite(limit) ? limit : null,
    groups,
    choiceBudget: configuredBudget(config.choice),
    ...(framesPerClip !== undefined && { framesPerClip }),
    ...(pictureTokens !== undefined && { pictureTokens }),
    ...(preset !== "none" && { preset }),
    ...(overlay && { overlay }),
    ...(sampling !== undefined && { sampling: pairsOf(sampling) }),
    ...(thinking !== undefined && { thinking }),
    ...(promptTemplate !== undefined && { prompt: sha256(JSON.stringify(configuredTemplate(config))) }),
    screenText: config.screenText,
    transcriber: config.transcriber.model ?? null,
    embedder: localEmbedder.id,
  };
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

/**
 * Who writes, who answers and who grades, each at the configured endpoint, or who writes in a folder, where it answers
 * nothing; `null` for what needs no model.
 */
async function modelsOf(config: Config, { options, output }: Invocation): Promise<Models> {
  const onProgress = showProgress(output);
  const isInFolder = config.policy !== "choice" && namesFolder(config);
  const atEndpoint = (flag: unknown, otherwise: Model | null) => {
    const other = textFlag(flag);
    if (other === undefined) return otherwise;
    if (config.model.baseUrl === undefined)
      throw new ConfigError("model-missing", `Expected --base-url for the model ${other}, got none`);
    return configuredModel(config, other, onProgress);
  };
  const phaseOne = textFlag(options.phaseOne);
  if (phaseOne !== undefined && config.model.model === undefined)
    throw new ConfigError("model-missing", `Expected --model beside --phase-one ${phaseOne}, got none`);
  const open = (other: Config) => openConfiguredModel({ ...other, policy: "model" }, onProgress);
  const writes = isInFolder ? await open(config) : configuredModel(config, undefined, onProgress);
  const others = isInFolder ? null : writes;
  return {
    writes,
    answers: atEndpoint(options.answerModel, others),
    judges: atEndpoint(options.judgeModel, others),
    phaseOne: phaseOne === undefined ? null : await open(withModel(config, phaseOne)),
  };
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

/** Options of sampling as their flag takes them. */
const pairsOf = (sampling: unknown) =>
  Object.entries(sampling as object)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");

/** The command that repeats a run. */
function commandOf(name: string, root: string, options: Invocation["options"]): string {
  const quoted = (value: unknown) => (/^[\w./:,-]+$/.test(String(value)) ? String(value) : `'${value}'`);
  const flags =
    "annotations group policy phaseOne lessonJudge recipe weights budget rows updates variant order limit seed votes answerModel judgeModel baseUrl model preset thinking extraBody temperature sampling promptTemplate framesPerClip pictureTokens config"
      .split(" ")
      .filter((flag) => options[flag] !== undefined)
      .map(
        (flag) => `${flagOf(flag)} ${quoted(flag === "sampling" ? pairsOf(options[flag]) : options[flag])}`,
      );
  if (options.screenText === false) flags.push("--no-screen-text");
  return maskedMessage([`taskmem bench ${name} --root ${quoted(root)}`, ...flags].join(" "));
}
