/** Phase One as a whole: the same loop for every policy, runs that can be killed, and what judges do to it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { wordSpace as words } from "../src/engines/local/index.ts";
import { shippedWeights } from "../src/engines/nano/shipped.ts";
import { ConfigError } from "../src/errors.ts";
import { householdVideos } from "../src/household/index.ts";
import type { Observation } from "../src/perception/observation.ts";
import { choicePolicy } from "../src/policies/choice/choice.ts";
import type { ChoiceBudget } from "../src/policies/choice/choice-budget.ts";
import {
  type ChoiceWeights,
  choiceFeatures,
  formatChoiceWeights,
  untrainedChoiceWeights,
} from "../src/policies/choice/choice-features.ts";
import { choicePhaseOnePolicy } from "../src/policies/choice/choice-training.ts";
import { readChoiceWeights } from "../src/policies/choice/choice-weights-trainer.ts";
import { nanoPhaseOnePolicy } from "../src/policies/nano/index.ts";
import type { Policy } from "../src/policy/policy.ts";
import { householdJudge } from "../src/reward/household-judge.ts";
import type { Judge, JudgeFailure } from "../src/reward/judge.ts";
import { localJudge } from "../src/reward/local-judge.ts";
import { type ScoreOptions, scoreGroup } from "../src/reward/reward.ts";
import {
  type PhaseOneConfig,
  type PhaseOneOutcome,
  phaseOne,
  phaseOneDefaults,
  type RecordedRollout,
  type RecordedStep,
  type TrainingVideo,
} from "../src/training/phase-one.ts";
import { openPhaseOneRun } from "../src/training/phase-one-run.ts";
import { decisionsOf } from "../src/training/replay.ts";
import { rowsOf } from "../src/training/run-directory.ts";
import { seededRandom } from "../src/util/random.ts";
import { taskmem, temporaryFolder } from "./support/cli.ts";

const videos = householdVideos({ split: "train", from: 950_000, clips: 36, captions: true });
const score: ScoreOptions = { countTokens: words.countTokens, form: "statements" };
const small: PhaseOneConfig = {
  ...phaseOneDefaults,
  offPolicySteps: 4,
  steps: 10,
  batch: 6,
  group: 4,
  parts: 2,
  learningRate: 1,
  checkpointEvery: 4,
  seed: "test",
};
/** Less than there is to tell, so that what to keep matters from the first clip on. */
const aFifth: ChoiceBudget = { fraction: 0.2 };

interface Trained {
  readonly outcome: PhaseOneOutcome;
  readonly metrics: readonly RecordedStep[];
  readonly weights: ChoiceWeights;
}

async function train({
  directory = temporaryFolder(),
  config = small,
  judge = localJudge({ words }),
  video = videos.video,
  budget = aFifth,
  concurrency,
}: {
  directory?: string;
  config?: PhaseOneConfig;
  judge?: Judge;
  video?: (n: number) => TrainingVideo;
  budget?: ChoiceBudget;
  concurrency?: number;
} = {}): Promise<Trained> {
  const trainable = choicePhaseOnePolicy({ words, budget, snapshotPath: join(directory, "weights.json") });
  const run = openPhaseOneRun(directory, { judge: judge.id, ...config });
  const outcome = await phaseOne({ trainable, video, judge, score, config, run, concurrency });
  return { outcome, metrics: run.metrics(), weights: readChoiceWeights(outcome.trained.path) };
}

const withoutTime = (metrics: readonly RecordedStep[]) => metrics.map(({ ms: _, ...rest }) => rest);

