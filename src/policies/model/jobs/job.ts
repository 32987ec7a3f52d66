/**
 * A job: preference pairs of the model policy as files that another trainer reads, with the settings to train them by and
 * a page that says how. TRL and ms-swift train a vector, low-rank matrices or all weights; the fork of verl that the
 * paper released trains the vector.
 *
 * `job.json` says what the job is of, so that what comes out of it can be taken back. Pictures are files named by their
 * content, each once.
 */
import { z } from "zod";
import type { Prompt } from "../../../engines/torch/index.ts";
import { DataError } from "../../../errors.ts";

/** Trainers that a job can be for. */
export const jobTrainers = ["trl", "swift", "verl"] as const;
/** One of `jobTrainers`. */
export type JobTrainer = (typeof jobTrainers)[number];

/** What a job trains. */
export const jobKinds = ["vector", "lora", "all"] as const;
/** One of `jobKinds`. */
export type JobKind = (typeof jobKinds)[number];

/** Two memories of one context, the preferred one first. */
export interface JobPair {
  /** Name of the context. */
  readonly id: string;
  /** As the product sends it, with how each answer begins. */
  readonly prompt: Prompt;
  /** What the model wrote after the beginning, its thinking included. */
  readonly chosen: string;
  readonly rejected: string;
  /** Whether each passed the quality gate. */
  readonly passes: { readonly chosen: boolean; readonly rejected: boolean };
}

const settingsSchema = z.object({
  steps: z.int().positive(),
  pairsPerStep: z.int().positive(),
  /** Pairs that are in memory at once. */
  pairsAtOnce: z.int().positive(),
  beta: z.number().positive(),
  /** Weights of DPO, and of the terms beside it. */
  preference: z.number().min(0),
  likelihood: z.number().min(0),
  kl: z.number().min(0),
  /** The learning rate, or the length the vector may reach in all steps as a share of the stream's mean length. */
  rate: z.union([
    z.object({ learningRate: z.number().positive() }),
    z.object({ share: z.number().positive() }),
  ]),
  /** How the rate falls: not at all, or with the root of the share of steps that is left. */
  decay: z.enum(["none", "root"]),
  /** Factor on the trained vector when it is taken back. */
  scale: z.number().positive(),
  seed: z.string(),
  lora: z.object({ rank: z.int().positive(), alpha: z.number().positive() }),
});

/** How a job trains. */
export type JobSettings = z.output<typeof settingsSchema>;

const jobSchema = z.object({
  format: z.literal("taskmem-job"),
  version: z.literal(1),
  for: z.enum(jobTrainers),
  kind: z.enum(jobKinds),
  /** The weights, as transformers finds them. */
  model: z.string().min(1),
  /** What the result is added to: `residual:<model>@<block>` or `weights:<model>`. */
  space: z.string().min(1),
  /** Block that the vector is added after, from 0. */
  block: z.int().min(0).nullable(),
  pairs: z.int().positive(),
  settings: settingsSchema,
  /** The pairs of each step, by their line in the file of pairs, from 0. */
  order: z.array(z.array(z.int().min(0))),
  /** How each answer begins; part of the prompt. */
  prefix: z.string(),
  /** Arguments of the chat template. */
  template: z.record(z.string(), z.unknown()),
});

/** What `job.json` says. */
export type JobDescription = z.output<typeof jobSchema>;

/** What a job is made of. */
export interface Job extends Pick<JobDescription, "for" | "kind" | "model" | "space" | "block" | "settings"> {
  readonly pairs: readonly JobPair[];
}

/** A prompt whose pictures are files. */
export interface FiledPrompt {
  readonly messages: readonly {
    readonly role: string;
    readonly parts: readonly (
      | { readonly type: "text"; readonly text: string }
      | { readonly type: "image"; readonly path: string }
    )[];
  }[];
}

/** A pair whose pictures are files. */
export interface FiledPair extends Omit<JobPair, "prompt"> {
  readonly prompt: FiledPrompt;
}

/** Files by their path in the job. */
export type JobFiles = Readonly<Record<string, string | Uint8Array>>;

/** What the writer of a trainer's files is given. */
export interface FiledJob {
  readonly about: JobDescription;
  readonly pairs: readonly FiledPair[];
}

/** What a job's file says. @throws DataError `job-invalid` */
export function readJob(text: string, path: string): JobDescription {
  try {
    return jobSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new DataError(
      "job-invalid",
      `${path} does not describe a job: write it again with \`taskmem train export\``,
      {
        cause,
      },
    );
  }
}

/** The paths of a prompt's pictures, in order. */
export function picturesOf({ messages }: FiledPrompt): string[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === "image" ? [part.path] : [])));
}

/** One JSON object a line. */
export function jsonLines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}
