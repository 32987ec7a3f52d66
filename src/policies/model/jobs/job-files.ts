/** The files of a job, written in the form of its trainer. */
import type { Prompt } from "../../../engines/torch/index.ts";
import { ConfigError } from "../../../errors.ts";
import { drawnForSteps } from "../../../training/phase-two.ts";
import { sha256 } from "../../../util/hash.ts";
import type { FiledJob, FiledPrompt, Job, JobDescription, JobFiles, JobTrainer } from "./job.ts";
import { swiftFiles } from "./swift.ts";
import { trlFiles } from "./trl.ts";
import { verlFiles } from "./verl.ts";

const writers: Readonly<Record<JobTrainer, (job: FiledJob) => JobFiles>> = {
  trl: trlFiles,
  swift: swiftFiles,
  verl: verlFiles,
};

/**
 * The files of a job, by path. All prompts have the same template arguments and beginning.
 * @throws ConfigError as `checkJob`
 */
export function jobFiles({ pairs, ...job }: Job): JobFiles {
  checkJob(job);
  const pictures = new Map<string, Uint8Array>();
  const filed = pairs.map(({ prompt, ...pair }) => ({ ...pair, prompt: filedPrompt(prompt, pictures) }));
  const { template = {}, prefix = "" } = pairs[0]!.prompt;
  const about: JobDescription = {
    ...{ format: "taskmem-job", version: 1, ...job, pairs: pairs.length },
    ...{ order: drawnForSteps(pairs.length, job.settings), prefix, template },
  };
  return {
    "job.json": `${withShortLists(JSON.stringify(about, null, 2))}\n`,
    ...writers[job.for]({ about, pairs: filed }),
    ...Object.fromEntries(pictures),
  };
}

/** Lists of numbers on a line each. */
function withShortLists(json: string): string {
  return json.replace(/\[[\d,\s]+\]/g, (list) => list.replace(/\s+/g, ""));
}

function filedPrompt({ messages }: Prompt, pictures: Map<string, Uint8Array>): FiledPrompt {
  return {
    messages: messages.map(({ role, parts }) => ({
      role,
      parts: parts.map((part) => {
        if (part.type === "text") return part;
        const bytes = Buffer.from(part.data, "base64");
        const path = `pictures/${sha256(bytes).slice(0, 24)}.${bytes[0] === 0x89 ? "png" : "jpg"}`;
        pictures.set(path, bytes);
        return { type: "image", path } as const;
      }),
    })),
  };
}

/** @throws ConfigError `job-impossible` for what the trainer cannot train */
export function checkJob({ for: trainer, kind, settings }: Omit<Job, "pairs">): void {
  if (trainer === "verl" && kind !== "vector")
    throw new ConfigError(
      "job-impossible",
      `Expected --kind vector for verl, got ${kind}: the paper's fork trains its vectors alone. Use --for trl or --for swift.`,
    );
  if ("share" in settings.rate && (trainer !== "trl" || kind !== "vector"))
    throw new ConfigError(
      "job-impossible",
      `A rate as a share of the stream's length is measured by TRL's job for a vector alone. Name a rate with --learning-rate for ${trainer} and ${kind}.`,
    );
}
