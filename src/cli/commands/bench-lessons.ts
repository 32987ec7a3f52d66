/** TaskMem's row of `bench` over a model: who learns by preferences, by which judge, and what came of it. */
import { join } from "node:path";
import { cachedPerceptors } from "../../benchmarks/run/cached-senses.ts";
import { learnLessons } from "../../benchmarks/run/lessons.ts";
import type { LearntPolicies } from "../../benchmarks/run/writers.ts";
import { type Config, type PolicyName, withModel } from "../../config.ts";
import type { Model } from "../../engine.ts";
import { folderCache } from "../../engines/cached-model.ts";
import { wordSpace } from "../../engines/local/index.ts";
import { ConfigError, EngineError } from "../../errors.ts";
import type { Policy } from "../../policy/policy.ts";
import { questionWordsJudge } from "../../reward/question-words-judge.ts";
import {
  adapterTarget,
  configuredPerceptors,
  configuredPolicy,
  configuredTrainer,
  isFolderModel,
  type TrainingChoice,
} from "../../taskmem/assembly.ts";
import { shortId } from "../../util/hash.ts";
import { textFlag } from "../flags.ts";
import type { Invocation } from "../invocation.ts";
import type { Parts } from "./bench-run.ts";

type Flags = Invocation["options"];

/** Whether TaskMem's row is run, and a model is what learns. */
export function learnsIn({ kind, selection }: Parts, options: Flags): boolean {
  const rows = textFlag(options.rows);
  const isWanted =
    rows === undefined ||
    rows
      .split(",")
      .map((row) => row.trim())
      .includes("taskmem");
  return kind === "model" && isWanted && (selection.protocol.updates ?? []).length > 0;
}

/** The configuration with the model that went through Phase One, where one is named. */
export function phaseOneConfig({ config }: Pick<Parts, "config">, options: Flags): Config {
  const name = textFlag(options.phaseOne);
  return name === undefined ? config : withModel(config, name);
}

/** What the lessons of a run depend on, kept with it. @throws ConfigError for flags of a lesson that none learns */
export function lessonSettings(parts: Parts, options: Flags) {
  const given = ["lessonJudge", "recipe", "phaseOne"].filter((flag) => options[flag] !== undefined);
  if (parts.kind === "choice" && given.length > 0)
    throw new ConfigError(
      "flags-invalid",
      "--phase-one, --lesson-judge and --recipe apply to a model: the choice policy has --weights, and learns by words",
    );
  const phaseOne = parts.models.phaseOne?.id;
  if (!learnsIn(parts, options)) return phaseOne === undefined ? {} : { phaseOne };
  const { judge, recipe } = choiceOf(parts, options);
  const judged = typeof judge === "object" ? judge.id : (judge ?? null);
  return {
    ...(phaseOne !== undefined && { phaseOne }),
    lessons: { policy: learnerOf(parts.models.writes), judge: judged, recipe: (recipe as string) ?? null },
  };
}

/** A model in a folder learns a vector; one at an endpoint which of its samples to keep. */
const learnerOf = (model: Model | null): PolicyName => (isFolderModel(model) ? "model" : "best-of-n");

/** The judge that a lesson's memories are compared by. @throws ConfigError `judge-unknown` */
export function lessonJudge(options: Flags): Pick<TrainingChoice, "judge"> {
  const named = textFlag(options.lessonJudge);
  if (named === "questions") return { judge: questionWordsJudge({ words: wordSpace }) };
  if (named === undefined || named === "local" || named === "encoder" || named === "model")
    return { judge: named };
  throw new ConfigError(
    "judge-unknown",
    `Expected --lesson-judge to be local, encoder, model or questions, got ${named}`,
  );
}

function choiceOf({ models }: Parts, options: Flags): TrainingChoice {
  const recipe = textFlag(options.recipe);
  if (recipe !== undefined && !isFolderModel(models.writes))
    throw new ConfigError("flags-invalid", "--recipe applies to a model in a folder, which learns a vector");
  return { method: "preferences", ...lessonJudge(options), ...(recipe !== undefined && { recipe }) };
}

/** Learns the lessons of a run, or finds them, and makes a policy of each. */
export async function learntPolicies(
  { output, options, signal }: Invocation,
  parts: Parts,
  { directory, settings }: { readonly directory: string; readonly settings: unknown },
): Promise<LearntPolicies> {
  const { loaded, tasks, selection, models } = parts;
  const model = models.phaseOne ?? models.writes;
  const policy = learnerOf(model);
  const config: Config = { ...phaseOneConfig(parts, options), policy };
  const caches = {
    engineCache: (name: string) => folderCache(join(directory, "lessons", shortId("said", name))),
  };
  const trainer = await configuredTrainer(config, caches, model, {
    ...choiceOf(parts, options),
    onTraining: ({ stage, done, total }) => output.progress(`lesson: ${stage} ${done} of ${total}`),
  });
  const lessons = await learnLessons({
    ...{ directory, loaded, tasks, protocol: selection.protocol, trainer, settings, signal },
    target: await adapterTarget(policy, model),
    perceptors: cachedPerceptors(configuredPerceptors(config), folderCache(join(directory, "perceived"))),
    source: { ...config.stream, languages: config.languages, largeFrames: config.screenText },
    onLesson: (version, { problem, pairs, adapter }) => {
      const revision = adapter?.revision ?? null;
      output.progress("");
      output.object({ event: "bench-lesson", version: version.name, pairs, problem, adapter: revision });
      output.note(
        `lesson of ${version.name}: ${problem === null ? `${pairs} pairs` : `nothing learnt (${problem})`}`,
      );
    },
  }).catch((error: unknown) => {
    if (signal.aborted || error instanceof EngineError)
      output.note(`stopped; the same command continues the lessons in ${directory}`);
    throw error;
  });
  const policies = new Map<string, Policy>();
  for (const [name, { adapter }] of lessons)
    if (adapter !== null) policies.set(name, await configuredPolicy(config, model, adapter));
  return { how: policy === "model" ? "preferences" : "preferences, best of n", policies };
}