describe("Phase One of the choice policy", () => {
  test("gives the same metrics and weights for the same seed, and others for another", async () => {
    const [once, again, other] = [
      await train(),
      await train(),
      await train({ config: { ...small, seed: "other" } }),
    ];
    assert.equal(once.metrics.length, small.steps);
    assert.deepEqual(withoutTime(once.metrics), withoutTime(again.metrics));
    assert.deepEqual(once.weights, again.weights);
    assert.notDeepEqual(once.weights, other.weights);
    assert.notDeepEqual(once.weights, untrainedChoiceWeights);
    assert.deepEqual(
      [...new Set(once.metrics.map(({ history, step }) => `${history} ${step <= small.offPolicySteps}`))],
      ["off-policy true", "on-policy false"],
    );
    for (const { step, mismatch } of once.metrics)
      assert.equal(
        mismatch,
        0,
        `at step ${step} the trainer gives draws the log-probabilities they were drawn with`,
      );
  });

  test("gives the same metrics, rollouts and weights however many instances are judged at once", async () => {
    const random = seededRandom("delays");
    const judge = localJudge({ words });
    const slow: Judge = {
      ...judge,
      quality: async (request) => {
        await setTimeout(3 * random());
        return judge.quality(request);
      },
    };
    const config = { ...small, steps: 5, checkpointEvery: 5 };
    const runs = [];
    for (const concurrency of [1, 3, 16]) {
      const directory = temporaryFolder();
      const { metrics, weights } = await train({ directory, config, judge: slow, concurrency });
      const rollouts = readFileSync(join(directory, "rollouts.jsonl"), "utf8");
      runs.push({ metrics: withoutTime(metrics), weights, rollouts });
    }
    assert.deepEqual(runs[1], runs[0]);
    assert.deepEqual(runs[2], runs[0]);
  });

  test("keeps each rollout with its text, its reward, its advantage and why the judge said so", async () => {
    const directory = temporaryFolder();
    const { metrics } = await train({ directory });
    const rollouts = rowsOf<RecordedRollout>(join(directory, "rollouts.jsonl"));
    assert.equal(rollouts.length, small.steps * small.batch * small.group);
    for (const { step, reward, telling } of metrics) {
      const own = rollouts.filter((rollout) => rollout.step === step);
      const mean = own.reduce((sum, rollout) => sum + rollout.reward!, 0) / own.length;
      assert.ok(Math.abs(mean - reward) < 1e-9);
      assert.equal(own.filter(({ advantage }) => advantage !== 0).length / own.length, telling);
    }
    for (let first = 0; first < rollouts.length; first += small.group) {
      const group = rollouts.slice(first, first + small.group);
      assert.equal(new Set(group.map(({ stream, clip }) => `${stream} ${clip}`)).size, 1);
    }
    const { text, parts, checks, rationale } =
      rollouts.find(({ checks }) => checks.correct === false) ?? rollouts[0]!;
    assert.ok(text.length > 0 && rationale!.length > 0 && "correct" in checks);
    assert.deepEqual(Object.keys(parts), ["format", "thinking", "quality", "richness"]);
  });

  test("killed twice with kill -9, ends as one that never was", async () => {
    const folder = temporaryFolder();
    const steps = 40;
    const options = "--policy choice --off-policy-steps 20 --batch 4 --group 4 --checkpoint-every 7";
    const command = (name: string) => [
      ...["train", "phase-one", "--json", "--run", join(folder, name), "--steps", String(steps)],
      ...options.split(" "),
    ];
    const killedAfter = async (step: number) => {
      const run = await taskmem(command("killed"), {
        onLine: (line, child) => {
          if (line.includes(`"step":${step},`)) child.kill("SIGKILL");
        },
      });
      assert.equal(run.code, null, `killed after step ${step}: ${run.stderr}`);
      return run.rows.at(-1)?.step as number;
    };
    await killedAfter(3);
    const reached = await killedAfter(17);
    const last = await taskmem(command("killed"));
    assert.equal(last.code, 0, last.stderr);
    // How many steps it makes before the signal arrives is chance; it resumes behind a checkpoint.
    const resumedAt = last.rows[0]?.step as number;
    assert.ok(
      resumedAt >= 15 && resumedAt <= reached + 2 && (resumedAt - 1) % 7 === 0,
      `${resumedAt} after ${reached}`,
    );
    const calm = await taskmem(command("calm"));
    assert.equal(calm.code, 0, calm.stderr);
    const read = (name: string, file: string) => readFileSync(join(folder, name, file), "utf8");
    const files = [
      "choice-weights.json",
      `step-${steps}.weights`,
      "state.json",
      "config.json",
      "rollouts.jsonl",
    ];
    for (const file of files) assert.equal(read("killed", file), read("calm", file), file);
    const metrics = (name: string) => rowsOf<RecordedStep>(join(folder, name, "metrics.jsonl"));
    assert.equal(metrics("calm").length, steps);
    assert.deepEqual(withoutTime(metrics("killed")), withoutTime(metrics("calm")));

    const end = (rows: typeof last.rows) => rows.at(-1) as Partial<PhaseOneOutcome>;
    assert.equal(end(last.rows).movedSteps, end(calm.rows).movedSteps, "the outcome is of all its processes");
    const other = await taskmem([...command("calm"), "--learning-rate", "2"]);
    assert.equal(other.code, 2, other.stderr);
    assert.match(other.stderr, /another.*choose another directory/s);
  });

  test("stays nearer to its start the larger the KL penalty", async () => {
    const distance = async (kl: number) => {
      const { weights, metrics } = await train({ config: { ...small, kl } });
      assert.ok(kl === 0 || metrics.at(-1)!.kl > 0, "what it costs is in the metrics");
      return Math.hypot(...weights.features, Math.log(weights.sharpness / untrainedChoiceWeights.sharpness));
    };
    const [free, held, tight] = [await distance(0), await distance(0.5), await distance(2)];
    assert.ok(tight < held && held < free, `${tight}, ${held}, ${free}`);
  });

  test("earns more on held-out videos than before it was trained", async () => {
    const config = { ...small, offPolicySteps: 15, steps: 50, batch: 12, group: 8 };
    const { weights, outcome } = await train({ config });
    assert.equal(outcome.problem, null);
    const before = await onHeldOut(choicePolicy({ words, budget: aFifth }));
    const after = await onHeldOut(choicePolicy({ words, budget: aFifth, weights }));
    // At most 0.525: quality 0.5, and a bonus whose mean in a group is half of 0.05.
    assert.ok(before.reward < 0.49, `before ${before.reward}`);
    assert.ok(after.reward > before.reward + 0.02, `${before.reward} before, ${after.reward} after`);
    // A sharper draw would be enough for that, but not for this: what it writes when it draws nothing.
    assert.ok(after.acting > before.acting, `${before.acting} before, ${after.acting} after`);
  });
});

