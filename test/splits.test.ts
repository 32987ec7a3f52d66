/** No episode of the household is used for two things that must not share it: every seed that anything touches is listed here. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { clipsOf, clipsPerEpisode } from "../scripts/nano/examples.ts";
import { householdVideos } from "../src/household/index.ts";
import {
  choosingEpisodes,
  type Episodes,
  finalEpisodes,
  measuredEpisodes,
  seedOf,
  timingEpisodes,
  trainingEpisodes,
} from "../src/household/splits.ts";
import { choicePhaseOneRecipe } from "../src/policies/choice/recipes.ts";
import { nanoPhaseOneRecipe, nanoPhaseTwoRecipe } from "../src/policies/nano/recipes.ts";
import { seededRandom } from "../src/util/random.ts";

const root = join(import.meta.dirname, "..");

/** Every use by name, with its episodes. */
const named = (group: string, uses: Readonly<Record<string, Episodes>>) =>
  Object.entries(uses).map(([name, episodes]) => ({ name: `${group}: ${name}`, ...episodes }));
const training = Object.entries(trainingEpisodes).map(([policy, uses]) => named(policy, uses));
const choosing = named("choosing", choosingEpisodes);
const measured = named("measured", measuredEpisodes);
const final = named("final", { final: finalEpisodes });
const timing = named("timing", { timing: timingEpisodes });

type Use = Episodes & { readonly name: string };
const overlap = (a: Use, b: Use) =>
  a.split === b.split && a.from < b.from + b.episodes && b.from < a.from + a.episodes;

test("what trains, what chooses, what is measured and what is measured once share no episode", () => {
  const groups = [[...training.flat(), ...timing], choosing, measured, final];
  for (const [i, group] of groups.entries())
    for (const use of group)
      for (const other of groups.slice(i + 1).flat())
        assert.ok(!overlap(use, other), `${use.name} and ${other.name}`);
  assert.deepEqual([...new Set(training.flat().map(({ split }) => split))], ["train"]);
  assert.deepEqual([...new Set(choosing.map(({ split }) => split))], ["validation"]);
});

test("no stage of a policy trains on an episode of another stage of it", () => {
  for (const stages of training)
    for (const [i, stage] of stages.entries())
      for (const other of stages.slice(i + 1))
        assert.ok(!overlap(stage, other), `${stage.name} and ${other.name}`);
});

test("no two seeds of theirs give the same episode", () => {
  // `seededRandom` hashes a seed to 32 bits, so that two different ones may be alike.
  const sets = [...training.flat(), ...choosing, ...measured, ...final].map((use) => ({
    ...use,
    episodes: Math.min(use.episodes, 1_500),
  }));
  const seeds = new Set(
    sets.flatMap((use) => Array.from({ length: use.episodes }, (_, n) => seedOf(use, n))),
  );
  const starts = new Map<string, string>();
  for (const seed of seeds) {
    const random = seededRandom(`household ${seed}`);
    const start = `${random()} ${random()}`;
    assert.equal(starts.get(start), undefined, `${seed} and ${starts.get(start)}`);
    starts.set(start, seed);
  }
  assert.ok(starts.size > 5_000, `${starts.size}`);
});

test("a use that runs past its episodes fails instead of taking another's", () => {
  const { phaseTwo } = trainingEpisodes.nano;
  assert.equal(seedOf(phaseTwo, 7), "train-900007");
  assert.throws(() => seedOf(phaseTwo, 8), /one of the 8 episodes from train-900000 on, got number 8/);
  const videos = householdVideos({ ...phaseTwo, clips: 1 });
  assert.equal(videos.video(7).clips, 1);
  assert.throws(() => videos.video(8), RangeError);
  const source = clipsOf({ ...trainingEpisodes.nano.memories, episodes: 1 });
  for (let i = 0; i < clipsPerEpisode; i++) source.next();
  assert.throws(() => source.next(), RangeError);
});

test("recipes train on the episodes that are theirs, and on no more than there are", () => {
  const { nano, choice } = trainingEpisodes;
  const of = ({ split, from, episodes }: Partial<Episodes>) => ({ split, from, episodes });
  assert.deepEqual(of(nanoPhaseOneRecipe.videos), nano.phaseOne);
  assert.deepEqual(of(choicePhaseOneRecipe.videos), choice.phaseOne);
  assert.deepEqual(of(nanoPhaseTwoRecipe.pool), nano.phaseTwo);
  assert.deepEqual(of(nanoPhaseTwoRecipe.heldOut), choosingEpisodes.nanoGate);
  assert.equal(nanoPhaseTwoRecipe.poolEpisodes, nano.phaseTwo.episodes);
  assert.equal(nanoPhaseTwoRecipe.heldOutEpisodes, choosingEpisodes.nanoGate.episodes);
});

/** The lists that a file takes episodes from, such as `trainingEpisodes.nano.captions`. */
const listsIn = (path: string) =>
  [
    ...new Set(
      readFileSync(join(root, path), "utf8").match(
        /\b(?:training|choosing|measured|final|timing)Episodes\.[\w.]+/g,
      ),
    ),
  ]
    .map((name) => name.replace(/\.(episodes|split|from)$/, ""))
    .filter((name, i, all) => all.indexOf(name) === i)
    .sort();

