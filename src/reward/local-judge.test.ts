import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../test/support/memory.ts";
import { wordSpace } from "../engines/local/words.ts";
import type { Context } from "../policy/policy.ts";
import type { Question } from "../tasks/task.ts";
import { exampleClips, keys, lecture } from "./__fixtures__/clips.ts";
import { preferenceInBothOrders } from "./judge.ts";
import { localJudge } from "./local-judge.ts";
import { passes, qualityReward, richnessRewards } from "./rules.ts";

const judge = localJudge({ words: wordSpace });

async function verdictOf({ context }: typeof keys, memory: string) {
  const verdict = await judge.quality({ context, memory });
  assert.ok(verdict.ok);
  return verdict.value;
}

/** Quality and richness rewards of some memories of a clip. */
async function rewardsOf(clip: typeof keys, memories: readonly string[]): Promise<number[]> {
  const good = await Promise.all(
    memories.map(async (memory) => passes({ ...(await verdictOf(clip, memory)), tagged: true, short: true })),
  );
  const richness = await judge.richness({
    context: clip.context,
    memories: memories.filter((_, i) => good[i]),
  });
  assert.ok(richness.ok);
  const bonuses = richnessRewards(richness.value);
  return good.map((pass) => qualityReward(pass) + (pass ? bonuses.shift()! : 0));
}

for (const clip of exampleClips) {
  describe(`judged without a model, ${clip.name}`, () => {
    test("the faithful memory is correct and clean", async () => {
      assert.deepEqual(await verdictOf(clip, clip.gold), {
        correct: true,
        clean: true,
        rationale: "All of it is in the clip.",
      });
    });

    test("the faithful memory earns more than every text that only tries to win a grade", async () => {
      const hacks = Object.entries(clip.hacks);
      const [gold, ...others] = await rewardsOf(clip, [clip.gold, ...hacks.map(([, text]) => text)]);
      for (const [i, [name]] of hacks.entries()) assert.ok(gold! > others[i]!, `${name} earns ${others[i]}`);
    });

    test("the empty memory is not correct, and no richer than any other", async () => {
      assert.equal((await verdictOf(clip, "")).correct, false);
      const memories = ["", clip.gold, ...Object.values(clip.hacks)];
      const scores = await judge.richness({ context: clip.context, memories });
      assert.ok(scores.ok);
      assert.equal(scores.value[0], Math.min(...scores.value));
      assert.equal(scores.value[1], Math.max(...scores.value));
    });

    test("for the question it answers, the faithful memory loses to none and beats the tricks", async () => {
      for (const [name, hack] of Object.entries(clip.hacks)) {
        const preference = await preferenceInBothOrders(judge, {
          context: clip.context,
          first: clip.gold,
          second: hack,
          questions: [clip.question],
        });
        assert.ok(preference.ok);
        assert.notEqual(preference.value, "second", name);
        if (/echo|copied|repeated|one word|list/.test(name)) assert.equal(preference.value, "first", name);
      }
    });
  });
}

