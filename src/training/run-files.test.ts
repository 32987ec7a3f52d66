/** What the directories of both phases' runs keep, and what is left of it after a kill. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { PhaseOneState, StepMetrics } from "./phase-one.ts";
import { openPhaseOneRun } from "./phase-one-run.ts";
import {
  openPhaseTwoRun,
  type PairStep,
  type RecordedCandidate,
  type RecordedPair,
} from "./phase-two-run.ts";

const folder = mkdtempSync(join(tmpdir(), "taskmem-runs-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const ownFolder = () => mkdtempSync(join(folder, "run-"));

/** A trainer whose weights are a text. */
const trainerOf = () => {
  const trainer = {
    weights: "first",
    save: async (path: string) => writeFileSync(path, trainer.weights),
    load: async (path: string) => {
      trainer.weights = readFileSync(path, "utf8");
    },
  };
  return trainer;
};

const metricsOf = (step: number): StepMetrics => ({
  ...{ step, history: "on-policy", reward: 0.5, format: 0, thinking: 0, quality: 0.5, richness: 0, valid: 1 },
  ...{
    passing: 1,
    correct: 1,
    clean: 1,
    masked: 0,
    telling: 1,
    tokens: 9,
    loss: 0,
    kl: 0,
    clippedPositive: 0,
  },
  ...{ clippedNegative: 0, mismatch: 0, gradientNorm: 1, updateNorm: 1, resampled: 0, revision: `w@${step}` },
});
const rollout = {
  ...{ stream: "film", clip: 3, text: "It rains.", reward: 0.5, advantage: 1, failures: [] },
  ...{ parts: { format: 0, thinking: 0, quality: 0.5, richness: 0 }, checks: {}, rationale: "It does." },
};
const stateOf = (step: number): PhaseOneState => ({
  ...{ step, videos: 2 },
  instances: [
    {
      ...{
        place: { video: 1, at: 4, steps: 2 },
        entries: [{ clip: 3, kind: "episodic", text: "It rains." }],
      },
      state: { value: "a", documents: 2, words: new Map([["rain", 2]]) },
    },
  ],
});