test("watch writes with trained weights, and refuses a file that holds none", async () => {
  const folder = temporaryFolder();
  const weights = join(folder, "weights.json");
  const preferred = untrainedChoiceWeights.features.with(choiceFeatures.indexOf("question"), 99);
  writeFileSync(weights, formatChoiceWeights({ ...untrainedChoiceWeights, features: preferred }));
  const texts = join(folder, "talk.jsonl");
  const lines = [
    "The violin concerto by Sibelius fills the crowded hall tonight.",
    "Who took the bread?",
    "Nobody remembers the combination of the rusty padlock downstairs.",
  ];
  writeFileSync(
    texts,
    lines
      .map((text, i) => `${JSON.stringify({ startSeconds: 2 * i, endSeconds: 2 * i + 1, text })}\n`)
      .join(""),
  );
  const watch = (name: string, ...more: string[]) =>
    taskmem(["watch", texts, "--json", "--budget", "0.02", "--memory", join(folder, name), ...more]);
  const [shipped, trained] = [await watch("shipped"), await watch("trained", "--weights", weights)];
  const clips = ({ rows }: typeof shipped) => rows.filter(({ event }) => event === "clip-end");
  const kept = (run: typeof shipped) =>
    clips(run).flatMap(({ entries }) => (entries as { text: string }[]).map(({ text }) => text));
  assert.equal(trained.code, 0, trained.stderr);
  assert.notDeepEqual(kept(shipped), kept(trained));
  assert.deepEqual(kept(trained), [lines[1]]);
  assert.notEqual(clips(shipped)[0]?.revision, clips(trained)[0]?.revision);
  for (const [file, why] of [
    [join(folder, "none.json"), /Cannot read weights/],
    [texts, /does not hold weights of the choice policy/],
  ] as const) {
    const refused = await watch("refused", "--weights", file);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, why);
  }
});

/**
 * Over held-out households, each policy with its own history: mean reward of groups of 8, and mean richness, as the judge
 * scores it, of what the policy writes when it acts.
 */
async function onHeldOut(policy: Policy): Promise<{ reward: number; acting: number }> {
  const judge = localJudge({ words });
  const held = householdVideos({ split: "held-out", from: 0, clips: 24, captions: true });
  const totals: number[] = [];
  const scores: number[] = [];
  for (let n = 0; n < 12; n++) {
    const video = held.video(n);
    const observations = await Promise.all(
      Array.from({ length: video.clips }, (_, clip) => video.observe(clip)),
    );
    let decision = 0;
    for await (const { context, action } of decisionsOf(policy, observations)) {
      const random = seededRandom(`held out ${n} ${decision++}`);
      const { actions } = await policy.decide(context, { n: 8, random });
      const rewards = await scoreGroup(context, actions, judge, score);
      totals.push(...rewards.map(({ total }) => total!));
      const memory = action.statements.map(({ text }) => text).join("\n");
      const richness = await judge.richness({ context, memories: [memory] });
      assert.ok(richness.ok);
      scores.push(...richness.value);
    }
  }
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { reward: mean(totals), acting: mean(scores) };
}

