import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { wordSpace } from "../engines/local/words.ts";
import type { Action, Context } from "../policy/policy.ts";
import { exampleClips, keys } from "./__fixtures__/clips.ts";
import type { Judge, JudgeFailure, QualityRequest } from "./judge.ts";
import { localJudge } from "./local-judge.ts";
import { type ActionReward, assessQuality, type ScoreOptions, scoreGroup } from "./reward.ts";
import { paperConstants } from "./rules.ts";

const { countTokens } = wordSpace;
const judge = localJudge({ words: wordSpace });
const json: ScoreOptions = { countTokens, form: "description" };
const lines: ScoreOptions = { countTokens, form: "statements" };

/** An action as a model writes it. */
function written(text: string): Action {
  return { text, statements: [], logprobs: null, revision: "test", issues: [] };
}

const described = (description: string) => written(JSON.stringify({ description }));

/** An action of a policy that writes no JSON. */
function chosen(...texts: string[]): Action {
  const statements = texts.map((text) => ({
    clip: 6,
    kind: "episodic" as const,
    startSeconds: 60,
    endSeconds: 70,
    text,
    speakers: [],
    sources: [],
    frameSeconds: [],
  }));
  return { ...written(texts.join("\n")), statements };
}

/** Text of `words` words of thinking: 1.3 tokens each. */
const thinking = (words: number) => `<think>${"hm ".repeat(words)}</think>`;

const totals = (rewards: readonly ActionReward[]) => rewards.map(({ total }) => total);
const { context, gold, hacks } = keys;

const failure: JudgeFailure = { ok: false, reason: "engine-failed", message: "No one there." };
/** The judge above, but for some memories it has no verdict. */
const failingFor = (isLost: (memory: string) => boolean): Judge => ({
  ...judge,
  quality: async (request) => (isLost(request.memory) ? failure : judge.quality(request)),
});

for (const clip of exampleClips) {
  test(`the gold memory earns the most and the empty one the least: ${clip.name}`, async () => {
    const actions = [clip.gold, ...Object.values(clip.hacks), ""].map(described);
    const rewards = totals(await scoreGroup(clip.context, actions, judge, json));
    assert.equal(rewards[0], 0.55);
    assert.equal(rewards.at(-1), -1.5);
    for (const other of rewards.slice(1, -1)) assert.ok(other! < 0.55 && other! > -1.5, `${other}`);
  });
}

describe("the reward of a group", () => {
  test("is the sum of its parts", async () => {
    const [best, short] = await scoreGroup(
      context,
      [described(gold), described("Maren comes home.")],
      judge,
      json,
    );
    assert.deepEqual(best?.parts, { format: 0, thinking: 0, quality: 0.5, richness: 0.05 });
    assert.deepEqual(short?.parts, { format: 0, thinking: 0, quality: 0.5, richness: 0 });
    assert.deepEqual([best?.total, short?.total], [0.55, 0.5]);
    assert.deepEqual(best?.checks, { correct: true, clean: true, tagged: true, short: true });
  });

  test("takes off for thinking too long, counted as memory is", async () => {
    const long = written(thinking(1500) + described(gold).text); // ceil(1.3 × 1500) = 1950 tokens
    const [reward] = await scoreGroup(context, [long], judge, json);
    assert.equal(reward?.parts.thinking, -(1950 - 1200) / 1200);
    assert.equal(reward?.total, 0.5 - 0.625);
  });

  test("is the format penalty alone for what breaks the contract, regardless of the thinking", async () => {
    const broken = [
      gold,
      thinking(5000) + gold,
      '{"description":3}',
      "",
      `<think>${gold}`,
      '{"description":" "}',
    ];
    const rewards = await scoreGroup(context, broken.map(written), judge, json);
    for (const { total, parts, checks } of rewards) {
      assert.equal(total, -1.5);
      assert.deepEqual(parts, { format: -1.5, thinking: 0, quality: 0, richness: 0 });
      assert.deepEqual(checks, {});
    }
  });

  test("does not accept what only the lenient reading repaired", async () => {
    const repaired = { ...chosen(gold), text: `Here it is: {"description": "${gold}"` };
    assert.equal((await scoreGroup(context, [repaired], judge, json))[0]?.total, -1.5);
    assert.equal((await scoreGroup(context, [repaired], judge, lines))[0]?.total, 0.5);
  });

  test("fails tags of unknown people and texts that are too long without asking the judge", async () => {
    const asked: string[] = [];
    const listening: Judge = {
      ...judge,
      quality: (request) => {
        asked.push(request.memory);
        return judge.quality(request);
      },
    };
    const long = `${gold} `.repeat(8).trim();
    const actions = [
      described(`<face_9> leaves the car keys in the bowl.`),
      described(long),
      described(gold),
    ];
    const rewards = await scoreGroup(context, actions, listening, json);
    assert.deepEqual(
      rewards.map(({ checks }) => checks),
      [
        { tagged: false, short: true },
        { tagged: true, short: false },
        { correct: true, clean: true, tagged: true, short: true },
      ],
    );
    // A name that nothing gives, where people are known by face; a label is read as the tag it stands for.
    const known: Context = { ...context, tags: [{ tag: "face_1", id: "person_4", name: null }] };
    const named = await scoreGroup(known, [described("Jack smiles at <face_1>.")], listening, json);
    assert.deepEqual(named[0]!.checks, { tagged: false, short: true });
    const asks: string[] = [];
    const quality = async ({ memory }: QualityRequest) => {
      asks.push(memory);
      return failure;
    };
    const seeing: Judge = { ...judge, quality };
    await scoreGroup(known, [chosen("[person_4] smiles.")], seeing, lines);
    assert.deepEqual(asks, ["<face_1> smiles."]);
    assert.deepEqual(totals(rewards), [-0.5, -0.5, 0.5]);
    assert.deepEqual(asked, [gold]);
  });

  test("judges the same words once", async () => {
    let calls = 0;
    const counting: Judge = {
      ...judge,
      quality: (request) => {
        calls += 1;
        return judge.quality(request);
      },
    };
    const rewards = await scoreGroup(context, [gold, gold, gold].map(described), counting, json);
    assert.equal(calls, 1);
    assert.deepEqual(totals(rewards), [0.5, 0.5, 0.5]);
  });

  test("judges knowledge together with the description", async () => {
    const options: ScoreOptions = { ...json, form: "description-and-knowledge" };
    const both = (knowledge: string[]) => written(JSON.stringify({ description: gold, knowledge }));
    const actions = [both(["Jonas has a walrus that plays the trombone."]), both([]), described(gold)];
    assert.deepEqual(totals(await scoreGroup(context, actions, judge, options)), [-0.5, 0.5, -1.5]);
  });

  test("of a policy that writes no JSON goes by its statements and issues", async () => {
    const issue = { code: "refused", message: "it declined" };
    const actions = [chosen(...gold.split(/(?<=\.) /)), chosen(), { ...chosen(gold), issues: [issue] }];
    assert.deepEqual(totals(await scoreGroup(context, actions, judge, lines)), [0.5, -1.5, -1.5]);
  });

  test("of an empty group is empty", async () => {
    assert.deepEqual(await scoreGroup(context, [], judge, json), []);
  });
});

