/**
 * Phase Two of household-VL by pictures: five questions about one kind of thing, and its memories of days that it has not
 * seen hold that kind more often, at the same length, and are as true as before.
 *
 * The household is a toy, and the judge of this test knows its truth.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../src/config.ts";
import { openTorchEngine, torchModel, workerCommand } from "../src/engines/torch/index.ts";
import { askAbout, createEpisode, householdVideos, observeClip } from "../src/household/index.ts";
import { kindOfSentence } from "../src/household/language.ts";
import { choosingEpisodes, seedOf, trainingEpisodes } from "../src/household/splits.ts";
import { modelPhaseTwoRecipes } from "../src/policies/model/recipes.ts";
import { torchAdapterTrainer } from "../src/policies/model/torch-adapter-trainer.ts";
import { torchPolicy } from "../src/policies/model/torch-policy.ts";
import { watchAgain } from "../src/policies/watch-again.ts";
import type { Policy } from "../src/policy/policy.ts";
import { householdJudge, readHouseholdMemory } from "../src/reward/household-judge.ts";
import { modelPolicyOptions } from "../src/taskmem/assembly.ts";
import { folderPrompting, modelFolder } from "../src/taskmem/folder-model.ts";
import type { Question, Task } from "../src/tasks/task.ts";
import { seededRandom } from "../src/util/random.ts";
import { torchPython } from "./support/torch-python.ts";

const torch = await torchPython();
const name = "household-vl";
const kind = "place";
const config = parseConfig({ policy: "model", model: { model: name } });
const days = Array.from({ length: 6 }, (_, n) => createEpisode(seedOf(choosingEpisodes.householdVl, n), 6));
const concurrency = 32;

test("household-VL learns from five questions what to tell of pictures", {
  skip: "skip" in torch ? torch.skip : false,
}, async () => {
  const engine = await openTorchEngine({
    ...{
      model: modelFolder(name),
      command: workerCommand("python" in torch ? torch.python : ""),
      threads: 1,
    },
    train: { kind: "vector" },
  });
  try {
    const prompting = folderPrompting(config);
    const policy = { ...modelPolicyOptions(config, torchModel(engine, prompting)), prompting };
    const pool = householdVideos({ ...trainingEpisodes.householdVl.phaseTwo, clips: 8 });
    const streams = await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        Promise.all(Array.from({ length: 8 }, (_, clip) => pool.video(n).observe(clip))),
      ),
    );
    const trainer = torchAdapterTrainer({
      ...{ engine, policy, judge: householdJudge(pool.truthOf), seed: "lesson", concurrency },
      recipe: { ...modelPhaseTwoRecipes[name], strengths: [], tried: 0 },
    });
    const questions = days
      .flatMap((day) => askAbout(day, seededRandom(day.seed), { kinds: [kind], perKind: 2 }))
      .slice(0, 5);
    const { adapter, problem } = await trainer.train(questions.map(asked), streams);
    assert.equal(problem, null);
    const [before, after] = [
      await told(torchPolicy(engine, null, policy)),
      await told(torchPolicy(engine, adapter, policy)),
    ];
    assert.ok(after.relevant >= before.relevant + 0.2, JSON.stringify({ before, after }));
    assert.ok(after.true >= before.true - 0.08, JSON.stringify({ before, after }));
    assert.ok(after.tokens <= 1.25 * before.tokens, JSON.stringify({ before, after }));
  } finally {
    engine.close();
  }
});

/** What a policy tells of the days: shares of memories that hold a new true sentence of the kind, and of sentences that are true. */
async function told(policy: Policy) {
  const observed = await Promise.all(
    days.map(({ seed, clips }) => Promise.all(clips.map((clip) => observeClip(clip, { stream: seed })))),
  );
  const { decisions } = await watchAgain(policy, observed, { concurrency });
  let [relevant, sentences, wrong, tokens] = [0, 0, 0, 0];
  for (const { context, action, stream } of decisions) {
    const text = action.statements.map((statement) => statement.text).join(" ");
    const { clip } = context.observations[0]!;
    const before = context.recent.entries.map((entry) => entry.text);
    const reading = readHouseholdMemory(text, days[stream]!.clips[clip]!.facts, before);
    relevant += Number(reading.told.some((sentence) => kindOfSentence(sentence) === kind));
    sentences += reading.sentences;
    wrong += reading.wrong.length;
    tokens += text.split(/\s+/).length;
  }
  const memories = decisions.length;
  return { memories, relevant: relevant / memories, true: 1 - wrong / sentences, tokens: tokens / memories };
}

/** A task of which only the question counts. */
function asked({ text, options }: Question, i: number): Task {
  return {
    ...{ id: String(i), askedAtMs: 0, asOfSeconds: null, stream: null, question: { text, options } },
    ...{ answer: "", option: null, abstained: false, citations: [], reader: "none", feedback: null },
  };
}
