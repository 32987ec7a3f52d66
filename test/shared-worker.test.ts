/**
 * Lessons that start by themselves where the model is on a GPU: the process that holds it learns, with the one worker that
 * also writes. A worker in Node that says it is on a GPU stands for torch, and counts its starts.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LearningEvent } from "../src/taskmem/learning.ts";
import { openTaskMem } from "../src/taskmem.ts";
import { taskmem } from "./support/cli.ts";
import { stubFolder, talk } from "./support/stub-model.ts";

const questions = ["Which soup?", "Who talks about soup?", "Is soup hot?", "When was soup?", "Why soup?"];

test("a lesson shares the worker of the process that writes, whoever asked the questions", async (t) => {
  const { folder, model, env } = stubFolder();
  const starts = () => readFileSync(join(folder, "starts"), "utf8").trim().split("\n").length;
  const python = readFileSync(env.TASKMEM_PYTHON, "utf8");
  writeFileSync(env.TASKMEM_PYTHON, python.replace("\n", `\necho one >> "${join(folder, "starts")}"\n`));
  process.env.TASKMEM_PYTHON = env.TASKMEM_PYTHON;
  t.after(() => delete process.env.TASKMEM_PYTHON);
  writeFileSync(join(folder, "talk.srt"), talk(24));

  const config = { policy: "model", model: { model }, torch: { device: "cuda" } };
  writeFileSync(join(folder, "taskmem.config.json"), JSON.stringify(config));

  const directory = join(folder, ".taskmem");
  const ended = Promise.withResolvers<LearningEvent>();
  const began: LearningEvent[] = [];
  await using memory = await openTaskMem({
    ...{ directory, policy: "model", model: { model }, torch: { device: "cuda" } },
    stream: { windowClips: 1 },
    adapt: { recipe: { name: "own-rollouts", contexts: 4, heldOut: 4, strengths: [], tried: 0 } },
    onLearning: (event) => {
      if (event.event === "learning-start") began.push(event);
      else ended.resolve(event);
    },
  });
  let clips = 0;
  for await (const { event } of memory.watch(join(folder, "talk.srt"))) {
    if (event !== "clip-end" || ++clips !== 12) continue;
    for (const question of questions.slice(1)) await memory.recordTask({ question });
    // Another process asks the fifth, which does not hold the model: it leaves the lesson to the one that does.
    const asked = await taskmem(["ask", questions[0]!, "--json"], { cwd: folder, env });
    assert.equal(asked.code, 0, asked.stderr);
  }
  const end = await ended.promise;
  assert.equal(end.event, "learning-end", JSON.stringify(end));
  assert.deepEqual(
    began.map((event) => event.event === "learning-start" && [event.questions, event.apart]),
    [[questions.length, false]],
  );
  assert.ok(end.event === "learning-end" && end.result.steps > 0, JSON.stringify(end));
  assert.equal(starts(), 1, "one worker in all");
});