const failure: JudgeFailure = { ok: false, reason: "engine-failed", message: "It is down." };

describe("Phase One with a judge", () => {
  test("that fails 3 calls in 10 leaves out only the groups it failed", async () => {
    const random = seededRandom("down");
    const local = localJudge({ words });
    const failed = new Set<object>();
    const judge: Judge = {
      ...local,
      quality: async (request) => {
        if (random() >= 0.3) return local.quality(request);
        failed.add(request.context);
        return failure;
      },
    };
    const { outcome, metrics } = await train({ judge });
    const masked = metrics.reduce((sum, step) => sum + step.masked, 0);
    assert.equal(masked, failed.size);
    assert.ok(masked > 20 && masked < small.steps * small.batch, `${masked} of 60 groups`);
    assert.equal(outcome.steps, small.steps);
    assert.equal(outcome.problem, null);
    // What moves the weights is one of the groups left: at most all their members tell.
    for (const step of metrics) assert.ok(step.telling <= 1 - step.masked / small.batch, `step ${step.step}`);
  });

  test("that only fails leaves the weights, and says so", async () => {
    const judge = { ...localJudge({ words }), quality: async () => failure };
    const { outcome, weights } = await train({ judge });
    assert.deepEqual(weights, untrainedChoiceWeights);
    assert.deepEqual([outcome.problem, outcome.movedSteps], ["judge-failed", 0]);
  });

  test("that rejects everything leaves the weights, and says so", async () => {
    const verdict = { ok: true, value: { correct: false, clean: false, rationale: "No." } } as const;
    const judge = { ...localJudge({ words }), quality: async () => verdict };
    const { outcome, metrics, weights } = await train({ judge });
    assert.deepEqual(weights, untrainedChoiceWeights);
    assert.deepEqual([outcome.problem, outcome.movedSteps], ["no-difference", 0]);
    for (const { passing, telling, reward } of metrics)
      assert.deepEqual([passing, telling, reward], [0, 0, -0.5]);
  });

  test("that prefers one of two lines which no feature tells apart still trains on the others", async () => {
    // One line fits. Mugs and cups have the same odds under any weights, so a step cannot move them.
    const lines = (n: number) => [
      "The mugs fall from the big table.",
      n % 2 === 0 ? "The cups fall from the big table." : "Whatever Eve says about number 7, the door opens?",
    ];
    const video = (n: number): TrainingVideo => ({
      clips: 1,
      observe: async () => captioned(n, lines(n)),
      written: async () => "",
    });
    const judge: Judge = {
      ...localJudge({ words }),
      richness: async ({ memories }) => ({
        ok: true,
        value: memories.map((text) => Number(text.includes("mugs"))),
      }),
    };
    const config = { ...small, steps: 2, batch: 4, group: 8, parts: 1 };
    const { outcome } = await train({ video, judge, config, budget: { tokensPerWindow: 1 } });
    assert.equal(outcome.movedSteps, 2);
  });
});

/** A clip with captions and nothing else. */
function captioned(video: number, lines: readonly string[]): Observation {
  const [startSeconds, endSeconds] = [0, 10];
  return {
    stream: `v${video}`,
    clip: 0,
    startSeconds,
    endSeconds,
    frames: [],
    speech: [],
    captions: lines.map((text) => ({ startSeconds, endSeconds, text, speaker: null })),
    screen: [],
    shots: [],
    people: [],
    tiers: {},
    problems: [],
  };
}

