/**
 * The benchmarks with a model that runs here: household-VL watches made-up films, its rows are written with pictures, with
 * prompts and with what it learnt by preferences, and a run that is killed after its lesson is resumed to the same bytes.
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createEpisode, episodeSeed } from "../src/household/index.ts";
import { type CliOptions, type Row, taskmem, temporaryFolder } from "./support/cli.ts";
import { type HouseholdTree, householdVideoMme } from "./support/household-benchmark.ts";
import { householdWriter } from "./support/household-writer.ts";
import { startOpenAiServer } from "./support/openai-server.ts";
import { torchPython } from "./support/torch-python.ts";

const torch = await torchPython();
const folder = temporaryFolder();
after(() => rmSync(folder, { recursive: true, force: true }));
const env = { TASKMEM_PYTHON: "python" in torch ? torch.python : "" };
const config = join(folder, "taskmem.config.json");

test("a model at an endpoint learns which of its samples to keep, by preferences", async (t) => {
  const { root } = await householdVideoMme(join(folder, "served"), { films: 2, clips: 4, kinds: ["place"] });
  const writer = householdWriter(createEpisode(episodeSeed("validation", 0), 4));
  const server = await startOpenAiServer({ models: ["eyes"], model: writer });
  t.after(() => server.close());
  const run = await taskmem([
    ...["bench", "videomme", "--root", root, "--json", "--no-screen-text", "--updates", "2", "--votes", "1"],
    ...["--base-url", server.baseURL, "--model", "eyes", "--rows", "base,taskmem"],
    ...["--lesson-judge", "questions", "--runs", join(folder, "served-runs"), "--run", "r"],
  ]);
  assert.equal(run.code, 0, run.stderr);
  const lesson = run.rows.find(({ event }) => event === "bench-lesson")!;
  assert.equal(lesson.problem, null);
  assert.ok((lesson.pairs as number) > 0);
  const labels = (run.rows.at(-1)!.rows as Row[])
    .filter(({ type }) => type === "all")
    .map((row) => row.label);
  assert.deepEqual(labels, ["base", "TaskMem (preferences, best of n)"]);
  const results = readFileSync(join(folder, "served-runs", "r", "results.jsonl"), "utf8");
  assert.match(results, new RegExp(`best-of-8@1:[^"]*\\+${lesson.adapter}`));
});

describe("bench over household-VL", { skip: "skip" in torch ? torch.skip : false }, () => {
  let tree: HouseholdTree;
  before(async () => {
    tree = await householdVideoMme(join(folder, "tree"), { films: 2, clips: 4, kinds: ["display"] });
    // It looks at pictures, and has never read descriptions.
    for (const video of tree.videos) rmSync(join(tree.root, "data", `${video}.descriptions.srt`));
    writeFileSync(config, JSON.stringify({ torch: { threads: 1, maxTokens: 48 } }));
  });
  const bench = (runs: string, more: readonly string[] = [], options: CliOptions = {}) =>
    taskmem(
      [
        ...["bench", "videomme", "--root", tree.root, "--json", "--no-screen-text", "--updates", "2"],
        ...["--model", "household-vl", "--phase-one", "household-vl", "--recipe", "paper"],
        ...["--rows", "base,task-prompt,phase-one,taskmem", "--lesson-judge", "questions"],
        ...["--runs", join(folder, runs), "--run", "r", "--config", config, ...more],
      ],
      { ...options, env },
    );
  const resultsOf = (runs: string) =>
    readFileSync(join(folder, runs, "r", "results.jsonl"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row);

  test("each row writes with what it names, and a run killed after its lesson ends with the same bytes", async () => {
    const whole = await bench("whole");
    assert.equal(whole.code, 0, whole.stderr);
    const lesson = whole.rows.find(({ event }) => event === "bench-lesson")!;
    assert.equal(lesson.problem, null);
    assert.ok((lesson.pairs as number) > 0);
    assert.deepEqual(
      (whole.rows.at(-1)!.rows as Row[]).filter(({ type }) => type === "all").map(({ label }) => label),
      ["base", "base + task prompt", "Phase One", "TaskMem (preferences)"],
    );
    /** Who wrote the film that is asked about after the update. */
    const writers = (row: string) =>
      resultsOf("whole").filter((result) => result.row === row && result.place === 2)[0]!
        .revisions as string[];
    const [base] = writers("base");
    assert.match(base!, /^model:torch:/);
    assert.match(writers("task-prompt")[0]!, /\+prompt-/);
    assert.deepEqual(writers("phase-one"), [base], "the same model went through no Phase One");
    assert.deepEqual(writers("taskmem"), [`${base}+${lesson.adapter}`]);
    const kept = resultsOf("whole").map(({ memory }) => (memory as { entries: number }).entries);
    assert.ok(
      kept.every((entries) => entries > 0),
      "it writes of pictures alone",
    );

    const stopped = await bench("killed", [], {
      onLine: (line, child) => {
        if (line.includes('"bench-lesson"')) child.kill("SIGKILL");
      },
    });
    assert.equal(stopped.code, null);
    assert.ok(!existsSync(join(folder, "killed", "r", "results.jsonl")));
    const resumed = await bench("killed", ["--resume"]);
    assert.equal(resumed.code, 0, resumed.stderr);
    for (const name of ["run.json", "results.jsonl", "summary.json"])
      assert.equal(
        readFileSync(join(folder, "killed", "r", name), "utf8"),
        readFileSync(join(folder, "whole", "r", name), "utf8"),
        name,
      );
    const lessons = readdirSync(join(folder, "killed", "r", "lessons")).filter((name) =>
      name.startsWith("lesson"),
    );
    assert.equal(lessons.length, 1, "learnt once");
  });

  test("refuses what a model in a folder cannot do, before it is asked anything", async () => {
    const again = await bench("whole");
    assert.equal(again.code, 2);
    assert.match(again.stderr, /hold no run: resume it with --resume/);
    const judge = await bench("other", ["--lesson-judge", "somebody"]);
    assert.equal(judge.code, 2);
    assert.match(judge.stderr, /--lesson-judge to be local, encoder, model or questions, got somebody/);
  });
});
