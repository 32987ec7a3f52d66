/**
 * The pairs of a job, for any model the policy can ask: what was watched is shown again, memories are drawn for some of
 * its clips, and a judge compares them by recent questions. A run keeps draws and verdicts, so that one that was stopped
 * is resumed.
 */
import type { Prompt } from "../../../engines/torch/index.ts";
import type { Observation } from "../../../perception/observation.ts";
import type { ContextLimits } from "../../../policy/context.ts";
import type { Action, Context, Policy } from "../../../policy/policy.ts";
import { generalQuestions } from "../../../reward/general-questions.ts";
import type { Judge } from "../../../reward/judge.ts";
import type { ScoreOptions } from "../../../reward/reward.ts";
import type { Task } from "../../../tasks/task.ts";
import type { PairReport } from "../../../training/pairs.ts";
import { preferredPairs, rollOut } from "../../../training/phase-two.ts";
import { openPhaseTwoRun } from "../../../training/phase-two-run.ts";
import type { OnTraining, TrainingStage } from "../../../training/progress.ts";
import type { ConcurrencyOptions } from "../../../util/async.ts";
import { lessonContexts } from "../lesson-contexts.ts";
import type { ModelPhaseTwoRecipe } from "../recipes.ts";
import type { JobPair } from "./job.ts";

/** Options of `jobPairs`. */
export interface JobPairsOptions extends ConcurrencyOptions {
  /** Writes the histories: the policy without an adapter. */
  readonly base: Policy;
  /** Draws the memories that are compared; it asks once for each. */
  readonly drawing: Policy;
  /** What the policy asks about a context. */
  readonly promptOf: (context: Context) => Prompt | Promise<Prompt>;
  /** Actions that tell these texts, in the form that the prompt asks for. */
  readonly tell: (context: Context, texts: readonly string[]) => Action[];
  readonly judge: Judge;
  readonly score: ScoreOptions;
  readonly recipe: ModelPhaseTwoRecipe;
  readonly limits: ContextLimits;
  readonly seed: string;
  /** Directory of the run. */
  readonly run: string;
  readonly onTraining?: OnTraining | undefined;
}

/** Pairs, and what was found on the way to them. */
export interface JobPairsResult {
  readonly pairs: readonly JobPair[];
  /** Contexts that memories were drawn for. */
  readonly contexts: number;
  readonly report: PairReport;
  readonly failedVerdicts: number;
  readonly refusedClips: number;
}

/** Draws and compares memories of what was watched. @throws EngineError of the model and the judge */
export async function jobPairs(
  tasks: readonly Task[],
  streams: readonly (readonly Observation[])[],
  options: JobPairsOptions,
): Promise<JobPairsResult> {
  const { base, drawing, promptOf, tell, judge, score, recipe, limits, seed, concurrency, signal } = options;
  const { onTraining: onProgress } = options;
  const during = (stage: TrainingStage) => ({
    ...{ concurrency, signal },
    onDone: (done: number, total: number) => onProgress?.({ stage, done, total }),
  });
  const { earlier, refusedClips } = await lessonContexts(base, streams, {
    ...recipe,
    ...{ limits, ...during("watching") },
  });
  const questions = tasks.map(({ question }) => question);
  const config = {
    ...{ base: base.revision, drawing: drawing.revision, judge: judge.id, questions, recipe, limits, seed },
    contexts: earlier.map(({ id, context }) => [id, context.recent.entries]),
  };
  const run = openPhaseTwoRun(options.run, config, { otherRun: "replace" });
  const { lines, pairs: take, dpo } = recipe;
  const trainable = {
    policy: async () => drawing,
    sampleOf: async (context: Context, { text }: Action) => ({ prompt: await promptOf(context), text }),
    tell: async (context: Context, texts: readonly string[]) => tell(context, texts),
  };
  const cache = await rollOut(trainable, earlier, {
    ...{ samples: recipe.samples, lines, seed, countTokens: score.countTokens, needsLogprobs: false, run },
    ...during("drawing"),
    quality: { judge, score: { ...score, questions } },
  });
  const { pairs, report, failedVerdicts } = await preferredPairs(cache, tasks, {
    others: recipe.judge === "contrast" ? generalQuestions : [],
    ...{ judge, seed, tokenMargin: recipe.tokenMargin, take, run, concurrency, signal, onProgress },
  });
  return {
    pairs: [...Map.groupBy(pairs, ({ context }) => context).values()]
      .flatMap((own) => own.slice(0, dpo.pairsPerContext))
      .map(({ context, chosen, rejected }) => ({
        ...{ id: context, prompt: chosen.sample.prompt },
        chosen: answerOf(chosen.sample),
        rejected: answerOf(rejected.sample),
        passes: { chosen: chosen.passes, rejected: rejected.passes },
      })),
    ...{ contexts: earlier.length, report, failedVerdicts, refusedClips },
  };
}

/** What the model wrote itself, behind the beginning that the prompt gives it. */
function answerOf({
  prompt: { prefix = "" },
  text,
}: {
  readonly prompt: Prompt;
  readonly text: string;
}): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}
