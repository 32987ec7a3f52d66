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
  const [seen, told] = rowsOf(files["pairs.jsonl"], row);
  assert.equal(seen!.messages[1]!.content, "Before: <image><image><image> What is there?");
  assert.equal(told!.messages[1]!.content, "Before: \n\n What is there?");
  assert.deepEqual([seen!.images!.length, told!.images], [3, undefined]);
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
    // No warm-up, no decay and no clipping, as the steps here; one folder, as it is looked for.
    ...["warmup_ratio: 0", "weight_decay: 0", "max_grad_norm: 0", "add_version: false"],
  ])
    assert.ok(flags.includes(`${line}\n`), line);
  assert.match(textOf(files["README.md"]), /TASKMEM_BLOCK=3 swift rlhf swift\.yaml/);
  const lora = textOf(jobFiles(jobFor("swift", { kind: "lora", block: null }))["swift.yaml"]);
  assert.match(lora, /^tuner_type: "lora"\nlora_rank: 4$/m);
  assert.match(readmeOf("swift", { kind: "lora", block: null }), /^swift rlhf swift\.yaml$/m);
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

const settingsOf = (other: Partial<Job["settings"]>): Partial<Job> => ({
  settings: { ...jobFor("trl").settings, ...other },
});
const readmeOf = (...args: Parameters<typeof jobFor>) => textOf(jobFiles(jobFor(...args))["README.md"]);

test("the page of a job says what it trains, at which pace, and what of the settings its trainer leaves out", () => {
  assert.match(
    readmeOf("trl"),
    /trains a vector that is added to the output of block 3 at every token, by DPO on 2 pairs/,
  );
  assert.match(readmeOf("trl", { kind: "lora" }), /trains low-rank matrices of rank 4 beside/);
  assert.match(readmeOf("swift", { kind: "all" }), /trains all weights, /);
  assert.match(readmeOf("trl"), /Steps: 3 of 2 pairs, β 0\.5, .* Adam at a learning rate of 0\.01\./);
  assert.match(
    readmeOf("trl", settingsOf({ rate: { share: 0.3 } })),
    /Adam at a rate by which the vector reaches 0\.3 of the stream's mean length in all steps\./,
  );
  const nothing = settingsOf({ kl: 0, likelihood: 0 });
  for (const [trainer, leftOut] of [
    ["trl", "the KL penalty of 0.1: TRL's DPO has none"],
    ["swift", "the KL penalty of 0.1: ms-swift's DPO has none"],
    ["verl", "the likelihood term of weight 1: the fork has none"],
  ] as const) {
    assert.ok(readmeOf(trainer).includes(`\nLeft out: ${leftOut}.\n`), trainer);
    assert.ok(!readmeOf(trainer, nothing).includes("Left out"), trainer);
  }
  assert.deepEqual(
    (["trl", "swift", "verl"] as const).map((trainer) => readmeOf(trainer).includes("On several GPUs: `")),
    [true, true, false],
  );
  assert.match(readmeOf("verl"), /the one of block 3 is trained\.\n/);
});

test("a job without a beginning or arguments of the template has neither", () => {
  const plain = pairs.map((pair) => ({ ...pair, prompt: { messages: pair.prompt.messages } }));
  for (const trainer of ["trl", "swift"] as const) {
    const files = jobFiles(jobFor(trainer, { pairs: plain }));
    const [row] = rowsOf(files["pairs.jsonl"], z.record(z.string(), z.unknown()));
    assert.ok(!("chat_template_kwargs" in row!), trainer);
    assert.ok(JSON.stringify(row).includes('"content":"a door\\"}"'), trainer);
  }
  const begins = (job: Partial<Job>) => readmeOf("swift", job).includes("How each answer begins");
  assert.deepEqual([begins({}), begins({ pairs: plain })], [true, false]);
});

