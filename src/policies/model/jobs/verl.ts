/**
 * A job for the fork of verl that the paper released (Hope-Rita/TaskMem-PhaseTwo at 7fa3ddf, on verl 32705dc1): upstream
 * verl, 0.9.1 included, has no trainer for preferences. A row is an answer; the two of a pair stand behind each other
 * and share a `uid`, the chosen one with reward 1 (Hope-Rita/TaskMem, `training/convert_data.py`).
 *
 * Departure: pictures are listed one by one, with `<image>` in the prompt, where the released rows have a video.
 */
import type { FiledJob, FiledPrompt, JobFiles } from "./job.ts";
import { jsonLines, picturesOf } from "./job.ts";
import { readme } from "./readme.ts";

/** The files of a job for the paper's fork of verl. */
export function verlFiles({ about, pairs }: FiledJob): JobFiles {
  const { prefix, settings, block } = about;
  const rows = about.order.flat().flatMap((place, at) => {
    const { id, prompt, chosen, rejected, passes } = pairs[place]!;
    const row = (response: string, isChosen: boolean, isGood: boolean) => ({
      ...{ uid: `${at}-${id}`, id, type: "episodic", data_source: "taskmem" },
      ...{ prompt: conversation(prompt), images: picturesOf(prompt).map((image) => ({ image })) },
      ...{ response: prefix + response, reward: isChosen ? 1 : 0, task_score: isChosen ? 0.5 : -0.5 },
      ...{ correctness: isGood ? 1 : 0, need_rollout: false },
    });
    return [row(chosen, true, passes.chosen), row(rejected, false, passes.rejected)];
  });
  return {
    "pairs.jsonl": jsonLines(rows),
    "run.sh": script(about),
    "README.md": readme(about, {
      trainer: "Hope-Rita/TaskMem-PhaseTwo at 7fa3ddf, a fork of verl at 32705dc1",
      source: "https://github.com/Hope-Rita/TaskMem-PhaseTwo",
      install:
        "git clone https://github.com/Hope-Rita/TaskMem-PhaseTwo && (cd TaskMem-PhaseTwo && bash bootstrap.sh)",
      run: "bash run.sh TaskMem-PhaseTwo",
      leftOut:
        settings.likelihood > 0
          ? [`the likelihood term of weight ${settings.likelihood}: the fork has none`]
          : [],
      notes: [
        `The model must have the fork's adapters in it (Hope-Rita/TaskMem, \`training/build_model_with_adapter.py\`); the one of block ${block} is trained.`,
      ],
    }),
  };
}

function conversation({ messages }: FiledPrompt): object[] {
  return messages.map(({ role, parts }) => ({
    role,
    content: parts.map((part) => (part.type === "image" ? "<image>" : part.text)).join(""),
  }));
}

/** Rows become Parquet, and the fork's own script runs with the paper's overrides. */
function script({ model, block, settings }: FiledJob["about"]): string {
  const rate = "learningRate" in settings.rate ? settings.rate.learningRate : null;
  return `#!/usr/bin/env bash
# Trains on pairs.jsonl with the fork in the folder named: bash run.sh TaskMem-PhaseTwo
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
python - <<'END'
import os
import pandas

rows = pandas.read_json("pairs.jsonl", lines=True)
rows["images"] = [[{"image": os.path.abspath(picture["image"])} for picture in own] for own in rows["images"]]
rows.to_parquet("pairs.parquet")
END
export VLLM_PLUGINS=qwen3vllm_ada VLLM_MODELS=qwen3vllm_ada VLLM_USE_V1=1 VLLM_ADA_TRAIN_LAYERS=${block}
cd "$1"
bash run.sh \\
  data.train_files="$here/pairs.parquet" data.val_files="$here/pairs.parquet" \\
  data.train_batch_size=${2 * settings.pairsPerStep} \\
  actor_rollout_ref.model.path=${shellQuoted(model)} \\
  actor_rollout_ref.actor.ppo_mini_batch_size=${2 * settings.pairsPerStep} \\
  actor_rollout_ref.actor.policy_loss.loss_mode=dpo \\
  actor_rollout_ref.actor.optim.lr=${rate} \\
  actor_rollout_ref.actor.kl_loss_coef=${settings.kl} \\
  trainer.experiment_name=taskmem trainer.default_local_dir="$here/result" \\
  trainer.total_training_steps=${settings.steps} trainer.val_before_train=False trainer.test_freq=-1
`;
}

const shellQuoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
