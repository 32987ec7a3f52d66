/**
 * Phase Two of a model in a folder from the command line. A worker in Node that speaks the protocol stands for torch, so
 * what is tested is all the rest.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hasRuntime } from "../src/engines/meaning/sentence-encoder.ts";
import { rowsOf } from "../src/training/run-directory.ts";
import { type CliOptions, taskmem, temporaryFolder } from "./support/cli.ts";
import { adaptersOnceKept } from "./support/kept-adapters.ts";
import { stubFolder, talk } from "./support/stub-model.ts";
import { pullToy } from "./support/toy-encoder.ts";

const soup = [
  "Which soup was it?",
  "Who talks about soup?",
  "Is the soup hot?",
  "When was there soup?",
  "Why soup?",
];

function folderWith(clips: number) {
  const { folder, model, env } = stubFolder();
  writeFileSync(join(folder, "talk.srt"), talk(clips));
  const rows = soup.map((question) => JSON.stringify({ question }));
  writeFileSync(join(folder, "questions.jsonl"), `${rows.join("\n")}\n`);
  // The judge by words counts what is new in a clip, and here all clips say the same.
  writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify({ stream: { windowClips: 1 } }));
  const run = (args: readonly string[], options: CliOptions = {}) => {
    const named = { tasks: [], ask: ["--model", model] }[args[0]!];
    const policy = named ?? ["--policy", "model", "--model", model];
    const given = { ...options, env: { ...env, ...options.env } };
    return taskmem([...args, ...policy, "--json"], { cwd: folder, ...given });
  };
  return { folder, run };
}

const small = [
  "--recipe",
  "own-rollouts",
  "--contexts",
  "8",
  "--rollouts",
  "4",
  "--held-out",
  "12",
  "--seed",
  "one",
];

test("questions and recorded sources become an adapter that passes its gate, with all that led to it", async () => {
  const { folder, run } = folderWith(40);
  const trained = await run([
    ...["train", "phase-two", "talk.srt", "--questions", "questions.jsonl", "--run", "lesson"],
    ...small,
  ]);
  assert.equal(trained.code, 0, trained.stderr + trained.stdout);
  const end = trained.rows.at(-1)!;
  assert.equal(end.event, "adapt-end");
  assert.equal(end.activated, true, JSON.stringify(end));
  assert.equal(end.questions, soup.length);
  assert.match(trained.stderr, /looking at .*talk\.srt: 1 clip/);

  const lesson = (name: string) => join(folder, "lesson", name);
  assert.equal(rowsOf(lesson("drawn.jsonl")).length, 8);
  const pairs = rowsOf<{ chosen: { text: string }; rejected: { text: string } }>(lesson("pairs.jsonl"));
  assert.ok(pairs.length >= 8 && pairs.length === end.pairs);
  for (const { chosen, rejected } of pairs)
    assert.deepEqual(
      [chosen.text, rejected.text].map((text) => text.includes("soup")),
      [true, false],
    );
  assert.ok(rowsOf(lesson("verdicts.jsonl")).length > pairs.length);
  assert.equal(rowsOf(lesson("metrics.jsonl")).length, end.steps);
  assert.match(readFileSync(lesson("curves.html"), "utf8"), /rewardMargin/);
  const result = JSON.parse(readFileSync(lesson("result.json"), "utf8")) as { id: string; winRate: number };
  assert.deepEqual([result.id, result.winRate], [end.id, end.winRate]);
  const adapter = JSON.parse(readFileSync(lesson("adapter.json"), "utf8")) as { revision: string };
  assert.equal(adapter.revision, end.adapter);
  assert.ok(!existsSync(lesson("owner")), "nothing holds it any more");

  const [status] = (await run(["adapt"])).rows;
  assert.equal(status!.active, end.id);
  assert.deepEqual(
    (await run(["tasks"])).rows.map(({ question }) => (question as { text: string }).text),
    soup,
    "what an adapter was trained on, the memory holds",
  );
});

test("a lesson of lines is judged by a pulled encoder, by words without one, and by whom it is told", async () => {
  const { folder, run } = folderWith(24);
  const settings = { stream: { windowClips: 1 }, torch: { ownLines: true } };
  writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify(settings));
  const models = temporaryFolder();
  pullToy(models);
  const judgeOf = async (name: string, meaning: string, ...flags: string[]) => {
    const [questions, size] = [
      ["--questions", "questions.jsonl"],
      ["--contexts", "8", "--held-out", "8"],
    ];
    const lesson = ["train", "phase-two", "talk.srt", ...questions, "--run", name, ...size, ...flags];
    const { code, stderr } = await run([...lesson, "--meaning", meaning], {
      env: { TASKMEM_MODELS: models },
    });
    assert.equal(code, 0, stderr);
    return (JSON.parse(readFileSync(join(folder, name, "config.json"), "utf8")) as { judge: string }).judge;
  };
  if (hasRuntime()) assert.match(await judgeOf("by-meaning", "auto"), /^encoder@1:/);
  assert.match(await judgeOf("told", "auto", "--judge", "local"), /^local@/);
  assert.match(await judgeOf("by-words", "off"), /^local@/);
});

test("the same command over what the memory watched and was asked, twice, asks for nothing again", async () => {
  const { run } = folderWith(30);
  assert.equal((await run(["watch", "talk.srt"])).code, 0);
  for (const question of soup) assert.equal((await run(["tasks", "add", question])).code, 0);
  const lesson = ["adapt", "run", "--run", "lesson", ...small];
  const [first] = (await run(lesson)).rows;
  assert.equal(first!.event, "adapt-end");
  assert.ok(first!.adapter);
  const [again] = (await run(lesson)).rows;
  assert.equal(again!.adapter, first!.adapter);
  assert.deepEqual(again!.curve, first!.curve);
});

test("says what is wrong with questions, recipes, counts and sources before it starts", async () => {
  const { folder, run } = folderWith(3);
  writeFileSync(join(folder, "broken.jsonl"), '{"question": "Where?"}\n{"frage": "Wo?"}\n');
  writeFileSync(join(folder, "empty.jsonl"), "\n");
  for (const [flags, code, said] of [
    [["--questions", "none.jsonl"], 3, /no questions at none\.jsonl/],
    [["--questions", "broken.jsonl"], 3, /line 2 of broken\.jsonl/],
    [["--questions", "empty.jsonl"], 2, /a question a line in empty\.jsonl/],
    [
      ["--questions", "questions.jsonl", "--recipe", "soup"],
      2,
      /the name of a recipe \(default, paper.*, got soup/,
    ],
    [["--questions", "questions.jsonl", "--block", "1.5"], 2, /--block to be agree.*, got 1\.5/],
    [["--questions", "questions.jsonl", "--rollouts", "1"], 2, /--rollouts to be 2 or more, got 1/],
  ] as const) {
    const { code: exit, stderr } = await run(["train", "phase-two", "talk.srt", ...flags]);
    assert.equal(exit, code, stderr);
    assert.match(stderr, said);
  }
  const choice = await taskmem(
    ["train", "phase-two", "talk.srt", "--questions", "questions.jsonl", "--seed", "1"],
    {
      cwd: folder,
    },
  );
  assert.equal(choice.code, 2);
  assert.match(choice.stderr, /apply to the model policy, got them for choice/);
});

/** Curves are the same to a hundred-thousandth: what was drawn together sums up in another order, in float32. */
function assertSameCurve(got: unknown, calm: unknown) {
  const [rows, expected] = [got, calm] as [Record<string, number>[], Record<string, number>[]];
  assert.equal(rows.length, expected.length);
  for (const [i, row] of rows.entries()) {
    assert.deepEqual(Object.keys(row), Object.keys(expected[i]!));
    for (const [name, value] of Object.entries(expected[i]!))
      assert.ok(
        Math.abs(row[name]! - value) <= 1e-5 * Math.max(1, Math.abs(value)),
        `${name} of step ${i + 1}: ${row[name]} for ${value}`,
      );
  }
}