test("a picture is a file named by its content, PNG or JPEG", () => {
  const image = (bytes: readonly number[]) => ({
    type: "image" as const,
    data: Buffer.from(bytes).toString("base64"),
  });
  const prompt: Prompt = { messages: [{ role: "user", parts: [image([0x89, 1]), image([0xff, 0xd8])] }] };
  const files = jobFiles(jobFor("trl", { pairs: [{ ...pairs[0]!, prompt }] }));
  const pictures = Object.keys(files).filter((path) => path.startsWith("pictures/"));
  assert.match(pictures.join(" "), /^pictures\/[0-9a-f]{24}\.png pictures\/[0-9a-f]{24}\.jpg$/);
  assert.deepEqual([...(files[pictures[1]!] as Uint8Array)], [0xff, 0xd8]);
});

test("ms-swift: terms by their weights, a rate that stays, and as many pairs at once as a step has", () => {
  const flags = (other: Partial<Job["settings"]>) =>
    textOf(jobFiles(jobFor("swift", settingsOf(other)))["swift.yaml"]);
  assert.match(flags({ likelihood: 0 }), /^loss_type: \["sigmoid"\]\nloss_weights: \[1\]$/m);
  assert.match(flags({ preference: 0, likelihood: 2 }), /^loss_type: \["sft"\]\nloss_weights: \[2\]$/m);
  assert.match(flags({ decay: "none" }), /^lr_scheduler_type: "constant"$/m);
  assert.match(flags({}), /^learning_rate: 0\.01$/m);
  const sizes = (pairsPerStep: number, pairsAtOnce: number) =>
    /per_device_train_batch_size: (\d+)\ngradient_accumulation_steps: (\d+)/
      .exec(flags({ pairsPerStep, pairsAtOnce }))!
      .slice(1);
  // Seven pairs, two at once: three times two.
  assert.deepEqual(
    [sizes(8, 2), sizes(7, 2), sizes(2, 8)],
    [
      ["2", "4"],
      ["2", "3"],
      ["2", "1"],
    ],
  );
});

test("the paper's verl: a step takes both answers of its pairs", () => {
  const script = textOf(jobFiles(jobFor("verl", settingsOf({ pairsPerStep: 5 })))["run.sh"]);
  assert.match(script, /train_batch_size=10 /);
  assert.match(script, /ppo_mini_batch_size=10 /);
  assert.match(script, /optim\.lr=0\.01 /);
});

test("settings out of range make no job's file", () => {
  const about = JSON.parse(textOf(jobFiles(jobFor("trl"))["job.json"]));
  const reads = (change: object) => {
    try {
      return readJob(JSON.stringify({ ...about, ...change }), "job.json") !== null;
    } catch {
      return false;
    }
  };
  const settings = (change: object) => reads({ settings: { ...about.settings, ...change } });
  for (const name of ["preference", "likelihood", "kl"])
    assert.deepEqual([settings({ [name]: 0 }), settings({ [name]: -0.1 })], [true, false], name);
  for (const name of ["steps", "pairsPerStep", "pairsAtOnce", "beta", "scale"])
    assert.deepEqual([settings({ [name]: 1 }), settings({ [name]: 0 })], [true, false], name);
  assert.deepEqual([reads({ model: "m" }), reads({ model: "" }), reads({ space: "" })], [true, false, false]);
  assert.deepEqual(
    [0, null, -1].map((block) => reads({ block })),
    [true, true, false],
  );
  assert.deepEqual(
    [reads({ order: [[0]] }), reads({ order: [[-1]] }), reads({ version: 2 })],
    [true, false, false],
  );
});

test("what a trainer cannot train is refused", () => {
  const share = (job: Job): Job => ({ ...job, settings: { ...job.settings, rate: { share: 0.3 } } });
  assert.throws(() => jobFiles(jobFor("verl", { kind: "lora" })), { code: "job-impossible" });
  assert.throws(() => jobFiles(share(jobFor("swift"))), { code: "job-impossible" });
  assert.throws(() => jobFiles(share(jobFor("trl", { kind: "all" }))), { code: "job-impossible" });
  assert.ok(jobFiles(share(jobFor("trl")))["train.py"]);
});
