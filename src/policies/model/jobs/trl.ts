/**
 * A job for TRL 1.16 and PEFT 0.21: a preference dataset in TRL's conversational form with pictures (TRL, "Dataset
 * formats": `prompt`, `chosen`, `rejected`, `images`, `chat_template_kwargs`), and `train.py`, which runs DPO on it.
 *
 * The vector is PEFT's BEFT, a bias on the last projection of a block's MLP: the vector of the block, exactly, in a
 * dense model. `train.py` puts prompts and answers to TRL as text, so that what is trained is what the product asks and
 * reads, token for token: the chat template, then how the answer begins, then the answer and the token that ends it.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FiledJob, FiledPrompt, JobFiles } from "./job.ts";
import { jsonLines, picturesOf } from "./job.ts";
import { readme } from "./readme.ts";

/** What the job's Python needs, by exact version. */
export const trlPackages = ["trl==1.16.0", "peft==0.21.2"];

const program = fileURLToPath(new URL("./train_trl.py", import.meta.url));

/** The files of a job for TRL. */
export function trlFiles({ about, pairs }: FiledJob): JobFiles {
  const { prefix, template } = about;
  const rows = pairs.map(({ prompt, chosen, rejected }) => ({
    prompt: conversation(prompt),
    chosen: [{ role: "assistant", content: prefix + chosen }],
    rejected: [{ role: "assistant", content: prefix + rejected }],
    ...(Object.keys(template).length > 0 && { chat_template_kwargs: template }),
    ...(picturesOf(prompt).length > 0 && { images: picturesOf(prompt) }),
  }));
  return {
    "pairs.jsonl": jsonLines(rows),
    "train.py": readFileSync(program),
    "README.md": readme(about, {
      trainer: "TRL 1.16.0 with PEFT 0.21.2 and transformers 5",
      source: "https://huggingface.co/docs/trl/v1.16.0/dataset_formats",
      install: `pip install ${trlPackages.join(" ")} torch torchvision`,
      run: "python train.py",
      severalGpus: "accelerate launch train.py",
      leftOut: about.settings.kl > 0 ? [`the KL penalty of ${about.settings.kl}: TRL's DPO has none`] : [],
    }),
  };
}

/** Messages as TRL has them: a text alone as a string, pictures and texts as parts. */
function conversation({ messages }: FiledPrompt): object[] {
  return messages.map(({ role, parts }) => ({
    role,
    content: parts.some(({ type }) => type === "image")
      ? parts.map((part) => (part.type === "image" ? { type: "image" } : part))
      : parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n"),
  }));
}
