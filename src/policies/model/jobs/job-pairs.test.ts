/** The pairs of a job, drawn from a policy that writes of the soup and the lamp in turn. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { observationOf, temporaryFolder } from "../../../../test/support/memory.ts";
import { noCost } from "../../../engine.ts";
import { wordSpace } from "../../../engines/local/index.ts";
import { contextDefaults } from "../../../policy/context.ts";
import type { Action, Context, Policy } from "../../../policy/policy.ts";
import type { Judge, RelevanceRequest } from "../../../reward/judge.ts";
import type { Task } from "../../../tasks/task.ts";
import { statementOf } from "../model-action.ts";
import { modelPhaseTwoRecipe } from "../recipes.ts";
import { type JobPairsOptions, jobPairs } from "./job-pairs.ts";

const prefix = '{"description": "';

/** An answer as a model without log-probabilities writes it. */
function written(context: Context, noun: string): Action {
  const text = `Ann has ${noun} in ${context.observations[0]!.clip}.`;
  const statements = [statementOf(text, "episodic", context)];
  return { ...{ text: `${prefix}${text}"}`, statements, logprobs: null }, revision: "plain", issues: [] };
}

const policyOf = (write: (context: Context, i: number) => Action): Policy => ({
  ...{ id: "plain", revision: "plain", clipsPerDecision: 1, advance: () => null },
  decide: async (context, { n = 1 } = {}) => ({
    actions: Array.from({ length: n }, (_, i) => write(context, i)),
    cost: noCost,
  }),
});
const drawing = policyOf((context, i) => written(context, ["soup", "a lamp", "hot soup"][i % 3]!));

/** Prefers the soup. @param isTrue which memories it takes for true */
function judgeOf(isTrue = (_memory: string) => true): Judge & { readonly asked: RelevanceRequest[] } {
  const asked: RelevanceRequest[] = [];
  return {
    ...{ id: "soup", asked },
    quality: async ({ memory }) => ({
      ok: true,
      value: { correct: isTrue(memory), clean: true, rationale: "" },
    }),
    richness: async ({ memories }) => ({ ok: true, value: memories.map(() => 0) }),
    async relevance(request) {
      asked.push(request);
      const [a, b] = [request.first.includes("soup"), request.second.includes("soup")];
      return { ok: true, value: a === b ? "tie" : a ? "first" : "second" };
    },
  };
}

const stream = Array.from({ length: 6 }, (_, clip) => {
  const speech = [{ startSeconds: clip * 10, endSeconds: clip * 10 + 1, text: "The soup!", speaker: "Ann" }];
  return observationOf("kitchen", clip, { speech });
});
const tasks = ["What was cooked?", "Who ate?"].map(
  (text, i) => ({ id: String(i), question: { text, options: [] } }) as unknown as Task,
);
const recipe = {
  ...modelPhaseTwoRecipe,
  contexts: 10,
  heldOut: 10,
  tried: 0,
  samples: 3,
  lines: 0,
  judge: "plain" as const,
};

const optionsOf = (judge: Judge, other: Partial<JobPairsOptions> = {}): JobPairsOptions => ({
  ...{ base: policyOf((context) => written(context, "a chair")), drawing, judge, recipe },
  promptOf: ({ observations: [one] }) => ({
    messages: [{ role: "user", parts: [{ type: "text", text: `Clip ${one!.clip}.` }] }],
    prefix,
  }),
  tell: (context, texts) => texts.map((text) => ({ ...written(context, "a line"), text })),
  score: { countTokens: wordSpace.countTokens, form: "description" },
  ...{ limits: contextDefaults, seed: "job", run: join(temporaryFolder("job"), "run") },
  ...other,
});

const all = { ...recipe, pairs: "all" as const };

test("what helps the questions is chosen, in the words behind the beginning, and without log-probabilities", async () => {
  const judge = judgeOf((memory) => !memory.includes("lamp"));
  const found = await jobPairs(tasks, [stream], optionsOf(judge, { recipe: { ...recipe, pairs: "one" } }));
  // The first four of six clips.
  const { pairs, contexts, refusedClips, failedVerdicts, report } = found;
  assert.deepEqual([contexts, refusedClips, failedVerdicts, report.pairs], [4, 0, 0, 4]);
  assert.deepEqual(pairs.map(({ id }) => id).sort(), ["0-0", "0-1", "0-2", "0-3"]);
  for (const { id, prompt, chosen, rejected, passes } of pairs) {
    const clip = id.slice("0-".length);
    assert.deepEqual(prompt.messages[0]!.parts, [{ type: "text", text: `Clip ${clip}.` }]);
    assert.match(chosen, new RegExp(`^Ann has (hot )?soup in ${clip}\\."}$`));
    assert.equal(rejected, `Ann has a lamp in ${clip}."}`);
    assert.deepEqual(passes, { chosen: true, rejected: false });
  }
  assert.ok(judge.asked.every(({ others }) => others === undefined));
});

test("an answer that begins otherwise than the prompt says is filed whole", async () => {
  const promptOf = () => ({ messages: [], prefix: "In short: " });
  const { pairs } = await jobPairs(tasks, [stream], optionsOf(judgeOf(), { promptOf }));
  assert.ok(pairs.length > 0 && pairs.every(({ rejected }) => rejected.startsWith(prefix)));
});

test("of a context come at most as many pairs as a step takes", async () => {
  for (const [pairsPerContext, count] of [
    [1, 4],
    [6, 8],
  ] as const) {
    const some = { ...all, dpo: { ...all.dpo, pairsPerContext } };
    const { pairs } = await jobPairs(tasks, [stream], optionsOf(judgeOf(), { recipe: some }));
    assert.equal(pairs.length, count);
    assert.ok(pairs.every(({ passes }) => passes.chosen && passes.rejected));
  }
});

test("against general questions where the recipe says so", async () => {
  const judge = judgeOf();
  await jobPairs(tasks, [stream], optionsOf(judge, { recipe: { ...recipe, judge: "contrast" } }));
  assert.ok(judge.asked.length > 0 && judge.asked.every(({ others }) => others!.length > 0));
});

test("a clip's own lines are told in the form of the prompt, and a resumed run asks nothing again", async () => {
  const judge = judgeOf();
  const told: string[] = [];
  const options = optionsOf(judge, {
    recipe: { ...recipe, lines: 1 },
    tell: (context, texts) => {
      told.push(...texts);
      return texts.map(() => written(context, "a line"));
    },
  });
  const first = await jobPairs(tasks, [stream], options);
  assert.deepEqual(told, Array(4).fill("Ann says: The soup!"));
  const asked = judge.asked.length;
  const again = await jobPairs(tasks, [stream], options);
  assert.deepEqual([judge.asked.length, told.length], [asked, 4]);
  assert.deepEqual(again, first);
  assert.equal(readFileSync(join(options.run, "drawn.jsonl"), "utf8").trim().split("\n").length, 4);
});

test("progress is told by stage, up to each stage's end", async () => {
  const stages = new Map<string, [number, number]>();
  await jobPairs(tasks, [stream], {
    ...optionsOf(judgeOf()),
    onTraining: ({ stage, done, total }) => stages.set(stage, [done, total]),
  });
  assert.deepEqual(
    [stages.get("watching"), stages.get("drawing")],
    [
      [6, 6],
      [4, 4],
    ],
  );
});