test("each stage, pool, gate, demo and benchmark takes the episodes that are listed for it", () => {
  const expected = {
    "scripts/household-vl/examples.ts": [
      "choosingEpisodes.householdVl",
      "measuredEpisodes.benchmark",
      "trainingEpisodes.householdVl.captions",
      "trainingEpisodes.householdVl.memories",
    ],
    "scripts/nano/pretrain.ts": [
      "choosingEpisodes.nanoPretraining",
      "trainingEpisodes.nano.captions",
      "trainingEpisodes.nano.memories",
    ],
    "scripts/nano/text-stages.ts": ["choosingEpisodes.nanoPretraining"],
    "src/cli/commands/bench-household.ts": ["measuredEpisodes.benchmark"],
    "src/cli/commands/demo-choice.ts": ["measuredEpisodes.demoChoice"],
    "src/cli/commands/demo.ts": ["measuredEpisodes.demo"],
    "src/cli/household.ts": ["measuredEpisodes.benchmark"],
    "src/policies/choice/recipes.ts": ["trainingEpisodes.choice.phaseOne"],
    "src/policies/nano/recipes.ts": [
      "choosingEpisodes.nanoGate",
      "trainingEpisodes.nano.phaseOne",
      "trainingEpisodes.nano.phaseTwo",
    ],
  };
  const files = globSync(["src/**/*.ts", "scripts/**/*.ts"], { cwd: root }).filter(
    (path) => !path.endsWith(".test.ts") && path !== "src/household/splits.ts",
  );
  const found = files.sort().map((path) => [path, listsIn(path)] as const);
  assert.deepEqual(Object.fromEntries(found.filter(([, lists]) => lists.length > 0)), expected);
});

test("each measurement learns from episodes that train, chooses on those that choose, and measures on what is measured", () => {
  const [tasks, benchmark] = ["trainingEpisodes.choice.tasks", "measuredEpisodes.benchmark"];
  const expected = {
    // Blocks, streams and answers of nano; recipes name what its adapters and Phase One are trained on.
    "perf/adapter-block.ts": [benchmark],
    "perf/best-of-n.ts": [benchmark],
    "perf/choice-phase-one.ts": [benchmark],
    "perf/household-trials.ts": [benchmark, tasks],
    // What lessons of household-VL watch is in its model's file, and what five questions are asked about in that of the trials.
    "perf/household-vl-model.ts": ["trainingEpisodes.householdVl.phaseTwo"],
    "perf/household-vl-phase-two.ts": [benchmark],
    "perf/household-vl.ts": ["choosingEpisodes.householdVl", benchmark],
    "perf/phase-one-ablations.ts": [benchmark],
    "perf/phase-two-ablations.ts": [benchmark],
    "perf/phase-two-trials.ts": [tasks],
    "perf/second-answerer.ts": [benchmark],
    "perf/streams.ts": [benchmark, tasks],
    "perf/two-by-two.ts": [benchmark],
  };
  const files = globSync(["perf/**/*.ts", "examples/**/*.ts"], { cwd: root }).sort();
  const found = files.map((path) => [path, listsIn(path)] as const);
  assert.deepEqual(Object.fromEntries(found.filter(([, lists]) => lists.length > 0)), expected);
});

test("no list is widened or moved where it is used", () => {
  const files = globSync(["src/**/*.ts", "scripts/**/*.ts", "perf/**/*.ts", "examples/**/*.ts"], {
    cwd: root,
  }).filter((path) => !path.endsWith(".test.ts"));
  const moving = /Episodes(?:\.\w+)*,[^;]*?\b(?:from|split|episodes):\s*["'\d]/;
  assert.deepEqual(
    files.filter((path) => moving.test(readFileSync(join(root, path), "utf8"))),
    [],
  );
  assert.match("householdVideos({ ...trainingEpisodes.nano.phaseTwo, from: 5, clips })", moving);
});

test("Phase One of a model in a folder, on nano's films, shares none with what household-VL was made of", () => {
  const videos = { name: "Phase One", ...trainingEpisodes.nano.phaseOne };
  for (const [name, use] of Object.entries(trainingEpisodes.householdVl))
    assert.ok(!overlap(videos, { name, ...use }), name);
  const command = readFileSync(join(root, "src/cli/commands/train-phase-one.ts"), "utf8");
  assert.match(command, /household = \{ \.\.\.nanoPhaseOneRecipe\.videos,/);
});

test("episodes are named in `household/splits.ts` and nowhere else", () => {
  const files = globSync(["src/**/*.ts", "scripts/**/*.ts", "perf/**/*.ts", "examples/**/*.ts"], {
    cwd: root,
  }).filter((path) => !path.endsWith(".test.ts") && !/^src\/household\/(splits|world)\.ts$/.test(path));
  const naming = /\bepisodeSeed\(|\bcreateEpisode\(\s*["'`]|\bsplit:\s*"|\bclipsOf\(\s*"/;
  assert.deepEqual(
    files.filter((path) => naming.test(readFileSync(join(root, path), "utf8"))),
    [],
  );
  assert.match(readFileSync(join(root, "src/household/splits.ts"), "utf8"), naming);
});

test("nothing but the command that opens it names the final split", () => {
  const files = globSync(["src/**/*.ts", "scripts/**/*.ts", "perf/**/*.ts", "test/**/*.ts"], { cwd: root });
  const opening = files.filter((path) =>
    /finalEpisodes|["'`]final-\d/.test(readFileSync(join(root, path), "utf8")),
  );
  assert.deepEqual(opening.sort(), ["scripts/final.ts", "src/household/splits.ts", "test/splits.test.ts"]);
});
