/** A job's files against the forms that the trainers document: TRL 1.16, ms-swift 4.6, and the paper's fork of verl. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { png } from "../../../engines/torch/check.ts";
import type { Prompt } from "../../../engines/torch/index.ts";
import { type Job, type JobPair, readJob } from "./job.ts";
import { jobFiles } from "./job-files.ts";

/** Two contexts: one with the same picture twice and another, one with words alone. */
const promptOf = (pictures: readonly string[]): Prompt => ({
  messages: [
    { role: "system", parts: [{ type: "text", text: "You write." }] },
    {
      role: "user",
      parts: [
        { type: "text", text: "Before: " },
        ...pictures.map((seed) => ({ type: "image" as const, data: png(32, 32, seed) })),
        { type: "text", text: " What is there?" },
      ],
    },
  ],
  template: { enable_thinking: false },
  prefix: '{"description": "',
});
const pairs: readonly JobPair[] = [
  {
    ...{ id: "0-1", prompt: promptOf(["door", "door", "lamp"]), chosen: 'a door"}', rejected: 'a dog"}' },
    passes: { chosen: true, rejected: false },
  },
  {
    ...{ id: "0-2", prompt: promptOf([]), chosen: 'soup"}', rejected: 'a chair"}' },
    passes: { chosen: true, rejected: true },
  },
];

const jobFor = (trainer: Job["for"], other: Partial<Job> = {}): Job => ({
  ...{ for: trainer, kind: "vector", model: "it's/here", space: "residual:m@3", block: 3, pairs },
  settings: {
    ...{ steps: 3, pairsPerStep: 2, pairsAtOnce: 1, beta: 0.5, preference: 1, likelihood: 1, kl: 0.1 },
    ...{ rate: { learningRate: 0.01 }, decay: "root", scale: 1, seed: "job", lora: { rank: 4, alpha: 8 } },
  },
  ...other,
});

const textOf = (content: string | Uint8Array | undefined) =>
  typeof content === "string" ? content : Buffer.from(content!).toString("utf8");
const rowsOf = <T>(content: string | Uint8Array | undefined, schema: z.ZodType<T>): T[] =>
  textOf(content)
    .trim()
    .split("\n")
    .map((line) => schema.parse(JSON.parse(line)));
const tagsIn = (text: string) => text.split("<image>").length - 1;

test("TRL: conversational preference; pictures as parts, and their files in order", () => {
  const files = jobFiles(jobFor("trl"));
  const part = z.union([
    z.strictObject({ type: z.literal("image") }),
    z.strictObject({ type: z.literal("text"), text: z.string() }),
  ]);
  const message = z.strictObject({ role: z.string(), content: z.union([z.string(), z.array(part)]) });
  const answer = z.tuple([z.strictObject({ role: z.literal("assistant"), content: z.string() })]);
  const row = z.strictObject({
    ...{ prompt: z.array(message), chosen: answer, rejected: answer },
    images: z.array(z.string()).optional(),
    chat_template_kwargs: z.record(z.string(), z.unknown()),
  });
  const [seen, told] = rowsOf(files["pairs.jsonl"], row);
  const parts = seen!.prompt[1]!.content as { type: string }[];
  assert.deepEqual(
    parts.map(({ type }) => type),
    ["text", "image", "image", "image", "text"],
  );
  assert.equal(seen!.images!.length, 3);
  assert.equal(seen!.images![0], seen!.images![1]);
  assert.ok(seen!.images!.every((path) => files[path] instanceof Uint8Array));
  assert.equal(Object.keys(files).filter((path) => path.startsWith("pictures/")).length, 2);
  assert.equal(told!.prompt[1]!.content, "Before: \n\n What is there?");
  assert.equal(told!.images, undefined);
  assert.equal(seen!.chosen[0].content, '{"description": "a door"}');
});