test("two lessons at once on one memory do not disturb each other", async () => {
  const { folder, run } = folderWith(45);
  assert.equal((await run(["watch", "talk.srt"])).code, 0);
  for (const question of soup) assert.equal((await run(["tasks", "add", question])).code, 0);
  cpSync(join(folder, ".taskmem"), join(folder, "calm"), { recursive: true });
  // Of different lengths, so that they end with different adapters.
  const lesson = (steps: string, memory: string) =>
    run(["adapt", "run", ...small, "--steps", steps, "--memory", memory]);
  const calm = [];
  for (const steps of ["2", "4"]) calm.push((await lesson(steps, "calm")).rows.at(-1)!);
  assert.notEqual(calm[0]!.id, calm[1]!.id);
  const both = await Promise.all([lesson("2", ".taskmem"), lesson("4", ".taskmem")]);
  for (const [i, { code, rows, stderr }] of both.entries()) {
    assert.equal(code, 0, stderr);
    const end = rows.at(-1)!;
    assert.equal(end.adapter, calm[i]!.adapter);
    assertSameCurve(end.curve, calm[i]!.curve);
    const kept = String(end.run);
    assert.equal(rowsOf(join(kept, "metrics.jsonl")).length, end.steps, "each has its own run");
  }
  const [status] = (await run(["adapt"])).rows;
  const adapters = status!.adapters as { id: string; state: string }[];
  assert.deepEqual(
    adapters.map(({ id }) => id).sort(),
    both.map(({ rows }) => String(rows.at(-1)!.id)).sort(),
  );
  assert.equal(adapters.filter(({ state }) => state === "active").length, 1);
});