describe("a judge that fails", () => {
  test("for one member masks the group, and leaves that one without a total", async () => {
    const actions = [gold, "Maren comes home.", hacks.invention!].map(described);
    const rewards = await scoreGroup(
      context,
      actions,
      failingFor((memory) => memory === gold),
      json,
    );
    assert.deepEqual(
      rewards.map(({ masked }) => masked),
      [true, true, true],
    );
    assert.deepEqual(totals(rewards), [null, 0.5, -0.5]);
    assert.equal(rewards[0]?.parts.quality, null);
    assert.deepEqual(
      rewards.map(({ failures }) => failures),
      [[failure], [], []],
    );
  });

  test("for what it need not judge masks nothing", async () => {
    const actions = [described(gold), written("not JSON")];
    const rewards = await scoreGroup(
      context,
      actions,
      failingFor((memory) => memory !== gold),
      json,
    );
    assert.deepEqual(
      rewards.map(({ masked }) => masked),
      [false, false],
    );
  });

  test("to rank gives no bonus, masks nothing and reports it", async () => {
    const unranked: Judge = { ...judge, richness: async () => failure };
    const actions = [gold, "Maren comes home.", hacks.invention!].map(described);
    const rewards = await scoreGroup(context, actions, unranked, json);
    assert.deepEqual(totals(rewards), [0.5, 0.5, -0.5]);
    for (const { masked } of rewards) assert.equal(masked, false);
    assert.deepEqual(
      rewards.map(({ failures }) => failures),
      [[failure], [failure], []],
    );
  });

  test("for lack of evidence masks a clip with nothing in it", async () => {
    const blank: Context = {
      ...context,
      observations: context.observations.map((one) => ({ ...one, speech: [], captions: [], screen: [] })),
    };
    const rewards = await scoreGroup(blank, ["", gold].map(described), judge, json);
    assert.deepEqual(
      rewards.map(({ masked, total }) => [masked, total]),
      [
        [true, -1.5],
        [true, null],
      ],
    );
  });
});

describe("the quality of one action", () => {
  test("decides the group's reward, by the configured limit", async () => {
    const { pass, checks, memory } = await assessQuality(context, described(gold), judge, json);
    assert.deepEqual({ pass, memory }, { pass: true, memory: gold });
    assert.deepEqual(checks, { correct: true, clean: true, tagged: true, short: true });
    const constants = { ...paperConstants, longestMemory: countTokens(gold) - 1 };
    const limited = await assessQuality(context, described(gold), judge, { ...json, constants });
    assert.deepEqual([limited.pass, limited.checks], [false, { tagged: true, short: false }]);
  });

  test("is unknown, not bad, where the judge failed", async () => {
    const lost = await assessQuality(
      context,
      described(gold),
      failingFor(() => true),
      json,
    );
    assert.deepEqual([lost.pass, lost.failure], [null, failure]);
  });
});