test("Phase One resumes at its checkpoint: its state, its weights, and no row after it", async () => {
  const directory = ownFolder();
  const run = openPhaseOneRun(directory, { seed: 1 });
  const trainer = trainerOf();
  assert.deepEqual(await run.resume(trainer), { step: 0, videos: 0, instances: [] });
  for (const step of [1, 2, 3]) {
    await run.record(metricsOf(step), 12.6, [rollout, rollout]);
    if (step !== 2) continue;
    trainer.weights = "second";
    await run.checkpoint(trainer, stateOf(2));
  }
  assert.match(readFileSync(join(directory, "curves.html"), "utf8"), /Phase One/);
  assert.deepEqual(
    run.metrics(),
    [1, 2, 3].map((step) => ({ ...metricsOf(step), ms: 13 })),
  );

  const resumed = openPhaseOneRun(directory, { seed: 1 });
  const again = trainerOf();
  assert.deepEqual(await resumed.resume(again), stateOf(2));
  assert.equal(again.weights, "second");
  assert.deepEqual(
    resumed.metrics().map(({ step }) => step),
    [1, 2],
  );
  const rows = readFileSync(join(directory, "rollouts.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((row) => JSON.parse(row));
  assert.deepEqual(
    rows,
    [1, 1, 2, 2].map((step) => ({ step, ...rollout })),
  );
});

test("Phase One without a checkpoint starts again with no rows", async () => {
  const directory = ownFolder();
  await openPhaseOneRun(directory, {}).record(metricsOf(1), 1, [rollout]);
  const run = openPhaseOneRun(directory, {});
  assert.deepEqual(await run.resume(trainerOf()), { step: 0, videos: 0, instances: [] });
  assert.deepEqual(run.metrics(), []);
});

const stepOf = (step: number): PairStep => ({
  ...{ step, loss: 0.7 / step, rewardMargin: 0, won: 0, gradientNorm: 1, adapterNorm: 1 },
});
const drawn = (context: string) => ({ context, stream: "film", clip: 0, rollouts: [] });
const asked = (first: string) => ({ context: "film-0", first, second: "9" });
const preferred = { ok: true, value: "first", rationale: "It tells more." } as const;
const failed = { ok: false, reason: "timed-out", message: "no answer" } as const;

test("Phase Two keeps draws and verdicts by what they are of, and asks a failed judge again until steps began", async () => {
  const directory = ownFolder();
  const run = openPhaseTwoRun(directory, { seed: 1 });
  await run.keepDrawn(drawn("film-0"));
  await run.keepVerdict({ ...asked("1"), verdict: preferred });
  await run.keepVerdict({ ...asked("2"), verdict: failed });
  await run.keepChoice("block", 3);
  assert.equal(run.drawn("film-0"), null, "what this process drew it has");

  const resumed = openPhaseTwoRun(directory, { seed: 1 });
  assert.deepEqual(resumed.drawn("film-0"), drawn("film-0"));
  assert.equal(resumed.drawn("film-1"), null);
  assert.deepEqual(resumed.verdict(asked("1")), preferred);
  assert.equal(resumed.verdict(asked("2")), null, "it failed, so it is asked again");
  assert.equal(resumed.verdict({ ...asked("1"), context: "film-1" }), null);
  assert.equal(resumed.verdict({ ...asked("1"), second: "8" }), null);
  assert.deepEqual([resumed.choice("block"), resumed.choice("strength")], [3, null]);

  const trainer = trainerOf();
  assert.deepEqual(await resumed.resume(trainer), []);
  await resumed.keepStep(trainer, stepOf(1));
  const begun = openPhaseTwoRun(directory, { seed: 1 });
  assert.deepEqual(begun.verdict(asked("2")), failed, "the pairs of a training that has begun stay");
});

test("Phase Two resumes behind its last saved step, with its weights", async () => {
  const directory = ownFolder();
  const run = openPhaseTwoRun(directory, {});
  const side = (id: string) => ({ id, text: `text ${id}`, tokens: 2 });
  const candidate: RecordedCandidate = {
    ...{ context: "film-0", stream: "film", clip: 0, ...side("1"), passes: true, role: "chosen" },
    ...{ beat: ["2"], beatenBy: [] },
  };
  const pair: RecordedPair = {
    context: "film-0",
    stream: "film",
    clip: 0,
    chosen: side("1"),
    rejected: side("2"),
  };
  for (let time = 0; time < 2; time++) await run.keepRollouts([candidate], [pair]);
  const rowsOf = (name: string) => readFileSync(join(directory, name), "utf8");
  assert.deepEqual(rowsOf("rollouts.jsonl"), `${JSON.stringify(candidate)}\n`);
  assert.deepEqual(rowsOf("pairs.jsonl"), `${JSON.stringify(pair)}\n`);
  assert.ok(existsSync(join(directory, "drawn.jsonl")) && existsSync(join(directory, "verdicts.jsonl")));

  const trainer = trainerOf();
  for (const step of [1, 2]) {
    trainer.weights = `step ${step}`;
    await run.keepStep(trainer, stepOf(step));
  }
  // A kill between the row and the checkpoint leaves a row that is made again.
  writeFileSync(
    join(directory, "metrics.jsonl"),
    [1, 2, 3].map((step) => `${JSON.stringify(stepOf(step))}\n`).join(""),
  );
  const resumed = openPhaseTwoRun(directory, {});
  const again = trainerOf();
  assert.deepEqual(await resumed.resume(again), [stepOf(1), stepOf(2)]);
  assert.equal(again.weights, "step 2");
  assert.equal(rowsOf("metrics.jsonl").trim().split("\n").length, 2);
  resumed.end();
  assert.match(rowsOf("curves.html"), /Phase Two/);
});