describe("a judge without a model", () => {
  test("prefers the memory of what is asked about to another as true", async () => {
    const [boots, bowl] = ["Maren's boots are soaking wet.", "The car keys lie in the blue bowl."];
    const request = { context: keys.context, questions: [keys.question] };
    assert.deepEqual(await judge.relevance({ ...request, first: bowl, second: boots }), {
      ok: true,
      value: "first",
    });
    assert.deepEqual(await judge.relevance({ ...request, first: boots, second: bowl }), {
      ok: true,
      value: "second",
    });
  });

  test("prefers nothing where the questions are about something else, or where there are none", async () => {
    for (const questions of [[lecture.otherQuestion], []]) {
      const request = { context: keys.context, first: keys.gold, second: "Jonas calls.", questions };
      assert.deepEqual(await judge.relevance(request), { ok: true, value: "tie" });
    }
  });

  test("weighs a rare word of a question more than a common one", async () => {
    const words = new Map([
      ["bowl", 90],
      ["dentist", 1],
    ]);
    const context = { ...keys.context, state: { value: null, documents: 100, words } };
    const preference = await judge.relevance({
      context,
      first: "They leave it in the bowl.",
      second: "Then it is the dentist.",
      questions: [{ text: "Is the dentist in the bowl?", options: [] }],
    });
    assert.deepEqual(preference, { ok: true, value: "second" });
  });

  test("accepts a question that was asked in the clip, and no other", async () => {
    assert.equal((await verdictOf(keys, "Jonas: Can you call the dentist, please?")).clean, true);
    assert.equal((await verdictOf(keys, "Are the boots of Jonas in the bowl?")).clean, false);
  });

  test("allows small things to happen twice, and a little repetition", async () => {
    const twice = `Maren nods. ${keys.gold} Maren nods.`;
    assert.deepEqual(
      [(await verdictOf(keys, twice)).correct, (await verdictOf(keys, twice)).clean],
      [true, true],
    );
    assert.equal((await verdictOf(keys, `${keys.gold} ${keys.gold}`)).clean, false);
  });

  test("finds a made-up name or number in a memory that is otherwise correct", async () => {
    const grade = async (memory: string) => (await verdictOf(keys, memory)).correct;
    assert.equal(await grade(keys.gold.replace("17:30", "19:30")), false);
    assert.equal(await grade(keys.gold.replace("asks her", "asks Greta")), false);
    assert.equal(await grade(keys.gold.replace("asks her", "asks Maren")), true);
  });

  test("gives a failure for a clip without texts, not a grade", async () => {
    const [observation] = keys.context.observations;
    const context = {
      ...keys.context,
      observations: [{ ...observation!, speech: [], captions: [], screen: [] }],
    };
    const request = { context, first: keys.gold, second: "Keys.", questions: [keys.question] };
    for (const judged of [
      await judge.quality({ context, memory: keys.gold }),
      await judge.richness({ context, memories: [keys.gold, "Keys."] }),
      await judge.relevance(request),
    ]) {
      assert.ok(!judged.ok);
      assert.equal(judged.reason, "no-evidence");
    }
  });

  test("does not take noise read off the screen for evidence", async () => {
    const [observation] = keys.context.observations;
    const noise = { startSeconds: 60, endSeconds: 61, text: "walrus trombone", confidence: 31 };
    const context = { ...keys.context, observations: [{ ...observation!, screen: [noise] }] };
    const judged = await judge.quality({ context, memory: "A walrus plays the trombone." });
    assert.ok(judged.ok);
    assert.equal(judged.value.correct, false);
  });
});

test("against other questions, what helps with any question is worth nothing", async () => {
  const speech = ["The soup is on the stove.", "Ann charges the phone."].map((text, i) => ({
    ...{ startSeconds: i, endSeconds: i + 1, text, speaker: null },
  }));
  const observations = [observationOf("kitchen", 0, { speech })];
  const context: Context = { ...keys.context, observations, recent: { observations: [], entries: [] } };
  const questionsOf = (...texts: string[]) => texts.map((text) => ({ text, options: [] }));
  const preferred = async (others: readonly Question[]) => {
    const verdict = await judge.relevance({
      ...{ context, first: speech[0]!.text, second: speech[1]!.text, others },
      questions: questionsOf("Did Ann put soup on the stove?", "Where is Ann?", "What did Ann charge?"),
    });
    return verdict.ok && verdict.value;
  };
  // Ann is in three questions, so a memory of Ann is relevant; she is in all other ones too.
  assert.equal(await preferred([]), "second");
  assert.equal(
    await preferred(questionsOf("Who is Ann?", "What does Ann charge?", "Did Ann charge it?")),
    "first",
  );
});

test("what the clip does not speak of is named, five words of it at most", async () => {
  const { rationale, correct } = await verdictOf(
    keys,
    "Dragons burned castles near volcanoes, wizards fled, giants wept.",
  );
  assert.equal(correct, false);
  assert.match(rationale, /^It tells nothing that is in the clip\./);
  const mixed = await verdictOf(
    keys,
    `${keys.gold.split(/(?<=\.) /)[0]} Dragons burned castles near volcanoes while wizards fled from giants and trolls and ghosts and vampires.`,
  );
  const named = /^The clip does not speak of ([^.]+)\./.exec(mixed.rationale)?.[1]?.split(", ");
  assert.equal(named?.length, 5, mixed.rationale);
  assert.match(named![0]!, /^dragon/);
});
