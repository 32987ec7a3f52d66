/** Phase Two runs on disk: killed anywhere and started again they end as a run that never was, and do nothing twice. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { before, describe, test } from "node:test";
import { ConfigError } from "../src/errors.ts";
import type { Judged, Preference } from "../src/reward/judge.ts";
import {
  type DrawnContext,
  openPhaseTwoRun,
  type PairStep,
  type RecordedCandidate,
  type RecordedVerdict,
} from "../src/training/phase-two-run.ts";
import { rowsOf } from "../src/training/run-directory.ts";
import type { AdapterResult } from "../src/training/train-adapter.ts";
import { parseRow } from "./support/cli.ts";
import { temporaryFolder } from "./support/memory.ts";
import { watchedMemory } from "./support/watched-memory.ts";

const folder = temporaryFolder("phase-two-run");
const support = (name: string) => resolve(import.meta.dirname, "support", name);

/** The lines a process prints, and the signal it ended with. */
async function linesOf(
  script: string,
  args: readonly string[],
  killAt: (line: string) => boolean = () => false,
) {
  const child = spawn(process.execPath, [support(script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on("line", (line) => {
    lines.push(line);
    if (killAt(line)) child.kill("SIGKILL");
  });
  const [[, signal]] = await Promise.all([once(child, "exit"), once(reader, "close")]);
  return { lines, signal: signal as string | null };
}

const read = (run: string, name: string) => readFileSync(join(run, name), "utf8");
const countOf = (lines: readonly string[], line: string) => lines.filter((one) => one === line).length;

describe("of the choice policy, by preferences", () => {
  const watched = join(folder, "watched");
  let copies = 0;
  before(async () => (await watchedMemory(watched, ["wear"], 8)).close());

  /** Trains in a process of its own, from a copy of the memory; killed at the n-th time of a step, if one is named. */
  async function train(run: string, step = "never", times = 0) {
    const directory = join(folder, `copy-${++copies}`);
    cpSync(watched, directory, { recursive: true });
    let met = 0;
    const args = [directory, step, String(times), run];
    const { lines, signal } = await linesOf("adapt-step-by-step.ts", args, (line) => {
      if (line === step) met += 1;
      return line === step && met === times;
    });
    const report = lines.map(parseRow).find((row) => row !== null) as AdapterResult | undefined;
    return { lines, signal, report };
  }

  test("killed while it draws, judges and trains, ends with the same adapter", async () => {
    const [calmRun, killedRun] = [join(folder, "calm"), join(folder, "killed")];
    const calm = await train(calmRun);
    assert.ok(calm.report!.pairs > 0 && calm.report!.steps === 10, JSON.stringify(calm.report));
    for (const [step, times] of [
      ["rollout", 4],
      ["verdict", 120],
      ["step", 4],
    ] as const)
      assert.equal((await train(killedRun, step, times)).signal, "SIGKILL", step);
    const last = await train(killedRun);
    assert.equal(last.report!.adapter, calm.report!.adapter);
    assert.deepEqual(last.report!.curve, calm.report!.curve);
    for (const name of ["config.json", "rollouts.jsonl", "metrics.jsonl", "drawn.jsonl", "verdicts.jsonl"])
      assert.equal(read(killedRun, name), read(calmRun, name), name);
    const weights = (run: string) => readdirSync(run).filter((name) => name.endsWith(".weights"));
    assert.deepEqual([weights(killedRun), weights(calmRun)], [["step-10.weights"], ["step-10.weights"]]);
    assert.equal(read(killedRun, "step-10.weights"), read(calmRun, "step-10.weights"));

    // The last process drew and judged for the two folds of the validation only, and made the steps that were missing.
    const contexts = rowsOf<DrawnContext>(join(calmRun, "drawn.jsonl")).length;
    assert.equal(countOf(calm.lines, "rollout") - countOf(last.lines, "rollout"), contexts);
    assert.ok(countOf(calm.lines, "verdict") - countOf(last.lines, "verdict") >= 120);
    assert.equal(countOf(calm.lines, "step") - countOf(last.lines, "step"), 3);
  });

  test("keeps each memory with its grade, its comparisons and its place in a pair", async () => {
    const run = join(folder, "kept");
    const { report } = await train(run);
    const rollouts = rowsOf<RecordedCandidate>(join(run, "rollouts.jsonl"));
    const of = (role: RecordedCandidate["role"]) => rollouts.filter((rollout) => rollout.role === role);
    assert.deepEqual([of("chosen").length, of("rejected").length], [report!.pairs, report!.pairs]);
    for (const { context, id } of of("chosen")) {
      const own = rollouts.filter((rollout) => rollout.context === context);
      const beaten = own.filter(({ beatenBy }) => beatenBy.includes(id));
      assert.ok(beaten.length > 0, `${id} of ${context} beat another`);
      assert.deepEqual(
        own.find((rollout) => rollout.id === id)!.beatenBy,
        [],
        "nothing beats what is chosen",
      );
    }
    const drawn = rowsOf<DrawnContext>(join(run, "drawn.jsonl"));
    assert.deepEqual(
      rollouts.filter(({ context }) => context === drawn[0]!.context).map(({ text }) => text),
      drawn[0]!.rollouts.map(({ action }) => action.statements.map(({ text }) => text).join("\n")),
    );
    assert.deepEqual(rowsOf<PairStep>(join(run, "metrics.jsonl")), report!.curve);
    assert.match(read(run, "curves.html"), />rewardMargin</);
  });
});

test("the vector of nano, killed while it saves a step, ends with the same adapter", async () => {
  const train = async (name: string, ...killAt: string[]) => {
    const { lines, signal } = await linesOf("nano-phase-two.ts", [join(folder, name), ...killAt]);
    return { signal, ...(JSON.parse(lines[0] ?? "null") as { steps: number; revision: string } | null) };
  };
  const calm = await train("nano-calm");
  assert.deepEqual([calm.signal, calm.steps], [null, 10]);
  assert.equal((await train("nano-killed", "4")).signal, "SIGKILL");
  assert.ok(
    existsSync(join(folder, "nano-killed", "step-4.weights")),
    "of which the state does not know yet",
  );
  assert.equal((await train("nano-killed", "8")).signal, "SIGKILL");
  const last = await train("nano-killed");
  // Steps 8, 9 and 10: that of the state, step 7, stands.
  assert.deepEqual([last.steps, last.revision], [3, calm.revision]);
  const metrics = (name: string) => read(join(folder, name), "metrics.jsonl");
  assert.equal(metrics("nano-killed"), metrics("nano-calm"));
});

describe("the directory of a Phase Two run", () => {
  const pair = { context: "c", first: "0", second: "1" };
  const failed: Judged<Preference> = { ok: false, reason: "engine-failed", message: "It is down." };

  test("asks a judge again that failed, until the pairs are trained on", async () => {
    const directory = join(folder, "failed");
    const run = openPhaseTwoRun(directory, {});
    await run.keepVerdict({ ...pair, verdict: failed });
    assert.equal(openPhaseTwoRun(directory, {}).verdict(pair), null);
    const step: PairStep = { step: 1, loss: 1, rewardMargin: 0, won: 0, gradientNorm: 1, adapterNorm: 1 };
    await run.keepStep({ save: async () => {} }, step);
    assert.deepEqual(openPhaseTwoRun(directory, {}).verdict(pair), failed);
  });

  test("removes a line that was cut short, and refuses or replaces another configuration", async () => {
    const directory = join(folder, "config");
    const run = openPhaseTwoRun(directory, { seed: 1 });
    const verdict: RecordedVerdict = {
      ...pair,
      verdict: { ok: true, value: "first", rationale: "It says more." },
    };
    await run.keepVerdict(verdict);
    const path = join(directory, "verdicts.jsonl");
    const whole = readFileSync(path, "utf8");
    appendFileSync(path, '{"context":"c","fir');
    assert.deepEqual(openPhaseTwoRun(directory, { seed: 1 }).verdict(pair), verdict.verdict);
    assert.equal(readFileSync(path, "utf8"), whole);
    assert.throws(
      () => openPhaseTwoRun(directory, { seed: 2 }),
      (error) => error instanceof ConfigError && error.code === "run-differs",
    );
    const other = openPhaseTwoRun(directory, { seed: 2 }, { otherRun: "replace" });
    assert.equal(other.verdict(pair), null);
    assert.deepEqual(readdirSync(directory), ["config.json"]);
  });
});
