/** Words near those of the questions, by an encoder whose words of food lie together and whose other words lie anywhere. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { observationOf } from "../../../test/support/memory.ts";
import { weightsOf } from "../../adapter/arithmetic.ts";
import type { Embedder } from "../../engine.ts";
import { lexicalReader, wordSpace } from "../../engines/local/index.ts";
import { EngineError } from "../../errors.ts";
import type { Observation } from "../../perception/observation.ts";
import type { Task } from "../../tasks/task.ts";
import { seededRandom } from "../../util/random.ts";
import { wordAdapterTrainer } from "../word-adapter-trainer.ts";
import { choiceFamily } from "./choice-training.ts";
import { nearStem, nearWords } from "./near-words.ts";

const food = ["soup", "stew", "broth", "pancake", "omelette", "noodle"];
/** Two letters of three syllables give 216 words that are nothing else. */
const others = Array.from({ length: 216 }, (_, i) =>
  [36, 6, 1]
    .map((d) => "bdfgkm"[Math.floor(i / d) % 6]! + "aeiouy"[(Math.floor(i / d) * 5 + i) % 6])
    .join(""),
);
const width = 24;

function encoder(): Embedder & { readonly asked: string[]; down: boolean } {
  const own = {
    ...{ id: "food", dimension: width, meaning: width, asked: [] as string[], down: false },
    embed: async (texts: readonly string[]) => {
      if (own.down) throw new EngineError("unreachable", "The encoder is down", { isRetryable: true });
      own.asked.push(...texts);
      return texts.map((text) => {
        const random = seededRandom(text);
        const vector = Float32Array.from({ length: width }, () => random() - 0.5);
        if (food.includes(text)) vector[0]! += 3;
        return vector;
      });
    },
  };
  return own;
}

const watched = (words: readonly string[]): Observation[] =>
  words.map((word, clip) =>
    observationOf("kitchen", clip, {
      tiers: {},
      speech: [
        { startSeconds: clip * 10, endSeconds: clip * 10 + 1, text: `And the ${word}.`, speaker: "Pancake" },
      ],
    }),
  );

const tasks = ["Who made the soup?", "Where is the stew?"].map(
  (text, i) => ({ id: `task-${i}`, question: { text, options: [] } }) as unknown as Task,
);

describe("near words", () => {
  test("are those that mean what is asked about, without names of speakers", async () => {
    const near = await nearWords(tasks, [watched([...others, ...food])], {
      words: wordSpace,
      embedder: encoder(),
    });
    const stems = (words: readonly string[]) => words.flatMap(wordSpace.stems);
    for (const stem of stems(["soup", "stew", "broth", "omelette", "noodle"]))
      assert.equal(near.get(stem), 2, stem);
    assert.equal(near.has(stems(["pancake"])[0]!), false, "a speaker is called so");
    const strange = stems(others).filter((stem) => near.has(stem));
    assert.ok(strange.length <= 0.08 * others.length, `${strange.length} words of anything else`);
  });

  test("are asked for once where their vectors are kept", async () => {
    const [embedder, cache] = [encoder(), new Map<string, string>()];
    const options = { words: wordSpace, embedder, cache };
    const first = await nearWords(tasks, [watched([...others, ...food])], options);
    const asked = embedder.asked.length;
    assert.equal(new Set(embedder.asked).size, asked);
    assert.deepEqual(await nearWords(tasks, [watched([...others, ...food])], options), first);
    assert.equal(embedder.asked.length, asked, "nothing is asked again");
  });

  test("are none where few words were watched", async () => {
    const embedder = encoder();
    const near = await nearWords(tasks, [watched(food)], { words: wordSpace, embedder });
    assert.deepEqual([near.size, embedder.asked.length], [0, 0]);
  });

  test("teach a line that no question names; an encoder that is down costs only them", async () => {
    const embedder = encoder();
    const trainer = wordAdapterTrainer({
      ...{ ...choiceFamily({ words: wordSpace }), reader: lexicalReader({ words: wordSpace }), embedder },
    });
    const weighed = async (word: string) => {
      const { adapter } = await trainer.train(tasks, [watched([...others, ...food])]);
      const [stem] = wordSpace.stems(word);
      return [stem!, nearStem(stem!)].map((key) => {
        const { index, sign } = wordSpace.bucket(key);
        return sign * (new Map(weightsOf(adapter)).get(index) ?? 0) + 0; // no −0
      });
    };
    const askedOnce = Math.fround(Math.log(2));
    assert.deepEqual(
      [await weighed("broth"), await weighed("soup")],
      [
        [0, 2],
        [askedOnce, 2],
      ],
    );
    embedder.down = true;
    assert.deepEqual(
      [await weighed("broth"), await weighed("soup")],
      [
        [0, 0],
        [askedOnce, 0],
      ],
    );
  });
});
