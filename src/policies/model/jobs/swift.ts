/**
 * A job for ms-swift 4.6: rows of its standard form (ms-swift, "Custom Dataset", RLHF and multimodal: `messages` with
 * `<image>` where a picture stands, `rejected_response`, `images`, `chat_template_kwargs`), and `swift.yaml`, whose keys
 * are flags of `swift rlhf`.
 *
 * A vector is trained by `beft.py`, a tuner plug-in of a few lines around PEFT's BEFT.
 */
import type { FiledJob, FiledPrompt, JobDescription, JobFiles } from "./job.ts";
import { jsonLines, picturesOf } from "./job.ts";
import { readme } from "./readme.ts";

/** The files of a job for ms-swift. */
export function swiftFiles({ about, pairs }: FiledJob): JobFiles {
  const { prefix, template, settings } = about;
  const rows = pairs.map(({ prompt, chosen, rejected }) => ({
    messages: [...conversation(prompt), { role: "assistant", content: prefix + chosen }],
    rejected_response: prefix + rejected,
    ...(picturesOf(prompt).length > 0 && { images: picturesOf(prompt) }),
    ...(Object.keys(template).length > 0 && { chat_template_kwargs: template }),
  }));
  return {
    "pairs.jsonl": jsonLines(rows),
    "swift.yaml": yaml(options(about)),
    ...(about.kind === "vector" && { "beft.py": plugin }),
    "README.md": readme(about, {
      trainer: "ms-swift 4.6.0",
      source: "https://swift.readthedocs.io/en/v4.6/Customization/Custom-dataset.html",
      install: "pip install ms-swift==4.6.0",
      run: `${about.kind === "vector" ? `TASKMEM_BLOCK=${about.block} ` : ""}swift rlhf swift.yaml`,
      severalGpus: `NPROC_PER_NODE=8 ${about.kind === "vector" ? `TASKMEM_BLOCK=${about.block} ` : ""}swift rlhf swift.yaml`,
      leftOut: settings.kl > 0 ? [`the KL penalty of ${settings.kl}: ms-swift's DPO has none`] : [],
      notes:
        prefix === ""
          ? []
          : [
              "How each answer begins is part of both answers here, not of the prompt. DPO's term is the same.",
            ],
    }),
  };
}

/** Messages as ms-swift has them: one text each, with a tag where a picture stands. */
function conversation({ messages }: FiledPrompt): object[] {
  return messages.map(({ role, parts }) => {
    const hasPictures = parts.some(({ type }) => type === "image");
    return {
      role,
      content: parts
        .map((part) => (part.type === "image" ? "<image>" : part.text))
        .join(hasPictures ? "" : "\n\n"),
    };
  });
}

/** Flags of `swift rlhf`. */
function options({ kind, model, settings }: JobDescription): Readonly<Record<string, unknown>> {
  const { pairsPerStep, rate, lora } = settings;
  const terms = (
    [
      ["sigmoid", settings.preference],
      ["sft", settings.likelihood],
    ] as const
  ).filter(([, weight]) => weight > 0);
  const pairsAtOnce = Math.min(settings.pairsAtOnce, pairsPerStep);
  return {
    ...{ rlhf_type: "dpo", model, dataset: ["pairs.jsonl"], torch_dtype: "bfloat16" },
    tuner_type: { vector: "beft", lora: "lora", all: "full" }[kind],
    ...(kind === "vector" && { external_plugins: ["beft.py"] }),
    ...(kind === "lora" && {
      ...{ lora_rank: lora.rank, lora_alpha: lora.alpha, lora_dropout: 0, target_modules: ["all-linear"] },
    }),
    ...{
      beta: settings.beta,
      loss_type: terms.map(([name]) => name),
      loss_weights: terms.map(([, weight]) => weight),
    },
    ...{ max_steps: settings.steps, per_device_train_batch_size: pairsAtOnce },
    gradient_accumulation_steps: Math.max(1, Math.floor(pairsPerStep / pairsAtOnce)),
    learning_rate: "learningRate" in rate ? rate.learningRate : null,
    ...(settings.decay === "none"
      ? { lr_scheduler_type: "constant" }
      : { lr_scheduler_type: "polynomial", lr_scheduler_kwargs: { power: 0.5, lr_end: 0 } }),
    ...{ warmup_ratio: 0, weight_decay: 0, max_grad_norm: 0 },
    ...{ logging_steps: 1, save_steps: settings.steps, save_only_model: true },
    ...{ output_dir: "result", add_version: false, gradient_checkpointing: true },
  };
}

/** One flag a line; JSON is YAML too. */
function yaml(flags: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(flags).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  return lines.join("");
}

const plugin = `"""A vector at the output of one block as a tuner of ms-swift: PEFT's bias on the block's last projection."""

import os

import torch
from peft import BeftConfig, get_peft_model
from swift.tuner_plugin import PeftTuner, tuners_map


class Beft(PeftTuner):
    @staticmethod
    def prepare_model(args, model: torch.nn.Module) -> torch.nn.Module:
        ending = f"layers.{os.environ['TASKMEM_BLOCK']}.mlp.down_proj"
        found = [name for name, _ in model.named_modules() if name.endswith(ending) and "visual" not in name]
        if len(found) != 1:
            raise ValueError(f"Expected one layer {ending}, got {found}: export the job with --kind lora")
        return get_peft_model(model, BeftConfig(target_modules=found, task_type="CAUSAL_LM"))


tuners_map["beft"] = Beft
`;
