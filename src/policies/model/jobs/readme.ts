/** The page of a job: what is in it, the one command that runs it, and how its result is taken back. */
import type { JobDescription } from "./job.ts";

/** What differs between trainers. */
export interface ReadmeParts {
  /** Trainer and version that the files are written for. */
  readonly trainer: string;
  /** Where the form of its data is documented. */
  readonly source: string;
  readonly install: string;
  readonly run: string;
  /** The command for more than one GPU, where it is another. */
  readonly severalGpus?: string;
  /** Settings of ours that the trainer does not have. */
  readonly leftOut: readonly string[];
  /** What else is to be known. @default nothing */
  readonly notes?: readonly string[];
}

const trained = {
  vector: ({ block }: JobDescription) =>
    `a vector that is added to the output of block ${block} at every token`,
  lora: ({ settings }: JobDescription) =>
    `low-rank matrices of rank ${settings.lora.rank} beside the linear layers of the text blocks`,
  all: () => "all weights",
} satisfies Record<JobDescription["kind"], (about: JobDescription) => string>;

/** The text of a job's `README.md`. */
export function readme(about: JobDescription, parts: ReadmeParts): string {
  const { settings, model, kind, pairs } = about;
  const { steps, pairsPerStep, beta, likelihood, rate } = settings;
  const pace =
    "share" in rate
      ? `a rate by which the vector reaches ${rate.share} of the stream's mean length in all steps`
      : `a learning rate of ${rate.learningRate}`;
  const more = parts.severalGpus ? [`On several GPUs: \`${parts.severalGpus}\`.`, ""] : [];
  const leftOut = parts.leftOut.length === 0 ? [] : [`Left out: ${parts.leftOut.join("; ")}.`, ""];
  return [
    `# Training ${model} on what a memory was asked`,
    "",
    `This job trains ${trained[kind](about)}, by DPO on ${pairs} pairs of memories: the better one answers recent questions better.`,
    `Steps: ${steps} of ${pairsPerStep} pairs, β ${beta}, weight of the likelihood term ${likelihood}, Adam at ${pace}.`,
    "",
    ...leftOut,
    ...(parts.notes ?? []).flatMap((note) => [note, ""]),
    `Written for ${parts.trainer}; the form of the data is documented at <${parts.source}>. The files hold texts and pictures of what was watched.`,
    "",
    "Install, then run in this folder:",
    "",
    "```sh",
    parts.install,
    parts.run,
    "```",
    "",
    ...more,
    "Take the result back into the memory, where it is tried before it is made active:",
    "",
    "```sh",
    "taskmem train import <this folder>",
    "```",
    "",
  ].join("\n");
}