test("ms-swift: messages with a tag for each picture, and flags that `swift rlhf` has", () => {
  const files = jobFiles(jobFor("swift"));
  const message = z.strictObject({ role: z.enum(["system", "user", "assistant"]), content: z.string() });
  const row = z.strictObject({
    ...{ messages: z.array(message), rejected_response: z.string() },
    images: z.array(z.string()).optional(),
    chat_template_kwargs: z.record(z.string(), z.unknown()),
  });
  for (const { messages, rejected_response, images = [] } of rowsOf(files["pairs.jsonl"], row)) {
    assert.equal(tagsIn(messages.map(({ content }) => content).join("")), images.length);
    assert.equal(messages.at(-1)!.role, "assistant");
    assert.notEqual(messages.at(-1)!.content, rejected_response);
  }
  const flags = textOf(files["swift.yaml"]);
  for (const line of [
    'tuner_type: "beft"',
    'external_plugins: ["beft.py"]',
    'loss_type: ["sigmoid","sft"]',
    "loss_weights: [1,1]",
    "gradient_accumulation_steps: 2",
    'lr_scheduler_kwargs: {"power":0.5,"lr_end":0}',
  ])
    assert.ok(flags.includes(`${line}\n`), line);
  assert.match(textOf(files["README.md"]), /TASKMEM_BLOCK=3 swift rlhf swift\.yaml/);
  const lora = textOf(jobFiles(jobFor("swift", { kind: "lora", block: null }))["swift.yaml"]);
  assert.match(lora, /^tuner_type: "lora"\nlora_rank: 4$/m);
});

test("the paper's verl: an answer a row, those of a pair behind each other in the order of the steps", () => {
  const files = jobFiles(jobFor("verl"));
  const { order } = readJob(textOf(files["job.json"]), "job.json");
  const row = z.strictObject({
    ...{ uid: z.string(), id: z.string(), type: z.literal("episodic"), data_source: z.string() },
    prompt: z.array(z.strictObject({ role: z.string(), content: z.string() })),
    images: z.array(z.strictObject({ image: z.string() })),
    ...{ response: z.string(), reward: z.int(), task_score: z.number(), correctness: z.int() },
    need_rollout: z.literal(false),
  });
  const rows = rowsOf(files["pairs.jsonl"], row);
  assert.deepEqual(
    order.map((step) => step.length),
    [2, 2, 2],
  );
  assert.equal(rows.length, 12);
  assert.equal(new Set(rows.map(({ uid }) => uid)).size, 6);
  for (const { prompt, images } of rows) assert.equal(tagsIn(prompt[1]!.content), images.length);
  const door = rows.filter(({ id }) => id === "0-1").slice(0, 2);
  assert.deepEqual(
    door.map(({ reward, task_score, correctness }) => [reward, task_score, correctness]),
    [
      [1, 0.5, 1],
      [0, -0.5, 0],
    ],
  );
  const script = textOf(files["run.sh"]);
  assert.ok(script.includes(`model.path='it'\\''s/here'`));
  assert.match(script, /data\.train_batch_size=4 /);
  assert.match(script, /kl_loss_coef=0\.1 /);
});

test("a job says what it is of, and another file is refused", () => {
  const about = readJob(textOf(jobFiles(jobFor("trl"))["job.json"]), "job.json");
  assert.deepEqual([about.for, about.block, about.pairs, about.prefix], ["trl", 3, 2, '{"description": "']);
  assert.throws(() => readJob('{"format": "taskmem-job"}', "job.json"), { code: "job-invalid" });
});

test("what a trainer cannot train is refused", () => {
  const share = (job: Job): Job => ({ ...job, settings: { ...job.settings, rate: { share: 0.3 } } });
  assert.throws(() => jobFiles(jobFor("verl", { kind: "lora" })), { code: "job-impossible" });
  assert.throws(() => jobFiles(share(jobFor("swift"))), { code: "job-impossible" });
  assert.throws(() => jobFiles(share(jobFor("trl", { kind: "all" }))), { code: "job-impossible" });
  assert.ok(jobFiles(share(jobFor("trl")))["train.py"]);
});