test("one directory takes one lesson at a time", async () => {
  const { folder, run } = folderWith(30);
  mkdirSync(join(folder, "lesson"));
  writeFileSync(join(folder, "lesson", "owner"), String(process.pid));
  const lesson = [
    "train",
    "phase-two",
    "talk.srt",
    "--questions",
    "questions.jsonl",
    "--run",
    "lesson",
    ...small,
  ];
  const busy = await run(lesson);
  assert.equal(busy.code, 2);
  assert.match(busy.stderr, new RegExp(`lesson is being written by process ${process.pid}: wait for it`));
});

test("five questions after watching become an adapter that was tried, without a command", async (t) => {
  const { folder, run } = folderWith(30);
  assert.equal((await run(["watch", "talk.srt"])).code, 0);
  for (const question of soup) assert.equal((await run(["ask", question])).code, 0);
  const adapters = await adaptersOnceKept(join(folder, ".taskmem"), t.signal);
  assert.equal(adapters[0]!.tasks.length, soup.length);
  assert.ok(["active", "refused"].includes(adapters[0]!.state));
});

test("Phase One over recorded sources leaves a folder of weights, and is over when it is over", async () => {
  const { folder, run } = folderWith(12);
  const phaseOne = [
    ...["train", "phase-one", "talk.srt", "--run", "fidelity", "--steps", "3", "--off-policy-steps", "2"],
    ...["--batch", "2", "--group", "4", "--learning-rate", "0.1", "--checkpoint-every", "1"],
  ];
  const trained = await run(phaseOne);
  assert.equal(trained.code, 0, trained.stderr + trained.stdout);
  const steps = trained.rows.filter(({ event }) => event === "step-end");
  assert.deepEqual(
    steps.map(({ history }) => history),
    ["off-policy", "off-policy", "on-policy"],
  );
  assert.ok(steps.every(({ correct, tokens }) => Number(correct) > 0 && Number(tokens) > 0));
  const end = trained.rows.at(-1)!;
  assert.deepEqual([end.event, end.path], ["train-end", join("fidelity", "model")]);
  assert.ok(Number(end.movedSteps) > 0);
  assert.ok(existsSync(join(folder, "fidelity", "model", "weights.json")));
  assert.match(readFileSync(join(folder, "fidelity", "curves.html"), "utf8"), />reward</);
  const again = await run(phaseOne);
  assert.deepEqual(
    again.rows.map(({ event, revision }) => [event, revision]),
    [["train-end", end.revision]],
  );
  const endpoint = await run([...phaseOne, "--base-url", "http://localhost:1/v1"]);
  assert.equal(endpoint.code, 2);
  assert.match(endpoint.stderr, /weights of a model at an endpoint are not here/);
});