describe("the directory of a run", () => {
  test("holds curves of what changed, as a page that loads nothing", async () => {
    const directory = temporaryFolder();
    await train({ directory });
    const page = readFileSync(join(directory, "curves.html"), "utf8");
    for (const name of ["reward", "telling", "gradientNorm"])
      assert.match(page, new RegExp(`<figcaption>${name}<`));
    const [first] = page.match(/<polyline class="line c0" points="[^"]+"/) ?? [""];
    assert.equal(first.match(/[\d.]+,[\d.]+/g)?.length, small.steps, "a point a step");
    assert.doesNotMatch(page, /<script|<link|src=|NaN/);
  });

  test("resumes only with the configuration it holds", async () => {
    const directory = temporaryFolder();
    await train({ directory });
    await assert.rejects(
      train({ directory, config: { ...small, group: 5 } }),
      (error) => error instanceof ConfigError && error.code === "run-differs",
    );
    const { outcome } = await train({ directory });
    assert.equal(outcome.steps, small.steps, "and is over when it is over");
  });
});

const nanoWeights = shippedWeights("nano-base");
const needsNano = {
  skip: existsSync(nanoWeights) ? false : `needs ${nanoWeights}: \`npm run nano:pretrain\` makes it`,
};
test("the same loop trains nano", needsNano, async () => {
  const directory = temporaryFolder();
  const filmed = householdVideos({ split: "train", from: 960_000, clips: 4 });
  const trainable = await nanoPhaseOnePolicy(
    nanoWeights,
    join(directory, "nano.safetensors"),
    words.countTokens,
  );
  const config = { ...small, offPolicySteps: 1, steps: 2, batch: 2, group: 4, learningRate: 1e-4 };
  const run = openPhaseOneRun(directory, config);
  const outcome = await phaseOne({
    trainable,
    video: filmed.video,
    judge: householdJudge(filmed.truthOf),
    score: { ...score, form: "description" },
    config,
    run,
  });
  assert.deepEqual([outcome.problem, outcome.steps], [null, 2]);
  assert.ok(existsSync(outcome.trained.path));
});

test("nano's run, killed with kill -9, ends as one that never was", needsNano, async () => {
  const folder = temporaryFolder();
  const steps = 5;
  const options = "--policy nano --off-policy-steps 1 --batch 2 --group 4 --checkpoint-every 1";
  const command = (name: string) => [
    ...["train", "phase-one", "--json", "--run", join(folder, name), "--steps", String(steps)],
    ...options.split(" "),
  ];
  const killed = await taskmem(command("killed"), {
    onLine: (line, child) => {
      if (line.includes(`"step":3,`)) child.kill("SIGKILL");
    },
  });
  assert.equal(killed.code, null, killed.stderr);
  const resumed = await taskmem(command("killed"));
  assert.equal(resumed.code, 0, resumed.stderr);
  // The signal comes while step 3's checkpoint is written, or a little later.
  assert.ok([3, 4, 5].includes(resumed.rows[0]?.step as number), `went on at ${resumed.rows[0]?.step}`);
  const calm = await taskmem(command("calm"));
  assert.equal(calm.code, 0, calm.stderr);

  const metrics = (name: string) => withoutTime(rowsOf<RecordedStep>(join(folder, name, "metrics.jsonl")));
  assert.equal(metrics("calm").length, steps);
  assert.deepEqual(metrics("killed"), metrics("calm"));
  assert.equal(calm.rows.at(-1)?.movedSteps, steps, "every step moves the weights");
  const read = (name: string, file: string) => readFileSync(join(folder, name, file));
  for (const file of ["nano.safetensors", `step-${steps}.weights`, "state.json", "config.json"])
    assert.ok(read("killed", file).equals(read("calm", file)), file);
});

test("`train phase-two` is `adapt run`, without the flags of Phase One", async () => {
  const folder = temporaryFolder();
  const memory = ["--memory", join(folder, "memory"), "--json"];
  const texts = join(folder, "stream.srt");
  writeFileSync(texts, "1\n00:00:01,000 --> 00:00:03,000\nThe keys lie on the desk.\n");
  assert.equal((await taskmem(["watch", texts, ...memory])).code, 0);
  assert.equal((await taskmem(["tasks", "add", "Where are the keys?", ...memory])).code, 0);
  const trained = await taskmem(["train", "phase-two", "--policy", "choice", ...memory]);
  assert.equal(trained.code, 0, trained.stderr);
  const { event, questions, activated, reason } = trained.rows.at(-1)!;
  assert.deepEqual([event, questions, activated], ["adapt-end", 1, false]);
  assert.match(String(reason), /1 of 5 distinct questions/);
  const refused = await taskmem(["train", "phase-two", "--group", "4", ...memory]);
  assert.match(refused.stderr, /unknown option '--group'/);
  assert.equal((await taskmem(["train", "phase-three"])).code, 2);
});
