/** Both phases of a real model in torch from the command line: a tiny one that writes memories, through transformers on a CPU. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { openTaskMem } from "../src/taskmem.ts";
import { rowsOf } from "../src/training/run-directory.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";
import { observedPython } from "./support/observed-python.ts";
import { talk } from "./support/stub-model.ts";
import { torchPython } from "./support/torch-python.ts";

const found = await torchPython();
const python = "python" in found ? found.python : "";
const skip = "skip" in found ? found.skip : false;
const folder = temporaryFolder();
const soup = [
  "Which soup was it?",
  "Who talks about soup?",
  "Is the soup hot?",
  "When was there soup?",
  "Why soup?",
];

before(async () => {
  if (skip) return;
  const make = join(import.meta.dirname, "support/torch/tiny_models.py");
  await promisify(execFile)(python, [make, folder, "talker"]);
  writeFileSync(join(folder, "talk.srt"), talk(18));
  writeFileSync(join(folder, "questions.jsonl"), soup.map((text) => `${JSON.stringify(text)}\n`).join(""));
  // The judge by words counts what is new in a clip, and here all clips say the same.
  writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify({ stream: { windowClips: 1 } }));
});

const words = (text: string) => text.split(" ");

/** Runs a command to its end, or until it is killed before the n-th time of an operation of the worker (`step:2`). */
const run = (args: readonly string[], killAt = "") =>
  taskmem([...args, "--policy", "model", "--threads", "1", "--json"], {
    cwd: folder,
    env: { TASKMEM_PYTHON: observedPython(folder, python), KILL_AT: killAt, DRAW_ALONE: "1" },
  });

const lesson = (name: string, killAt?: string, { memory = `${name}-memory`, steps = 6 } = {}) =>
  run(
    [
      ...words("train phase-two talk.srt --questions questions.jsonl --model tiny-talker"),
      ...words("--recipe own-rollouts --contexts 6 --rollouts 4 --held-out 3"),
      ...["--steps", String(steps), "--run", name, "--memory", memory],
    ],
    killAt,
  );

let calm: ReturnType<typeof lesson> | undefined;
/** The lesson that nothing disturbs, once for all tests. */
const calmLesson = () => {
  calm ??= lesson("calm");
  return calm;
};

const vectorOf = (name: string): readonly number[] =>
  (JSON.parse(readFileSync(join(folder, name, "adapter.json"), "utf8")) as { values: number[] }).values;

/** How far two runs' vectors are apart, as a share of the first one's length. */
function apart(one: string, other: string): number {
  const [a, b] = [vectorOf(one), vectorOf(other)];
  assert.equal(b.length, a.length);
  return Math.hypot(...a.map((value, d) => value - b[d]!)) / Math.hypot(...a);
}

test("killed with -9 while it watches, draws, judges, trains, saves and tries, a lesson ends with the same vector", {
  skip,
}, async () => {
  const { code, rows: told, stdout, stderr } = await calmLesson();
  assert.equal(code, 0, stderr + stdout);
  const end = told.at(-1)!;
  assert.ok(Number(end.pairs) > 0 && end.steps === 6, stdout);
  const rows = (file: string) => rowsOf(join(folder, "killed", file)).length;
  const killed = async (at: string) =>
    assert.equal((await lesson("killed", at)).code, null, `killed at ${at}`);
  await killed("draw:2");
  await killed("agreement:1");
  // A kill while it judges leaves a part of the verdicts, and of the last one a part of its line.
  const verdicts = join(folder, "killed", "verdicts.jsonl");
  const half = Math.floor(readFileSync(verdicts).length / 2);
  truncateSync(verdicts, half);
  assert.ok(rows("verdicts.jsonl") > 0 && rows("metrics.jsonl") === 0);
  await killed("accumulate:2");
  assert.equal(rows("metrics.jsonl"), 1);
  await killed("replace:2");
  assert.equal(rows("metrics.jsonl"), 3, "the third step was told, and its weights not yet kept");
  await killed("sample:1");
  assert.equal(rows("metrics.jsonl"), 6, "it was tried at its first strength");
  const last = await lesson("killed");
  assert.equal(last.code, 0, last.stderr + last.stdout);
  const texts = (name: string) =>
    rowsOf<{ text: string; role: string }>(join(folder, name, "rollouts.jsonl")).map(({ text, role }) => [
      text,
      role,
    ]);
  assert.deepEqual(texts("killed"), texts("calm"));
  // What the stream held below the vector is computed again in batches of another shape, which rounds otherwise.
  assert.ok(apart("calm", "killed") <= 1e-4, `${apart("calm", "killed")}`);
});

test("two lessons at once on one memory end with the vectors that each has alone", { skip }, async () => {
  for (const { code } of [await calmLesson(), await lesson("short", "", { steps: 2 })]) assert.equal(code, 0);
  const memory = "both-memory";
  await (await openTaskMem({ directory: join(folder, memory) })).close();
  const both = await Promise.all([
    lesson("long-beside", "", { memory }),
    lesson("short-beside", "", { memory, steps: 2 }),
  ]);
  for (const { code, stderr } of both) assert.equal(code, 0, stderr);
  const different = apart("calm", "short");
  assert.ok(different > 0.01, "they end with different adapters");
  for (const [alone, beside] of [
    ["calm", "long-beside"],
    ["short", "short-beside"],
  ] as const)
    assert.ok(apart(alone, beside) <= 1e-4, `${beside}: ${apart(alone, beside)} beside ${different}`);
});

test("Phase One, killed with -9, ends with the same weights, and they are a model", { skip }, async () => {
  const train = (name: string, killAt?: string) =>
    run(
      [
        ...words("train phase-one talk.srt --model tiny-talker --checkpoint-every 1 --run"),
        name,
        ...words("--steps 4 --off-policy-steps 2 --batch 2 --group 4 --learning-rate 0.001 --kl 0.1"),
      ],
      killAt,
    );
  const calm = await train("phase-one-calm");
  assert.equal(calm.code, 0, calm.stderr + calm.stdout);
  assert.ok(Number(calm.rows.at(-1)!.movedSteps) > 0);
  assert.equal((await train("phase-one-killed", "replace:2")).code, null, "killed");
  const last = await train("phase-one-killed");
  assert.equal(last.rows.at(-1)!.revision, calm.rows.at(-1)!.revision);
  const watched = await taskmem(
    [
      ...["watch", "talk.srt", "--policy", "model", "--model", join("phase-one-calm", "model")],
      ...["--memory", "with-trained", "--json"],
    ],
    { cwd: folder, env: { TASKMEM_PYTHON: python } },
  );
  assert.equal(watched.code, 0, watched.stderr);
  const written = watched.rows.flatMap(({ entries = [] }) => entries as { text: string }[]);
  assert.ok(
    written.some(({ text }) => /soup|lamp/.test(text)),
    "the folder is a model that writes",
  );
});
